/** Runs of whole numbers, for reports: numbers come in rising order, neighbours become one run. */

/** From one number to another, both included. */
export interface Range {
  readonly from: number;
  readonly to: number;
}

/** Runs that are told one by one; of the rest only the numbers are counted. */
const RANGES_MAX = 100;

/** Whole numbers that rise, kept as runs of neighbours. */
export class Ranges {
  readonly #runs: { readonly from: number; to: number }[] = [];
  #last = Number.NEGATIVE_INFINITY;
  #count = 0;

  /** How many numbers are in it. */
  get count(): number {
    return this.#count;
  }

  /** The first hundred runs. */
  get runs(): readonly Range[] {
    return this.#runs;
  }

  /** Takes the numbers from `from` to `to`, which are above all it has; nothing where `to` is below `from`. */
  add(from: number, to = from): void {
    if (to < from) return;
    this.#count += to - from + 1;
    const run = this.#runs.at(-1);
    if (run !== undefined && this.#last + 1 === from) run.to = to;
    else if (this.#runs.length < RANGES_MAX) this.#runs.push({ from, to });
    // A run that is not told has no neighbours either.
    this.#last = this.#runs.at(-1)?.to === to ? to : Number.NEGATIVE_INFINITY;
  }

  /** Such as `3, 5 to 9 and 12 others`. */
  toString(): string {
    const told = this.#runs.reduce((sum, { from, to }) => sum + to - from + 1, 0);
    const runs = this.#runs
      .map(({ from, to }) => (from === to ? String(from) : `${from} to ${to}`))
      .join(', ');
    return told === this.#count ? runs : `${runs} and ${this.#count - told} others`;
  }
}
