/**
 * Sits between a connection and Node's HTTP server, so that the server reads a request only after the
 * previous one is answered. On a plain connection the server would parse and start to answer all requests of
 * a 64 KiB chunk at once, even for a client that never reads a response.
 */
import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { closeGracefully } from './close-connection.js';
import type { UnreadResponses } from './unread-responses.js';

/** Maximum number of bytes passed to the server at a time; fewer if a head ends among them. */
const READ_BYTES_MAX = 4 * 1024;
/** Bytes of a response that the client has to read within `writeTimeoutMs`. */
const WRITE_BYTES_MAX = 16 * 1024;
/** Ends each head and each chunked body; Node's parser refuses other line endings. */
const END_OF_HEAD = '\r\n\r\n';

/** Bounds on responses that clients have not read yet. */
interface ResponseLimits {
  /** Milliseconds that the client has to read each `WRITE_BYTES_MAX` of a response. */
  readonly writeTimeoutMs: number;
  /** The unread responses of all connections. */
  readonly unsent: UnreadResponses;
}

type WriteCallback = (error?: Error | null) => void;

export class PacedSocket extends Duplex {
  readonly #socket: Socket;
  readonly #limits: ResponseLimits;
  /**
   * Bytes read but not yet passed on: at most one chunk of the system, 64 KiB, and those given to the
   * constructor.
   */
  #buffered: Buffer;
  /** Whether the server has asked for more bytes. */
  #wantsData = false;
  /** Whether the client has sent everything. */
  #hasEnded = false;
  /** The responses that are not complete yet, in the order of their requests. */
  readonly #pending: ServerResponse[] = [];
  /** Whether incoming bytes are dropped. */
  #isDiscarding = false;
  /** Closes the connection if the client does not read its response in time. */
  #stallTimer: NodeJS.Timeout | undefined;

  /** @param buffered bytes that were already read from the connection. */
  constructor(socket: Socket, buffered: Buffer, limits: ResponseLimits) {
    super({ allowHalfOpen: true, readableHighWaterMark: READ_BYTES_MAX });
    this.#socket = socket;
    this.#buffered = buffered;
    this.#limits = limits;
    socket.on('data', (chunk: Buffer) => {
      if (this.#isDiscarding) return;
      this.#buffered = this.#buffered.length === 0 ? chunk : Buffer.concat([this.#buffered, chunk]);
      this.#pump();
    });
    socket.on('end', () => {
      this.#hasEnded = true;
      this.#pump();
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

  /** The server has read a request. The bytes after it wait until it is answered. */
  onRequest(response: ServerResponse): void {
    this.#pending.push(response);
    response.once('close', () => {
      this.#pending.splice(this.#pending.indexOf(response), 1);
      this.#pump();
    });
  }

  /** The response to the oldest request that is not answered completely yet; null if there is none. */
  get pendingResponse(): ServerResponse | null {
    return this.#pending[0] ?? null;
  }

  /** Drops everything that the client sends from now on. */
  discardInput(): void {
    this.#isDiscarding = true;
    this.#buffered = Buffer.alloc(0);
    this.#socket.resume();
  }

  /** As in `net.Socket`: closes the connection once everything written is sent. */
  destroySoon(): void {
    this.discardInput();
    if (this.writable) this.end();
    if (this.writableFinished) this.destroy();
    else this.once('finish', () => this.destroy());
  }

  /** As in `net.Socket`. */
  setTimeout(ms: number): this {
    this.#socket.setTimeout(ms);
    return this;
  }

  override _read(): void {
    this.#wantsData = true;
    // Pushing inside `_read` would queue the bytes in the stream, and the server would read them too late.
    process.nextTick(() => this.#pump());
  }

  override _write(chunk: Buffer, _encoding: string, done: WriteCallback): void {
    const { unsent } = this.#limits;
    unsent.add(this, chunk.length);
    this.#writeInChunks(chunk, (error) => {
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
    closeGracefully(this.#socket, this.#limits.writeTimeoutMs);
    done();
  }

  override _destroy(error: Error | null, done: WriteCallback): void {
    this.#isDiscarding = true;
    this.#buffered = Buffer.alloc(0);
    this.#limits.unsent.remove(this);
    clearTimeout(this.#stallTimer);
    // `closeGracefully` closes the socket after an orderly end.
    if (!this.writableFinished) this.#socket.destroy();
    done(error);
  }

  /** Each chunk has its own time limit. Neither incoming data nor reading single bytes extends it. */
  #writeInChunks(bytes: Buffer, done: WriteCallback): void {
    const chunk = bytes.subarray(0, WRITE_BYTES_MAX);
    this.#socket.write(chunk, (error) => {
      clearTimeout(this.#stallTimer);
      const rest = bytes.subarray(chunk.length);
      if (rest.length === 0 || (error ?? null) !== null) done(error);
      else this.#writeInChunks(rest, done);
    });
    if (this.#socket.writableLength === 0) return;
    this.#stallTimer = setTimeout(() => this.destroy(), this.#limits.writeTimeoutMs);
  }

  /** Passes on as many bytes as the server may read now. */
  #pump(): void {
    if (this.destroyed || this.#isDiscarding) return;
    while (this.#wantsData && this.#mayRead && this.#buffered.length > 0) {
      const chunk = this.#buffered.subarray(0, chunkEnd(this.#buffered));
      this.#buffered = this.#buffered.subarray(chunk.length);
      this.#wantsData = this.push(chunk);
    }
    if (this.#buffered.length > 0) this.#socket.pause();
    else if (!this.#hasEnded) this.#socket.resume();
    else if (this.#mayRead) this.push(null);
  }

  get #mayRead(): boolean {
    // One push may contain the end of a body and the next head: then two requests are open, and no more is
    // read.
    const [first, second] = this.#pending;
    return first === undefined || (second === undefined && !first.req.complete);
  }
}

function chunkEnd(bytes: Buffer): number {
  const end = bytes.subarray(0, READ_BYTES_MAX).indexOf(END_OF_HEAD);
  return end === -1 ? Math.min(bytes.length, READ_BYTES_MAX) : end + END_OF_HEAD.length;
}
