/** Progress of a run: on a terminal one line that is redrawn, otherwise one line per step. */
import { progressLine, timeLeftMs } from '../rules/progress.js';

export class ProgressBar {
  readonly #total: number;
  readonly #startedMs = performance.now();
  #done = 0;

  /** @param total sum of the weights of all steps. */
  constructor(total: number) {
    this.#total = total;
  }

  /** Shows the step that starts now. */
  begin(step: string): void {
    const share = this.#done / this.#total;
    const line = progressLine(share, timeLeftMs(share, performance.now() - this.#startedMs), step);
    if (process.stderr.isTTY) process.stderr.write(`\r\x1b[2K${line.slice(0, process.stderr.columns - 1)}`);
    else process.stderr.write(`${line}\n`);
  }

  /** Counts a finished step. @param weight approximate duration of the step, in the unit of `total`. */
  end(weight = 1): void {
    this.#done += weight;
  }

  finish(): void {
    this.#done = this.#total;
    this.begin('done');
    if (process.stderr.isTTY) process.stderr.write('\n');
  }
}
