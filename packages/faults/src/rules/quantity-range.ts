/**
 * The range of quantities that a search must consider: from the lowest to the highest quantity that it must
 * reach, plus a margin. An order of changes that always moves towards its goal overshoots by less than one
 * change, and staying above zero may need one more.
 */
export class QuantityRange {
  readonly #margin: number;
  #low: number;
  #high: number;

  /** @param deltaMax the largest change that is open, as an absolute number. */
  constructor(from: number, deltaMax: number) {
    this.#low = from;
    this.#high = from;
    this.#margin = 2 * deltaMax;
  }

  include(quantity: number): void {
    this.#low = Math.min(this.#low, quantity);
    this.#high = Math.max(this.#high, quantity);
  }

  contains(quantity: number): boolean {
    return quantity >= this.#low - this.#margin && quantity <= this.#high + this.#margin;
  }
}
