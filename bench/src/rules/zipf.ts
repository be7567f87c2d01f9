/** A skewed choice among stocks, where few are requested often, and the hit rate of a cache under it. */

/**
 * Zipf's law: the probability of the item with rank k is proportional to 1 / k^skew.
 * @param items at least 1.
 * @param skew 0 for a uniform choice; about 1 in many real request logs.
 * @returns probabilities by rank, the most popular first, with sum 1.
 * @throws RangeError if `items` is not a whole number of at least 1.
 */
export function zipfProbabilities(items: number, skew: number): readonly number[] {
  if (!Number.isSafeInteger(items) || items < 1)
    throw new RangeError(`items must be a whole number of at least 1, got ${items}`);
  const weights = Array.from({ length: items }, (_, rank) => (rank + 1) ** -skew);
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return weights.map((weight) => weight / total);
}

/** Chooses ranks by Zipf's law. */
export class ZipfSampler {
  readonly #upTo: readonly number[];
  readonly #random: () => number;

  /** @param random returns numbers from 0 to 1, exclusive. */
  constructor(items: number, skew: number, random: () => number) {
    let sum = 0;
    this.#upTo = zipfProbabilities(items, skew).map((probability) => (sum += probability));
    this.#random = random;
  }

  /** The next rank, from 0 (the most popular) to items - 1. */
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
 * Hit rate of an LRU cache when requests are independent of each other.
 *
 * Che's approximation (Che, Tung and Wang, 2002): an item is in the cache if it was requested within the last T
 * requests, where T is chosen so that the expected number of such items equals the capacity of the cache.
 * @param probabilities of the items, with sum 1.
 * @param capacity of the cache in items; may be 0.
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
