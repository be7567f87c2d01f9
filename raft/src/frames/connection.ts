/**
 * One open stream of frames over a socket that an HTTP/1.1 Upgrade handed over. etcd replicates over one-way response
 * bodies, two for each direction; one upgraded duplex stream has no request timeout to disarm, works over TLS as it
 * is, and needs half the connections. What is sent in one turn of the event loop leaves in one write.
 *
 * Nothing is called back from inside `send`, `close` or `finish`. A connection that breaks is not repaired here.
 */
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { FrameDecoder } from './decoder.js';
import { FrameError } from './errors.js';
import { FRAME_HEADER_BYTES, writeFrameHeader } from './header.js';
import { writeAtTurnEnd } from './turn.js';

/** Bounds of a connection; both sides should have the same. */
export interface FrameLimits {
  /** Longest frame, in bytes, sent or received. */
  readonly frameBytesMax: number;
  /** Bytes that may wait to be sent, at least one longest frame with its header. At the bound `send` returns false. */
  readonly queueBytesMax: number;
  /**
   * A connection on which nothing came in for about this long, in milliseconds, is closed. Each side sends an empty
   * frame when it had nothing else to send for a third of it, so both sides must agree on its order of magnitude.
   */
  readonly silenceMsMax: number;
}

/** The stable words for why a connection closed. */
export type FrameCloseCode =
  /** This side closed it. */
  | 'CLOSED_HERE'
  /** The other side ended it in order; also what the system sends for a process that died. */
  | 'ENDED'
  /** The socket failed, such as by a reset. */
  | 'SOCKET_FAILED'
  /** Nothing came in for `silenceMsMax`. */
  | 'SILENT'
  /** A frame came in that is too long, or was damaged on its way. */
  | 'BAD_FRAME';

/** Why a connection is closed. */
export interface FrameClose {
  readonly code: FrameCloseCode;
  readonly message: string;
}

/** What its owner does with a connection. What these throw is not caught. */
export interface FrameHandler {
  /** A frame came in, never an empty one. The bytes are a view into a larger buffer: who keeps few should copy them. */
  frame(payload: Buffer): void;
  /** Called once; nothing is called afterwards. */
  closed(close: FrameClose): void;
}

/** A turn's frames are copied into one buffer up to this size; beyond it the bytes are handed over as they are. */
const COALESCE_BYTES_MAX = 64 * 1024;

/** The silence is counted in this many ticks, so that a frame costs a flag and no timer. */
const SILENCE_TICKS = 6;

const KEEP_ALIVE = Buffer.alloc(FRAME_HEADER_BYTES);
writeFrameHeader(KEEP_ALIVE, 0, new Uint8Array());

/** A duplex stream of frames; see the head of this file. */
export class FrameConnection {
  readonly #socket: Duplex;
  readonly #limits: FrameLimits;
  readonly #decoder: FrameDecoder;
  readonly #ticker: NodeJS.Timeout;
  #handler: FrameHandler | null = null;
  #pending: Uint8Array[] = [];
  #pendingBytes = 0;
  #finishing = false;
  #close: FrameClose | null = null;
  #sentSinceTick = true;
  #receivedSinceTick = true;
  #silentTicks = 0;

  /**
   * @param socket an upgraded socket that nobody else reads
   * @param head bytes that came with the handshake
   * @throws FrameError `BAD_OPTION` if a limit is out of its bounds.
   */
  constructor(socket: Duplex, head: Buffer, limits: FrameLimits) {
    checkFrameLimits(limits);
    this.#socket = socket;
    this.#limits = limits;
    this.#decoder = new FrameDecoder(limits.frameBytesMax);
    if (socket instanceof Socket) {
      // Without it a small write may wait for the acknowledgement of the last one, up to 40 ms.
      socket.setNoDelay(true);
      socket.setTimeout(0);
    }
    if (head.length > 0) socket.unshift(head);
    socket.on('error', (error) => this.#shut('SOCKET_FAILED', error.message));
    socket.on('end', () => this.#shut('ENDED', 'the other side ended the connection'));
    socket.on('close', () => this.#shut('SOCKET_FAILED', 'the socket closed'));
    // Ticks are counted, not clock readings compared: a process that was itself paused sees one tick when it goes
    // on, and reads what waits for it before it could think the other side silent.
    this.#ticker = setInterval(() => this.#tick(), Math.max(1, limits.silenceMsMax / SILENCE_TICKS));
    this.#ticker.unref();
  }

  /** Begins to read. Called once; until then what comes in waits in the socket. */
  start(handler: FrameHandler): void {
    this.#handler = handler;
    if (this.#close !== null) {
      this.#report(this.#close);
      return;
    }
    this.#socket.on('data', (chunk: Buffer) => this.#receive(chunk));
  }

  /** Whether it is closed: nothing is sent or read any more. */
  get closed(): boolean {
    return this.#close !== null;
  }

  /** Bytes that were sent and not yet taken by the system. */
  get queuedBytes(): number {
    return this.#pendingBytes + this.#socket.writableLength;
  }

  /**
   * Queues one frame; its bytes must not change afterwards.
   * @returns false if the connection is closed or the frame would pass `queueBytesMax`: then nothing was queued.
   * @throws FrameError `FRAME_EMPTY`, `FRAME_TOO_LARGE`.
   */
  send(payload: Uint8Array): boolean {
    const length = payload.byteLength;
    if (length === 0) throw new FrameError('FRAME_EMPTY', 'an empty frame is a keep-alive');
    if (length > this.#limits.frameBytesMax) {
      throw new FrameError(
        'FRAME_TOO_LARGE',
        `frame of ${length} bytes, at most ${this.#limits.frameBytesMax} are sent`,
      );
    }
    if (this.#close !== null || this.#finishing) return false;
    const bytes = FRAME_HEADER_BYTES + length;
    if (this.queuedBytes + bytes > this.#limits.queueBytesMax) return false;
    // After the turn's other callbacks: whatever they send goes along.
    if (this.#pending.length === 0) writeAtTurnEnd(() => this.#flush());
    this.#pending.push(payload);
    this.#pendingBytes += bytes;
    return true;
  }

  /** Closes at once; what is queued is lost. Closing twice does nothing. */
  close(message: string): void {
    this.#shut('CLOSED_HERE', message);
  }

  /** Sends what is queued, ends the stream, and waits until the other side has too, at most `msMax`. */
  async finish(msMax: number): Promise<void> {
    if (this.#close !== null) return;
    this.#flush();
    this.#finishing = true;
    this.#socket.end();
    await new Promise<void>((resolve) => {
      const timer = setTimeout(() => this.#shut('CLOSED_HERE', 'the other side did not end in time'), msMax);
      this.#socket.once('close', () => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  #receive(chunk: Buffer): void {
    this.#receivedSinceTick = true;
    const error = this.#decoder.push(chunk, (payload) => {
      if (payload.length > 0 && this.#close === null) this.#handler?.frame(payload);
    });
    if (error !== null) this.#shut('BAD_FRAME', error.message);
  }

  #flush(): void {
    if (this.#close !== null || this.#pending.length === 0) return;
    const frames = this.#pending;
    const bytes = this.#pendingBytes;
    this.#pending = [];
    this.#pendingBytes = 0;
    this.#sentSinceTick = true;
    if (bytes <= COALESCE_BYTES_MAX) {
      const joined = Buffer.allocUnsafe(bytes);
      let at = 0;
      for (const frame of frames) {
        at = writeFrameHeader(joined, at, frame);
        joined.set(frame, at);
        at += frame.byteLength;
      }
      this.#socket.write(joined);
      return;
    }
    this.#socket.cork();
    for (const frame of frames) {
      const header = Buffer.allocUnsafe(FRAME_HEADER_BYTES);
      writeFrameHeader(header, 0, frame);
      this.#socket.write(header);
      this.#socket.write(frame);
    }
    this.#socket.uncork();
  }

  #tick(): void {
    this.#silentTicks = this.#receivedSinceTick ? 0 : this.#silentTicks + 1;
    this.#receivedSinceTick = false;
    if (this.#silentTicks >= SILENCE_TICKS) {
      this.#shut('SILENT', `nothing came in for ${this.#limits.silenceMsMax} ms`);
      return;
    }
    // Bytes that still wait to leave are a sign of life already, and must not pile up behind a reader that stopped.
    if (!this.#sentSinceTick && this.queuedBytes === 0 && !this.#finishing) this.#socket.write(KEEP_ALIVE);
    this.#sentSinceTick = false;
  }

  #shut(code: FrameCloseCode, message: string): void {
    if (this.#close !== null) return;
    this.#close = this.#finishing ? { code: 'CLOSED_HERE', message: 'finished' } : { code, message };
    clearInterval(this.#ticker);
    this.#pending = [];
    this.#pendingBytes = 0;
    this.#socket.destroy();
    this.#report(this.#close);
  }

  #report(close: FrameClose): void {
    const handler = this.#handler;
    if (handler !== null) process.nextTick(() => handler.closed(close));
  }
}

/** Checks limits before they are used. @throws FrameError `BAD_OPTION` if one is out of its bounds. */
export function checkFrameLimits(limits: FrameLimits): void {
  const { frameBytesMax, queueBytesMax, silenceMsMax } = limits;
  const whole = Number.isSafeInteger(frameBytesMax) && Number.isSafeInteger(queueBytesMax);
  if (!whole || frameBytesMax < 1 || frameBytesMax > 0xffff_ffff) {
    throw new FrameError('BAD_OPTION', `frameBytesMax ${frameBytesMax}, 1 to 2^32 - 1 are allowed`);
  }
  if (queueBytesMax < frameBytesMax + FRAME_HEADER_BYTES) {
    throw new FrameError('BAD_OPTION', `queueBytesMax ${queueBytesMax} holds no frame of ${frameBytesMax}`);
  }
  if (!(silenceMsMax > 0 && silenceMsMax <= 3_600_000)) {
    throw new FrameError('BAD_OPTION', `silenceMsMax ${silenceMsMax}, up to an hour is allowed`);
  }
}
