/** Records every operation of a run on a monotonic clock, in memory and as lines of a file. */
import { createWriteStream, type WriteStream } from 'node:fs';
import { finished } from 'node:stream/promises';
import { encodeOperation, type Operation } from '../rules/history.js';

export class Recorder {
  readonly #file: WriteStream;
  readonly #history: Operation[] = [];
  readonly #surprises: string[] = [];
  readonly #startedAt = process.hrtime.bigint();

  /** @param path gets one line for each operation, in the order in which they end. */
  constructor(path: string) {
    this.#file = createWriteStream(path);
  }

  /** Nanoseconds since the run began. */
  now(): number {
    return Number(process.hrtime.bigint() - this.#startedAt);
  }

  add(operation: Operation): void {
    this.#history.push(operation);
    this.#file.write(`${encodeOperation(operation)}\n`);
  }

  /** Notes an answer that the contract does not allow. */
  addSurprise(text: string): void {
    this.#surprises.push(`${text} at ${(this.now() / 1e6).toFixed(0)} ms`);
  }

  /** In the order in which they ended. */
  get history(): readonly Operation[] {
    return this.#history;
  }

  get surprises(): readonly string[] {
    return this.#surprises;
  }

  /** Waits until every line is in the file. */
  async close(): Promise<void> {
    this.#file.end();
    await finished(this.#file);
  }
}
