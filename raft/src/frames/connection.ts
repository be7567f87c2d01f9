/**
 * A stream of frames over a socket that was upgraded by HTTP/1.1 Upgrade. etcd replicates over long-running
 * response bodies; an upgraded duplex stream needs no exception from request timeouts, works over TLS without
 * changes, and needs half the connections. All frames that are sent in one turn of the event loop leave in
 * one write.
 *
 * `send`, `close` and `finish` never call back synchronously. A broken connection is not reopened here.
 */
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { FrameDecoder } from './decoder.js';
import { FrameError } from './errors.js';
import { FRAME_HEADER_BYTES, writeFrameHeader } from './header.js';
import { deferWrite } from './turn-queue.js';

/** Limits of a connection; both sides should use the same. */
export interface FrameLimits {
  /** Longest frame, in bytes, sent or received. */
  readonly frameBytesMax: number;
  /**
   * Bytes that may be queued for sending, at least one longest frame with its header. At the bound `send`
   * returns false.
   */
  readonly queueBytesMax: number;
  /**
   * A connection that receives nothing for about this time, in milliseconds, is closed. Each side sends an
   * empty frame after a third of this time without other frames, so both sides must use a similar value.
   */
  readonly silenceMsMax: number;
}

/** Stable codes for the reason of a close. */
export type FrameCloseCode =
  /** This side closed it. */
  | 'CLOSED_HERE'
  /** The peer closed it in an orderly way; the operating system also does this for a process that died. */
  | 'ENDED'
  /** The socket failed, such as by a reset. */
  | 'SOCKET_FAILED'
  /** Nothing was received for `silenceMsMax`. */
  | 'SILENT'
  /** A received frame is too long or damaged. */
  | 'BAD_FRAME';

/** The reason why a connection is closed. */
export interface CloseReason {
  /** The reason, for programs. */
  readonly code: FrameCloseCode;
  /** The reason, for people. */
  readonly message: string;
}

/** The callbacks of a connection. Exceptions in them are not caught. */
export interface FrameHandler {
  /**
   * Called for each non-empty frame. The payload is a view into a larger buffer: copy a small part that is
   * kept.
   */
  onFrame(payload: Buffer): void;
  /** Called once, as the last callback. */
  onClose(close: CloseReason): void;
}

/**
 * The frames of a turn are copied into one buffer up to this size; larger batches are written without
 * copying.
 */
const COALESCE_BYTES_MAX = 64 * 1024;

/**
 * Silence is counted in this many ticks, so that a received frame sets a flag and does not restart a timer.
 */
const SILENCE_TICKS = 6;

const KEEP_ALIVE = Buffer.alloc(FRAME_HEADER_BYTES);
writeFrameHeader(KEEP_ALIVE, 0, new Uint8Array());

/** A duplex stream of frames over an upgraded socket, with keep-alives and a bounded queue. */
export class FrameConnection {
  readonly #socket: Duplex;
  readonly #limits: FrameLimits;
  readonly #decoder: FrameDecoder;
  readonly #ticker: NodeJS.Timeout;
  #handler: FrameHandler | null = null;
  #pending: Uint8Array[] = [];
  #pendingBytes = 0;
  #finishing = false;
  #close: CloseReason | null = null;
  #sentSinceTick = true;
  #receivedSinceTick = true;
  #silentTicks = 0;

  /**
   * @param socket an upgraded socket that has no other reader
   * @param head bytes that were received together with the handshake
   * @throws FrameError `BAD_OPTION` if a limit is out of its bounds.
   */
  constructor(socket: Duplex, head: Buffer, limits: FrameLimits) {
    checkFrameLimits(limits);
    this.#socket = socket;
    this.#limits = limits;
    this.#decoder = new FrameDecoder(limits.frameBytesMax);
    if (socket instanceof Socket) {
      // Nagle's algorithm would delay a small write until the previous one is acknowledged, up to 40 ms.
      socket.setNoDelay(true);
      socket.setTimeout(0);
    }
    if (head.length > 0) socket.unshift(head);
    socket.on('error', (error) => this.#shut('SOCKET_FAILED', error.message));
    socket.on('end', () => this.#shut('ENDED', 'the peer closed the connection'));
    socket.on('close', () => this.#shut('SOCKET_FAILED', 'the socket was closed'));
    // Silence is counted in ticks: a process that was paused itself gets one tick when it resumes, and reads
    // its sockets before the next one. A comparison of clock readings would close the connection.
    this.#ticker = setInterval(() => this.#tick(), Math.max(1, limits.silenceMsMax / SILENCE_TICKS));
    this.#ticker.unref();
  }

  /** Starts reading. Called once; until then received bytes stay in the socket. */
  start(handler: FrameHandler): void {
    this.#handler = handler;
    if (this.#close !== null) {
      this.#report(this.#close);
      return;
    }
    this.#socket.on('data', (chunk: Buffer) => this.#receive(chunk));
  }

  /** Whether the connection is closed: it sends and reads nothing more. */
  get isClosed(): boolean {
    return this.#close !== null;
  }

  /** Bytes that were sent, but that the operating system has not accepted yet. */
  get queuedBytes(): number {
    return this.#pendingBytes + this.#socket.writableLength;
  }

  /**
   * Queues one frame; its bytes must not change afterwards.
   * @returns false if the connection is closed or the frame would exceed `queueBytesMax`: then nothing was
   *   queued.
   * @throws FrameError `FRAME_EMPTY`, `FRAME_TOO_LARGE`.
   */
  send(payload: Uint8Array): boolean {
    const length = payload.byteLength;
    if (length === 0) {
      throw new FrameError('FRAME_EMPTY', 'cannot send an empty frame: it is reserved for keep-alives');
    }
    if (length > this.#limits.frameBytesMax) {
      throw new FrameError(
        'FRAME_TOO_LARGE',
        `frame of ${length} bytes exceeds the limit of ${this.#limits.frameBytesMax} bytes`,
      );
    }
    if (this.#close !== null || this.#finishing) return false;
    const bytes = FRAME_HEADER_BYTES + length;
    if (this.queuedBytes + bytes > this.#limits.queueBytesMax) return false;
    // Flushes after the other callbacks of this turn, together with the frames that they send.
    if (this.#pending.length === 0) deferWrite(() => this.#flush());
    this.#pending.push(payload);
    this.#pendingBytes += bytes;
    return true;
  }

  /** Closes immediately and discards queued frames. Closing twice does nothing. */
  close(message: string): void {
    this.#shut('CLOSED_HERE', message);
  }

  /**
   * Sends queued frames, ends the stream, and waits until the peer ends it too, at most `msMax` milliseconds.
   */
  async end(msMax: number): Promise<void> {
    if (this.#close !== null) return;
    this.#flush();
    this.#finishing = true;
    this.#socket.end();
    await new Promise<void>((resolve) => {
      const timer = setTimeout(
        () => this.#shut('CLOSED_HERE', 'the peer did not close the connection in time'),
        msMax,
      );
      this.#socket.once('close', () => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  #receive(chunk: Buffer): void {
    this.#receivedSinceTick = true;
    const error = this.#decoder.push(chunk, (payload) => {
      if (payload.length > 0 && this.#close === null) this.#handler?.onFrame(payload);
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
      this.#shut('SILENT', `nothing was received for ${this.#limits.silenceMsMax} ms`);
      return;
    }
    // Queued bytes already serve as a keep-alive. More of them must not pile up if the peer has stopped
    // reading.
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

  #report(close: CloseReason): void {
    const handler = this.#handler;
    if (handler !== null) process.nextTick(() => handler.onClose(close));
  }
}

/** Checks the limits of a connection. @throws FrameError `BAD_OPTION` if one is out of its bounds. */
export function checkFrameLimits(limits: FrameLimits): void {
  const { frameBytesMax, queueBytesMax, silenceMsMax } = limits;
  const whole = Number.isSafeInteger(frameBytesMax) && Number.isSafeInteger(queueBytesMax);
  if (!whole || frameBytesMax < 1 || frameBytesMax > 0xffff_ffff) {
    throw new FrameError('BAD_OPTION', `frameBytesMax is ${frameBytesMax}, but must be from 1 to 2^32 - 1`);
  }
  if (queueBytesMax < frameBytesMax + FRAME_HEADER_BYTES) {
    const least = frameBytesMax + FRAME_HEADER_BYTES;
    throw new FrameError('BAD_OPTION', `queueBytesMax is ${queueBytesMax}, but must be at least ${least}`);
  }
  if (!(silenceMsMax > 0 && silenceMsMax <= 3_600_000)) {
    throw new FrameError(
      'BAD_OPTION',
      `silenceMsMax is ${silenceMsMax}, but must be above 0 and at most 3600000 ms`,
    );
  }
}
