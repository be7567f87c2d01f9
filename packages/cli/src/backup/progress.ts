/** Progress of a transfer whose length is not known in advance: size and rate, in one line on a terminal. */

/** Time between two updates, in milliseconds. */
const UPDATE_MS = 200;

export class TransferProgress {
  readonly #startedAt = performance.now();
  #shownAt = 0;
  #bytes = 0;

  /** @param bytes size so far */
  update(bytes: number): void {
    this.#bytes = bytes;
    const now = performance.now();
    if (!process.stderr.isTTY || now - this.#shownAt < UPDATE_MS) return;
    this.#shownAt = now;
    process.stderr.write(`\r\u001b[2K${this.summary()}`);
  }

  /** Removes the line. */
  clear(): void {
    if (process.stderr.isTTY && this.#shownAt > 0) process.stderr.write('\r\u001b[2K');
  }

  get seconds(): number {
    return Math.round(performance.now() - this.#startedAt) / 1000;
  }

  /** Such as `12.3 MB in 4.2 s (2.9 MB/s)`. */
  summary(): string {
    const seconds = Math.max(0.001, this.seconds);
    return `${megabytes(this.#bytes)} in ${seconds.toFixed(1)} s (${megabytes(this.#bytes / seconds)}/s)`;
  }
}

function megabytes(bytes: number): string {
  return bytes < 1e6 ? `${(bytes / 1e3).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}
