/** The outgoing link to one peer: a connection that this member dials and uses only for sending. */
import type { Message } from '../core/types.js';
import {
  Redialer,
  type VersionedFrames,
  type CloseReason,
  type FrameConnection,
  type FrameError,
  type FrameLimits,
  type ClientTls,
} from '../frames/index.js';
import { FRAME_HEADER_BYTES } from '../frames/header.js';
import { encodeClock, encodeMessage } from './codec.js';
import type { DropReason } from './events.js';
import { RAFT_PROTOCOL, claimedInstance } from './handshake.js';

interface OutgoingOptions {
  readonly url: string;
  readonly path: string;
  readonly headers: (version: number) => Readonly<Record<string, string>>;
  /** The versions that this member speaks, newest first. */
  readonly versions: () => readonly number[];
  readonly limits: FrameLimits;
  readonly tls: ClientTls | null;
  readonly dialMsMax: number;
  readonly random: () => number;
  readonly now: () => number;
  readonly wallClock: () => number;
  readonly onOpen: (version: number) => void;
  readonly closed: (close: CloseReason) => void;
  readonly failed: (error: FrameError) => void;
}

export class OutgoingLink {
  readonly #options: OutgoingOptions;
  readonly #redialer: Redialer;
  #connection: FrameConnection | null = null;
  #instance: string | null = null;
  #version: number | null = null;

  /** @throws FrameError `BAD_OPTION` */
  constructor(options: OutgoingOptions) {
    const { url, path, headers, versions, limits, tls, dialMsMax, random, now, failed } = options;
    this.#options = options;
    this.#redialer = new Redialer({
      dial: { url, path, limits, tls, timeoutMs: dialMsMax },
      protocol: RAFT_PROTOCOL,
      versions,
      headers,
      serve: async (dialed) => this.#hold(dialed),
      onDialFailure: failed,
      random,
      now,
    });
  }

  /**
   * The process at the peer's address; `instance` is null if the link is not open or the process has none.
   */
  get peerProcess(): { readonly instance: string | null; readonly url: string } {
    return { instance: this.#instance, url: this.#options.url };
  }

  /** The version that the open link speaks; null if it is not open. */
  get version(): number | null {
    return this.#version;
  }

  /** Closes the open link, if there is one; it is then dialed again. */
  reopen(why: string): void {
    this.#connection?.close(why);
  }

  start(): void {
    this.#redialer.start();
  }

  /** Dials immediately instead of after the backoff. */
  dialNow(): void {
    this.#redialer.dialNow();
  }

  /** Queues a message. @returns null, or why it was dropped */
  send(message: Message): DropReason | null {
    const connection = this.#connection;
    if (connection === null || connection.isClosed) return 'noLink';
    const bytes = encodeMessage(message);
    const { frameBytesMax, queueBytesMax } = this.#options.limits;
    if (bytes.length > frameBytesMax) return 'tooLong';
    if (connection.queuedBytes + bytes.length + FRAME_HEADER_BYTES > queueBytesMax) return 'queueFull';
    return connection.send(bytes) ? null : 'noLink';
  }

  /** Sends this member's wall clock to the peer if the link is open. */
  sendClock(): void {
    this.#connection?.send(encodeClock(this.#options.wallClock()));
  }

  /** Stops dialing, and sends queued messages within `msMax` milliseconds. */
  async stop(msMax: number): Promise<void> {
    const stopped = this.#redialer.stop();
    await this.#connection?.end(msMax);
    await stopped;
  }

  async #hold({ connection, headers, version }: VersionedFrames): Promise<void> {
    this.#connection = connection;
    this.#instance = claimedInstance(headers);
    this.#version = version;
    // Sent before any message, so that a candidate knows the clocks of its voters.
    this.sendClock();
    this.#options.onOpen(version);
    const close = await new Promise<CloseReason>((resolve) => {
      connection.start({
        onFrame: () => connection.close('the peer sent a frame on a link that only this member may send on'),
        onClose: resolve,
      });
    });
    this.#connection = null;
    this.#instance = null;
    this.#version = null;
    this.#options.closed(close);
  }
}
