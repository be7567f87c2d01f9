/**
 * Stands between a connection and Node's HTTP server, so that the server reads a request only once the one before is answered.
 * From the connection itself it would parse, and begin to answer, all requests of a chunk of 64 KiB at once, for a client that
 * may never read an answer.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { closeConnection } from './close-connection.js';
import type { UnsentAnswers } from './unsent-answers.js';

/** Bytes passed to the server at a time at most; fewer where a head ends among them. */
const PART_BYTES_MAX = 4 * 1024;
/** Bytes of an answer that the client has to take within `stallMs`. */
const PIECE_BYTES_MAX = 16 * 1024;
/** Ends each head and each chunked body; Node's parser refuses other line ends. */
const END_OF_HEAD = '\r\n\r\n';

/** Bounds on answers that clients have not taken yet. */
interface AnswerLimits {
  /** Milliseconds that the client has for each `PIECE_BYTES_MAX` of an answer. */
  readonly stallMs: number;
  /** The answers of all connections. */
  readonly unsent: UnsentAnswers;
}

type Written = (error?: Error | null) => void;

export class PacedSocket extends Duplex {
  readonly #socket: Socket;
  readonly #limits: AnswerLimits;
  /** Bytes read but not yet passed on: at most one chunk of the system's, 64 KiB, and what came with the handover. */
  #held: Buffer;
  /** Whether the server wants to read. */
  #isWanted = false;
  /** Whether the client has sent everything. */
  #hasEnded = false;
  /** Requests that wait for their answers. */
  #open = 0;
  /** The request that was read last. */
  #newest: IncomingMessage | null = null;
  /** Whether incoming bytes are dropped. */
  #isDeaf = false;
  /** Closes the connection if the client does not take its answer in time. */
  #stall: NodeJS.Timeout | undefined;

  /** @param held what was read from the connection already */
  constructor(socket: Socket, held: Buffer, limits: AnswerLimits) {
    super({ allowHalfOpen: true, readableHighWaterMark: PART_BYTES_MAX });
    this.#socket = socket;
    this.#held = held;
    this.#limits = limits;
    socket.on('data', (chunk: Buffer) => {
      if (this.#isDeaf) return;
      this.#held = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
      this.#give();
    });
    socket.on('end', () => {
      this.#hasEnded = true;
      this.#give();
    });
    socket.on('timeout', () => {
      if (!this.emit('timeout')) this.destroy();
    });
    socket.on('error', (error) => this.destroy(error));
    socket.on('close', () => this.destroy());
  }

  get remoteAddress(): string | undefined {
    return this.#socket.remoteAddress;
  }

  /** A request was read: what follows it waits until it is answered. */
  began(request: IncomingMessage, response: ServerResponse): void {
    this.#open += 1;
    this.#newest = request;
    response.once('close', () => {
      this.#open -= 1;
      this.#give();
    });
  }

  /** Drops what the client sends from now on. */
  stopReading(): void {
    this.#isDeaf = true;
    this.#held = Buffer.alloc(0);
    this.#socket.resume();
  }

  /** As of `net.Socket`: closes the connection once everything written has left. */
  destroySoon(): void {
    this.stopReading();
    if (this.writable) this.end();
    if (this.writableFinished) this.destroy();
    else this.once('finish', () => this.destroy());
  }

  /** As of `net.Socket`. */
  setTimeout(ms: number): this {
    this.#socket.setTimeout(ms);
    return this;
  }

  override _read(): void {
    this.#isWanted = true;
    // Not from inside `_read`: the stream would queue the part, and the server would read it after the next.
    process.nextTick(() => this.#give());
  }

  override _write(chunk: Buffer, _encoding: string, done: Written): void {
    const { unsent } = this.#limits;
    unsent.add(this, chunk.length);
    this.#writePieces(chunk, (error) => {
      unsent.remove(this);
      done(error);
    });
  }

  override _writev(
    chunks: readonly { readonly chunk: Buffer }[],
    done: (error?: Error | null) => void,
  ): void {
    this._write(Buffer.concat(chunks.map(({ chunk }) => chunk)), '', done);
  }

  override _final(done: () => void): void {
    closeConnection(this.#socket, this.#limits.stallMs);
    done();
  }

  override _destroy(error: Error | null, done: Written): void {
    this.#isDeaf = true;
    this.#held = Buffer.alloc(0);
    this.#limits.unsent.remove(this);
    clearTimeout(this.#stall);
    // After an orderly end `closeConnection` closes the socket.
    if (!this.writableFinished) this.#socket.destroy();
    done(error);
  }

  /** Each piece has its own time, which the client extends neither by sending nor by taking a byte now and then. */
  #writePieces(bytes: Buffer, done: Written): void {
    const piece = bytes.subarray(0, PIECE_BYTES_MAX);
    this.#socket.write(piece, (error) => {
      clearTimeout(this.#stall);
      const rest = bytes.subarray(piece.length);
      if (rest.length === 0 || (error ?? null) !== null) done(error);
      else this.#writePieces(rest, done);
    });
    if (this.#socket.writableLength === 0) return;
    this.#stall = setTimeout(() => this.destroy(), this.#limits.stallMs);
  }

  /** Passes on as much as the server may read now. */
  #give(): void {
    if (this.destroyed || this.#isDeaf) return;
    while (this.#isWanted && this.#mayRead && this.#held.length > 0) {
      const part = this.#held.subarray(0, partEnd(this.#held));
      this.#held = this.#held.subarray(part.length);
      this.#isWanted = this.push(part);
    }
    if (this.#held.length > 0) this.#socket.pause();
    else if (!this.#hasEnded) this.#socket.resume();
    else if (this.#mayRead) this.push(null);
  }

  get #mayRead(): boolean {
    // A part may hold the end of a body and the head of the next request: then two are open, and no more is read.
    return this.#open === 0 || (this.#open === 1 && this.#newest?.complete === false);
  }
}

function partEnd(bytes: Buffer): number {
  const end = bytes.subarray(0, PART_BYTES_MAX).indexOf(END_OF_HEAD);
  return end === -1 ? Math.min(bytes.length, PART_BYTES_MAX) : end + END_OF_HEAD.length;
}
