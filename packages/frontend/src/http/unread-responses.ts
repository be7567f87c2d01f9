/** Bounds the memory for responses that clients have not read yet, over all connections. */

/** Maximum number of bytes of unread responses. */
const BYTES_MAX = 64 * 1024 * 1024;

/** A connection to which a response is being written. */
interface Connection {
  destroy(): void;
}

export class UnreadResponses {
  readonly #bytesMax: number;
  /** Bytes by connection, in the order in which the writes began. */
  readonly #pending = new Map<Connection, number>();
  #bytes = 0;

  constructor(bytesMax = BYTES_MAX) {
    this.#bytesMax = bytesMax;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /**
   * Adds a response, one at a time for each connection. Beyond the bound, closes the connections that waited
   * longest.
   */
  add(connection: Connection, bytes: number): void {
    this.#pending.set(connection, bytes);
    this.#bytes += bytes;
    for (const [oldest] of this.#pending) {
      if (this.#bytes <= this.#bytesMax) return;
      this.remove(oldest);
      oldest.destroy();
    }
  }

  /** The response was read, or never will be. */
  remove(connection: Connection): void {
    this.#bytes -= this.#pending.get(connection) ?? 0;
    this.#pending.delete(connection);
  }
}
