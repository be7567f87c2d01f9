/** Records every operation of a run with a monotonic clock, in memory and in a file. */
import { createWriteStream, type WriteStream } from 'node:fs';
import { finished } from 'node:stream/promises';
import { encodeOperation, type Operation } from '../rules/history.js';

export class HistoryRecorder {
  readonly #file: WriteStream;
  readonly #history: Operation[] = [];
  readonly #surprises: string[] = [];
  readonly #startedAt = process.hrtime.bigint();

  /** @param path of the file, with one line per operation, in the order of their ends. */
  constructor(path: string) {
    this.#file = createWriteStream(path);
  }

  /** Nanoseconds since the start of the run. */
  now(): number {
    return Number(process.hrtime.bigint() - this.#startedAt);
  }

  add(operation: Operation): void {
    this.#history.push(operation);
    this.#file.write(`${encodeOperation(operation)}\n`);
  }

  /** Records an answer that the contract does not allow. */
  addContractViolation(text: string): void {
    this.#surprises.push(`${text} at ${(this.now() / 1e6).toFixed(0)} ms`);
  }

  /** All operations, in the order of their ends. */
  get history(): readonly Operation[] {
    return this.#history;
  }

  get contractViolations(): readonly string[] {
    return this.#surprises;
  }

  /** Closes the file after every line is written. */
  async close(): Promise<void> {
    this.#file.end();
    await finished(this.#file);
  }
}
