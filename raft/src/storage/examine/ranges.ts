/**
 * Ranges of whole numbers for reports. Numbers are added in ascending order; consecutive numbers form one
 * range.
 */

/** A range of numbers, both ends included. */
export interface NumberRange {
  /** The first number. */
  readonly from: number;
  /** The last number, not below `from`. */
  readonly to: number;
}

/** The bound on listed ranges; further numbers are only counted. */
const RANGES_MAX = 100;

/** A set of ascending whole numbers, kept as ranges of consecutive numbers. */
export class NumberRanges {
  readonly #runs: { readonly from: number; to: number }[] = [];
  #last = Number.NEGATIVE_INFINITY;
  #count = 0;

  /** How many numbers were added. */
  get count(): number {
    return this.#count;
  }

  /** The first hundred ranges. */
  get ranges(): readonly NumberRange[] {
    return this.#runs;
  }

  /**
   * Adds the numbers from `from` to `to`, which are above all earlier ones; does nothing if `to` is below
   * `from`.
   */
  add(from: number, to = from): void {
    if (to < from) return;
    this.#count += to - from + 1;
    const run = this.#runs.at(-1);
    if (run !== undefined && this.#last + 1 === from) run.to = to;
    else if (this.#runs.length < RANGES_MAX) this.#runs.push({ from, to });
    // A range that is not listed is not extended either.
    this.#last = this.#runs.at(-1)?.to === to ? to : Number.NEGATIVE_INFINITY;
  }

  /** The ranges as text, such as `3, 5 to 9 and 12 others`. */
  toString(): string {
    const listed = this.#runs.reduce((sum, { from, to }) => sum + to - from + 1, 0);
    const runs = this.#runs
      .map(({ from, to }) => (from === to ? String(from) : `${from} to ${to}`))
      .join(', ');
    return listed === this.#count ? runs : `${runs} and ${this.#count - listed} others`;
  }
}
