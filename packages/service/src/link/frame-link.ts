/**
 * A link over a frame connection, created by the dialer and by the listener. Each message is one frame: packing the
 * messages of a turn together would save little, because messages are batches already.
 */
import { pack, unpack } from '@trireme/domain';
import type { FrameConnection, FrameLimits } from '@trireme/raft/frames';
import type { Log } from '../log.js';
import { errorMessage } from '../rules/error-message.js';
import type { Link, LinkHandler } from './link.js';

/** Limits of a link. */
export interface LinkLimits {
  /** Maximum bytes in the send queue (default 32 MiB). A link that would exceed it is closed. */
  readonly queueBytesMax?: number;
  /** Maximum size of an encoded message, in bytes (default 8 MiB). */
  readonly frameBytesMax?: number;
  /** A link that receives nothing for this many milliseconds is closed (default 3 s). */
  readonly silenceMsMax?: number;
}

const MIB = 1024 * 1024;

export function frameLimits(limits: LinkLimits): FrameLimits {
  return {
    queueBytesMax: limits.queueBytesMax ?? 32 * MIB,
    frameBytesMax: limits.frameBytesMax ?? 8 * MIB,
    silenceMsMax: limits.silenceMsMax ?? 3_000,
  };
}

interface FrameLinkOptions {
  /** Name that the other process sent in the handshake. */
  readonly peer: string;
  readonly version: number;
  readonly frameBytesMax: number;
  readonly handler: LinkHandler;
  readonly log: Log;
}

let lastId = 0;

export class FrameLink implements Link {
  readonly id = ++lastId;
  readonly peer: string;
  readonly version: number;
  /** Resolves after the handler was notified that the link is closed. */
  readonly whenClosed: Promise<void>;
  readonly #connection: FrameConnection;
  readonly #options: FrameLinkOptions;
  #resolveGone: () => void = () => undefined;

  constructor(connection: FrameConnection, options: FrameLinkOptions) {
    this.#connection = connection;
    this.#options = options;
    this.peer = options.peer;
    this.version = options.version;
    this.whenClosed = new Promise((resolve) => (this.#resolveGone = resolve));
  }

  /** Notifies the handler of the link and starts reading. Called once. */
  open(): void {
    const { handler } = this.#options;
    const log = this.#options.log.child({ link: this.id, peer: this.peer });
    log.info({ version: this.version }, 'link opened');
    this.#guard(() => handler.onOpen(this));
    this.#connection.start({
      onFrame: (payload) => this.#guard(() => handler.onMessage(this, unpack(payload))),
      onClose: ({ code, message }) => {
        log.info({ code, reason: message }, 'link closed');
        // An error of the handler is a bug and is not caught here: there is no link left to close.
        try {
          handler.onClose(this, message);
        } finally {
          this.#resolveGone();
        }
      },
    });
  }

  get isClosed(): boolean {
    return this.#connection.isClosed;
  }

  send(message: unknown): boolean {
    if (this.isClosed) return false;
    const bytes = pack(message);
    if (bytes.length > this.#options.frameBytesMax) {
      this.close(`message of ${bytes.length} bytes is too long to send`);
      return false;
    }
    if (this.#connection.send(bytes)) return true;
    this.close('the send queue of the link is full');
    return false;
  }

  close(reason: string): void {
    this.#connection.close(reason);
  }

  #guard(call: () => void): void {
    try {
      call();
    } catch (error) {
      this.close(errorMessage(error));
    }
  }
}
