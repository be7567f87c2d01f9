/** Shows how far a run is: on a terminal in one line that is written again, elsewhere in a line for each step. */
import { progressLine, timeLeftMs } from '../rules/progress.js';

export class ProgressBar {
  readonly #total: number;
  readonly #startedMs = performance.now();
  #done = 0;

  /** @param total of all the steps' weights. */
  constructor(total: number) {
    this.#total = total;
  }

  /** Tells that a step begins. */
  begin(doing: string): void {
    const share = this.#done / this.#total;
    const line = progressLine(share, timeLeftMs(share, performance.now() - this.#startedMs), doing);
    if (process.stderr.isTTY) process.stderr.write(`\r\x1b[2K${line.slice(0, process.stderr.columns - 1)}`);
    else process.stderr.write(`${line}\n`);
  }

  /** Tells that a step is done. @param weight about how long it takes, in the unit of `total`. */
  end(weight = 1): void {
    this.#done += weight;
  }

  finish(): void {
    this.#done = this.#total;
    this.begin('done');
    if (process.stderr.isTTY) process.stderr.write('\n');
  }
}
