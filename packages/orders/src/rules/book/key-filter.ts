/**
 * An in-memory filter of the keys in the book. Nearly every order has a new key, and looking each one up on
 * disk would cost more than the rest of the order. The filter is a split block Bloom filter (Putze, Sanders
 * and Singler, "Cache-, Hash- and Space-Efficient Bloom Filters", 2007, in the form that Apache Parquet
 * specifies): a key sets one bit in each of the eight words of one block, so that a query touches one cache
 * line.
 *
 * False positives are possible and cost a look-up; false negatives are not. Clients choose their keys: a
 * client that makes keys collide only causes look-ups.
 *
 * The filter exceeds the CPU caches. Keys that start with their creation time (`generateKey`) therefore share a
 * few blocks per 128 ms, which stay in the cache between the query for a key and its insertion a few
 * milliseconds later. Each such interval uses the next blocks, so that all blocks fill evenly.
 */

/**
 * Default size in bytes: false positive rate of 1 in 100 with 6 million keys, and of 1 in 7 with 12 million.
 */
export const KEY_FILTER_BYTES = 8 * 1024 * 1024;

/** Odd multipliers that choose a key's bit in each word of its block, from the Parquet specification. */
const SALTS = [
  0x47b6137b, 0x44974d91, 0x8824ad5b, 0xa2b7289d, 0x705495c7, 0x2df1424b, 0x9efc4947, 0x5c6bfb31,
] as const;
const BLOCK_BYTES = 4 * SALTS.length;

/**
 * Number of blocks (16 KB) that keys of one interval share: room for some ten thousand keys at a false
 * positive rate of 1 in 100, more than an interval receives.
 */
const TIME_BLOCKS = 512;
/** Low bits of the time in milliseconds that do not affect the blocks of a key: intervals of 128 ms. */
const TIME_SHIFT = 7;
/**
 * Positions of the hexadecimal digits in a UUID of version 7 that encode the 20 low bits of the time, highest
 * first.
 */
const TIME_DIGITS = [7, 9, 10, 11, 12] as const;
const UUID_LENGTH = 36;
const VERSION_AT = 14;
const VERSION_7 = 0x37;
const LAST_ASCII = 0x7f;

export class KeyFilter {
  readonly #words: Uint32Array;
  readonly #blocks: number;
  #isComplete: boolean;
  /** First word of the block of the key hashed last, and the value that selects its bits. */
  #block = 0;
  #bits = 0;

  /**
   * @param isComplete whether the filter contains all keys of the store: true for an empty store. While
   *   false, `mightContain` is always true
   * @param bytes size, which is fixed; with more keys the false positive rate rises
   */
  constructor(isComplete: boolean, bytes = KEY_FILTER_BYTES) {
    this.#isComplete = isComplete;
    this.#blocks = Math.max(1, Math.floor(bytes / BLOCK_BYTES));
    this.#words = new Uint32Array(this.#blocks * SALTS.length);
  }

  /** Call once all keys that were in the store when the filter was created have been added. */
  markComplete(): void {
    this.#isComplete = true;
  }

  /** Call before the key's record can be in the store. Keys cannot be removed. */
  add(key: string): void {
    if (!this.#hash(key)) return;
    for (let word = 0; word < SALTS.length; word += 1) {
      const at = this.#block + word;
      this.#words[at] = (this.#words[at] ?? 0) | this.#bit(word);
    }
  }

  /** False only if the store cannot contain the key. */
  mightContain(key: string): boolean {
    if (!this.#isComplete || !this.#hash(key)) return true;
    for (let word = 0; word < SALTS.length; word += 1) {
      if (((this.#words[this.#block + word] ?? 0) & this.#bit(word)) === 0) return false;
    }
    return true;
  }

  /** The five highest bits of the product, as a bit of a word. */
  #bit(word: number): number {
    return 1 << (Math.imul(this.#bits, SALTS[word] ?? 0) >>> 27);
  }

  /**
   * Computes two multiplicative hashes in one pass. Returns false for a key that is not ASCII, which the
   * filter never rules out: two such texts may be the same key on disk, because invalid characters become
   * replacement characters.
   */
  #hash(key: string): boolean {
    let first = 0x9e3779b9 ^ key.length;
    let second = 0x85ebca6b;
    let all = 0;
    for (let i = 0; i < key.length; i += 1) {
      const unit = key.charCodeAt(i);
      all |= unit;
      first = Math.imul(first ^ unit, 0x9e3779b1);
      second = Math.imul(second ^ unit, 0x5f356495);
    }
    if (all > LAST_ASCII) return false;
    first = mixed(first ^ (second >>> 15));
    this.#bits = mixed(second ^ first);
    const hash = first >>> 0;
    const block = isTimed(key) ? TIME_BLOCKS * timeOf(key) + (hash % TIME_BLOCKS) : hash;
    this.#block = SALTS.length * (block % this.#blocks);
    return true;
  }
}

/**
 * Whether the key looks like a UUID of version 7. Any other key of this form is only placed in some other
 * block.
 */
function isTimed(key: string): boolean {
  return key.length === UUID_LENGTH && key.charCodeAt(VERSION_AT) === VERSION_7;
}

/**
 * The time of a key in intervals of 128 ms, modulo 8192; an arbitrary number of this range if its digits are
 * invalid.
 */
function timeOf(key: string): number {
  let time = 0;
  for (const at of TIME_DIGITS) time = (time << 4) | hexDigit(key.charCodeAt(at));
  return time >>> TIME_SHIFT;
}

/** Value of a hexadecimal digit from its ASCII code; some value from 0 to 15 for any other code. */
function hexDigit(code: number): number {
  return ((code & 0xf) + 9 * (code >>> 6)) & 0xf;
}

/** Mixes the bits of a hash: the finalizer of MurmurHash3. */
function mixed(hash: number): number {
  let bits = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
  return bits ^ (bits >>> 16);
}
