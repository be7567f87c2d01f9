/** Bounds the answers that clients have not taken yet, over all connections. */

/** Bytes of untaken answers at most. */
const BYTES_MAX = 64 * 1024 * 1024;

/** A connection to which an answer is being written. */
interface Connection {
  destroy(): void;
}

export class UnsentAnswers {
  readonly #bytesMax: number;
  /** Bytes by connection; the one that has waited longest comes first. */
  readonly #waiting = new Map<Connection, number>();
  #bytes = 0;

  constructor(bytesMax = BYTES_MAX) {
    this.#bytesMax = bytesMax;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Adds an answer, one at a time for each connection. Beyond the bound the connections that have waited longest are closed. */
  add(connection: Connection, bytes: number): void {
    this.#waiting.set(connection, bytes);
    this.#bytes += bytes;
    for (const [oldest] of this.#waiting) {
      if (this.#bytes <= this.#bytesMax) return;
      this.remove(oldest);
      oldest.destroy();
    }
  }

  /** The answer was taken, or never will be. */
  remove(connection: Connection): void {
    this.#bytes -= this.#waiting.get(connection) ?? 0;
    this.#waiting.delete(connection);
  }
}
