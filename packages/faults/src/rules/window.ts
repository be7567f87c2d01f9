/**
 * The quantities that a search has to pass through: from the least to the greatest that it wants to touch, and as far
 * beyond as one order of the changes may have to go. Taking what leads towards the aim whenever it can, such an order
 * overshoots by less than one change; keeping above zero may cost one more.
 */
export class Window {
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

  holds(quantity: number): boolean {
    return quantity >= this.#low - this.#margin && quantity <= this.#high + this.#margin;
  }
}
