/** Forwards one direction of one connection, under the current conditions of its link. */
import type { Socket } from 'node:net';
import { DeliverySchedule, flipBit, type LinkConditions } from '../rules/link-conditions.js';
import type { SeededRandom } from '@trireme/client';

/** Queued bytes above which the source is paused. */
const QUEUE_BYTES_MAX = 4 * 1024 * 1024;

/** With a rate limit, data is split into packets of this size. */
const PACKET_BYTES = 1_400;

/** Delay from a swallowed reply to the reset of its connection, in milliseconds. */
const SWALLOWED_MS = 20;

interface Item {
  readonly dueAt: number;
  readonly bytes: number;
  readonly deliver: () => void;
}

export class FaultPipe {
  readonly #conditions: () => LinkConditions;
  readonly #random: SeededRandom;
  #schedule = new DeliverySchedule();
  #queue: Item[] = [];
  #queueBytes = 0;
  #timer: NodeJS.Timeout | null = null;
  #source: Socket | null = null;
  #isFull = false;
  #isClosed = false;

  constructor(conditions: () => LinkConditions, random: SeededRandom) {
    this.#conditions = conditions;
    this.#random = random;
  }

  /** Forwards the data of `source` to `sink`, and its end or error the same way. */
  forward(source: Socket, sink: Socket, onBroken: () => void): void {
    this.#source = source;
    source.on('data', (chunk: Buffer) => {
      const { dropped, corruption, bytesPerSecond } = this.#conditions();
      if (dropped) {
        setTimeout(onBroken, SWALLOWED_MS);
        return;
      }
      const bytes = this.#random.chance(corruption) ? flipBit(chunk, this.#random) : chunk;
      const pieceBytes = bytesPerSecond === null ? bytes.length : PACKET_BYTES;
      for (let at = 0; at < bytes.length; at += pieceBytes) {
        const piece = bytes.subarray(at, at + pieceBytes);
        this.schedule(piece.length, () => this.#write(sink, piece));
      }
    });
    source.on('end', () => this.schedule(0, () => sink.end()));
    source.on('error', () => this.schedule(0, onBroken));
    sink.on('drain', () => {
      this.#isFull = false;
      this.deliverDue();
    });
  }

  /** Queues an action for the time at which `bytes` would arrive at the other end. */
  schedule(bytes: number, deliver: () => void): void {
    if (this.#isClosed) return;
    const dueAt = this.#schedule.dueAt(performance.now(), bytes, this.#conditions(), this.#random);
    this.#queue.push({ dueAt, bytes, deliver });
    this.#queueBytes += bytes;
    if (this.#queueBytes > QUEUE_BYTES_MAX) this.#source?.pause();
    if (this.#queue.length === 1) this.deliverDue();
  }

  /** Delivers all queued items that are due, unless the link is blocked. */
  deliverDue(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    for (let first = this.#queue[0]; first !== undefined && !this.#isFull; first = this.#queue[0]) {
      if (this.#conditions().blocked) return;
      const waitMs = first.dueAt - performance.now();
      if (waitMs > 0) {
        this.#timer = setTimeout(() => this.deliverDue(), waitMs);
        return;
      }
      this.#queue.shift();
      this.#queueBytes -= first.bytes;
      first.deliver();
    }
    if (this.#queueBytes <= QUEUE_BYTES_MAX) this.#source?.resume();
  }

  /** Makes all queued items due now. */
  flush(): void {
    this.#schedule = new DeliverySchedule();
    this.#queue = this.#queue.map((item) => ({ ...item, dueAt: 0 }));
    this.deliverDue();
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
