/** The answers of all connections that their clients have not taken yet: bounded together, whatever the number of clients. */

/** Bytes of such answers at most. */
const BYTES_MAX = 64 * 1024 * 1024;

/** A connection that answers are written to. */
interface Connection {
  destroy(): void;
}

export class UnsentAnswers {
  readonly #bytesMax: number;
  /** By connection, the one that has waited longest first. */
  readonly #waiting = new Map<Connection, number>();
  #bytes = 0;

  constructor(bytesMax = BYTES_MAX) {
    this.#bytesMax = bytesMax;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** An answer is being written; one at a time on each connection. Beyond the bound those are closed that wait longest. */
  add(connection: Connection, bytes: number): void {
    this.#waiting.set(connection, bytes);
    this.#bytes += bytes;
    for (const [oldest] of this.#waiting) {
      if (this.#bytes <= this.#bytesMax) return;
      this.remove(oldest);
      oldest.destroy();
    }
  }

  /** It was taken, or never will be. */
  remove(connection: Connection): void {
    this.#bytes -= this.#waiting.get(connection) ?? 0;
    this.#waiting.delete(connection);
  }
}
