/** The outgoing half of a pair: one connection that this member dials, for messages to one peer and nothing else. */
import type { Message } from '../core/types.js';
import {
  FRAME_HEADER_BYTES,
  Redialer,
  type DialedFrames,
  type FrameClose,
  type FrameConnection,
  type FrameError,
  type FrameLimits,
  type DialTls,
} from '../frames/index.js';
import { encodeClock, encodeMessage } from './codec.js';
import type { DropReason } from './events.js';
import { instanceOf } from './handshake.js';

interface OutgoingOptions {
  readonly url: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly limits: FrameLimits;
  readonly tls: DialTls | null;
  readonly dialMsMax: number;
  readonly random: () => number;
  readonly now: () => number;
  readonly wallClock: () => number;
  readonly opened: () => void;
  readonly closed: (close: FrameClose) => void;
  readonly failed: (error: FrameError) => void;
}

export class OutgoingLink {
  readonly #options: OutgoingOptions;
  readonly #redialer: Redialer;
  #connection: FrameConnection | null = null;
  #instance: string | null = null;

  /** @throws FrameError `BAD_OPTION` */
  constructor(options: OutgoingOptions) {
    const { url, path, headers, limits, tls, dialMsMax, random, now, failed } = options;
    this.#options = options;
    this.#redialer = new Redialer({
      dial: { url, path, headers, limits, tls, timeoutMs: dialMsMax },
      hold: async (dialed) => this.#hold(dialed),
      failed,
      random,
      now,
    });
  }

  /** The process that answers at this address; its `instance` is null while the link is not open, or it tells none. */
  get answering(): { readonly instance: string | null; readonly url: string } {
    return { instance: this.#instance, url: this.#options.url };
  }

  start(): void {
    this.#redialer.start();
  }

  /** Dials without waiting out the backoff. */
  dialNow(): void {
    this.#redialer.dialNow();
  }

  /** Queues a message, or says why it was dropped. */
  send(message: Message): DropReason | null {
    const connection = this.#connection;
    if (connection === null || connection.closed) return 'noLink';
    const bytes = encodeMessage(message);
    const { frameBytesMax, queueBytesMax } = this.#options.limits;
    if (bytes.length > frameBytesMax) return 'tooLong';
    if (connection.queuedBytes + bytes.length + FRAME_HEADER_BYTES > queueBytesMax) return 'queueFull';
    return connection.send(bytes) ? null : 'noLink';
  }

  /** Tells the peer this member's wall clock, if there is a link. */
  sendClock(): void {
    this.#connection?.send(encodeClock(this.#options.wallClock()));
  }

  /** Dials no more, and hands what is queued to the peer within `msMax`. */
  async stop(msMax: number): Promise<void> {
    const stopped = this.#redialer.stop();
    await this.#connection?.finish(msMax);
    await stopped;
  }

  async #hold({ connection, headers }: DialedFrames): Promise<void> {
    this.#connection = connection;
    this.#instance = instanceOf(headers);
    // Before any message, so that a candidate knows the clock of whoever votes for it.
    this.sendClock();
    this.#options.opened();
    const close = await new Promise<FrameClose>((resolve) => {
      connection.start({
        frame: () => connection.close('the peer sent a message on a link that is ours to send on'),
        closed: resolve,
      });
    });
    this.#connection = null;
    this.#instance = null;
    this.#options.closed(close);
  }
}
