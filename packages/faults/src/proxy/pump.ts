/** Carries one direction of one connection, under the conditions of its link at each moment. */
import type { Socket } from 'node:net';
import { Schedule, flipBit, type Conditions } from '../rules/link.js';
import type { SeededRandom } from '../rules/random.js';

/** Bytes under way before the sender has to wait. */
const QUEUE_BYTES_MAX = 4 * 1024 * 1024;

/** A slow link carries no more than this at once: what is read in one piece trickles through. */
const PACKET_BYTES = 1_400;

/** Milliseconds from a swallowed reply to the end of its connection. */
const SWALLOWED_MS = 20;

interface Item {
  readonly dueAt: number;
  readonly bytes: number;
  readonly deliver: () => void;
}

export class Pump {
  readonly #conditions: () => Conditions;
  readonly #random: SeededRandom;
  #schedule = new Schedule();
  #queue: Item[] = [];
  #queueBytes = 0;
  #timer: NodeJS.Timeout | null = null;
  #source: Socket | null = null;
  #isFull = false;
  #isClosed = false;

  constructor(conditions: () => Conditions, random: SeededRandom) {
    this.#conditions = conditions;
    this.#random = random;
  }

  /** Sends on what `source` sends; how it ends travels the same way. */
  carry(source: Socket, sink: Socket, onBroken: () => void): void {
    this.#source = source;
    source.on('data', (chunk: Buffer) => {
      const { swallowed, corruption, bytesPerSecond } = this.#conditions();
      if (swallowed) {
        setTimeout(onBroken, SWALLOWED_MS);
        return;
      }
      const bytes = this.#random.chance(corruption) ? flipBit(chunk, this.#random) : chunk;
      const pieceBytes = bytesPerSecond === null ? bytes.length : PACKET_BYTES;
      for (let at = 0; at < bytes.length; at += pieceBytes) {
        const piece = bytes.subarray(at, at + pieceBytes);
        this.push(piece.length, () => this.#write(sink, piece));
      }
    });
    source.on('end', () => this.push(0, () => sink.end()));
    source.on('error', () => this.push(0, onBroken));
    sink.on('drain', () => {
      this.#isFull = false;
      this.wake();
    });
  }

  /** Has something done when it would arrive at the other end. */
  push(bytes: number, deliver: () => void): void {
    if (this.#isClosed) return;
    const dueAt = this.#schedule.dueAt(performance.now(), bytes, this.#conditions(), this.#random);
    this.#queue.push({ dueAt, bytes, deliver });
    this.#queueBytes += bytes;
    if (this.#queueBytes > QUEUE_BYTES_MAX) this.#source?.pause();
    if (this.#queue.length === 1) this.wake();
  }

  /** Looks again at what may go on now. */
  wake(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    for (let first = this.#queue[0]; first !== undefined && !this.#isFull; first = this.#queue[0]) {
      if (this.#conditions().blocked) return;
      const waitMs = first.dueAt - performance.now();
      if (waitMs > 0) {
        this.#timer = setTimeout(() => this.wake(), waitMs);
        return;
      }
      this.#queue.shift();
      this.#queueBytes -= first.bytes;
      first.deliver();
    }
    if (this.#queueBytes <= QUEUE_BYTES_MAX) this.#source?.resume();
  }

  /** Lets everything go that waits for its time. */
  hurry(): void {
    this.#schedule = new Schedule();
    this.#queue = this.#queue.map((item) => ({ ...item, dueAt: 0 }));
    this.wake();
  }

  close(): void {
    this.#isClosed = true;
    this.#queue.length = 0;
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  #write(sink: Socket, bytes: Buffer): void {
    if (sink.writable && !sink.write(bytes)) this.#isFull = true;
  }
}
