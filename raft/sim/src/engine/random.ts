/**
 * The only source of randomness of a run: xoshiro128** (Blackman and Vigna 2018), with its state filled from
 * the seed by splitmix32. Equal seeds give equal numbers on every platform, because only 32-bit integer
 * arithmetic is used.
 */
export class Random {
  readonly #state: Uint32Array;

  /** @param seed an integer, of which the low 53 bits count */
  constructor(seed: number) {
    let fill = (seed ^ Math.floor(seed / 2 ** 32)) >>> 0;
    this.#state = Uint32Array.from({ length: 4 }, () => {
      fill = (fill + 0x9e3779b9) >>> 0;
      let mixed = Math.imul(fill ^ (fill >>> 16), 0x21f0aaad);
      mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
      return (mixed ^ (mixed >>> 15)) >>> 0;
    });
  }

  /** Uniform over the unsigned 32-bit integers. */
  bits(): number {
    const state = this.#state;
    const [a = 0, b = 0, c = 0, d = 0] = state;
    const times5 = Math.imul(b, 5);
    const result = Math.imul((times5 << 7) | (times5 >>> 25), 9) >>> 0;
    const e = c ^ a;
    const f = d ^ b;
    state[1] = b ^ e;
    state[0] = a ^ f;
    state[2] = e ^ (b << 9);
    state[3] = (f << 11) | (f >>> 21);
    return result;
  }

  /** Uniform in [0, 1). */
  readonly next = (): number => this.bits() / 2 ** 32;

  /** An integer in [0, bound). */
  below(bound: number): number {
    return Math.floor(this.next() * bound);
  }

  /** An integer in [low, high]. */
  between(low: number, high: number): number {
    return low + this.below(high - low + 1);
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  /** A nonnegative integer, exponentially distributed: most are below the mean, a few far above. */
  exponential(mean: number): number {
    return Math.floor(-Math.log(1 - this.next()) * mean);
  }

  /** One of `items`. @throws RangeError if `items` is empty */
  pick<T>(items: readonly T[]): T {
    const item = items[this.below(items.length)];
    if (item === undefined) throw new RangeError('cannot pick from an empty list');
    return item;
  }

  /** The items in random order. */
  shuffled<T>(items: readonly T[]): T[] {
    const order = items.map((item) => ({ item, key: this.bits() }));
    return order.sort((a, b) => a.key - b.key).map(({ item }) => item);
  }

  /** An independent generator, so that one part's draws do not change those of another part. */
  fork(): Random {
    return new Random(this.bits());
  }
}
