/** A skewed choice, as shoppers make it: few stocks are asked for often, most seldom. And what a cache makes of it. */

/**
 * Zipf's law: the item of rank k has a probability in proportion to 1 / k^skew.
 * @param items at least 1.
 * @param skew 0 for an even choice; about 1 in many real request logs.
 * @returns probabilities by rank, the most popular first; they add up to 1.
 */
export function zipfProbabilities(items: number, skew: number): readonly number[] {
  if (!Number.isSafeInteger(items) || items < 1) throw new RangeError(`${items} items cannot be chosen from`);
  const weights = Array.from({ length: items }, (_, rank) => (rank + 1) ** -skew);
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return weights.map((weight) => weight / total);
}

/** Chooses ranks by Zipf's law. */
export class ZipfChoice {
  readonly #upTo: readonly number[];
  readonly #random: () => number;

  /** @param random gives numbers from 0 up to, but not including, 1. */
  constructor(items: number, skew: number, random: () => number) {
    let sum = 0;
    this.#upTo = zipfProbabilities(items, skew).map((probability) => (sum += probability));
    this.#random = random;
  }

  /** A rank from 0, the most popular, to items - 1. */
  next(): number {
    const wanted = this.#random();
    let low = 0;
    let high = this.#upTo.length - 1;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#upTo[middle] ?? 1) > wanted) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}

/**
 * Share of requests that an LRU cache answers when each request is chosen independently of those before it.
 *
 * Che's approximation (Che, Tung and Wang, 2002): an item is in the cache if it was asked for within the last T
 * requests, where T is such that the expected number of such items is the cache's capacity.
 * @param probabilities of each item, adding up to 1.
 * @param capacity items that the cache holds; 0 for none.
 */
export function lruHitRate(probabilities: readonly number[], capacity: number): number {
  if (capacity >= probabilities.length) return 1;
  const held = (requests: number): number =>
    probabilities.reduce((sum, probability) => sum - Math.expm1(-probability * requests), 0);
  let low = 0;
  let high = 1;
  while (held(high) < capacity) high *= 2;
  while (high - low > 1e-9 * high) {
    const middle = (low + high) / 2;
    if (held(middle) < capacity) low = middle;
    else high = middle;
  }
  return probabilities.reduce((sum, probability) => sum - probability * Math.expm1(-probability * high), 0);
}
