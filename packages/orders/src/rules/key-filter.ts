/**
 * Which keys the book surely does not have, told from memory: nearly every order comes with a new key, and to find that
 * out on disk costs more than all else that is done for it. A split block Bloom filter (Putze, Sanders and Singler,
 * "Cache-, Hash- and Space-Efficient Bloom Filters", 2007, in the form that Apache Parquet specifies): a key sets one bit
 * in each of the eight words of one block, so that a question touches one line of the processor's cache.
 *
 * It may say "maybe" of a key that is not there, which costs a look-up; it never says "no" of one that was added.
 * Clients choose their keys: who makes them collide gains look-ups, which every order cost before.
 *
 * The names of pages of keys are in it like keys, one for each millisecond in which any was made.
 *
 * A filter is larger than what a processor keeps at hand, and a key's line of it came from memory twice: to ask, and to add
 * it some milliseconds later. Keys that begin with the time when they were made (`freshKey`) therefore share a few
 * blocks for each eighth of a second, and those blocks stay at hand; each such time takes the next blocks, so that all fill alike.
 */

/** Of the filter, in bytes: holds 6 million keys at one "maybe" too many in 100, 12 million at one in 7. */
export const KEY_FILTER_BYTES = 8 * 1024 * 1024;

/** Odd multipliers that choose a key's bit in each word of its block, as Parquet has them. */
const SALTS = [
  0x47b6137b, 0x44974d91, 0x8824ad5b, 0xa2b7289d, 0x705495c7, 0x2df1424b, 0x9efc4947, 0x5c6bfb31,
] as const;
const BLOCK_BYTES = 4 * SALTS.length;

/**
 * Blocks, 16 KB of them, that the keys of one time share: some ten thousand keys at one "maybe" too many in 100, twice
 * what the fastest group books in such a time.
 */
const TIME_BLOCKS = 512;
/** Of the time's 20 lower bits, in milliseconds, those that a key's blocks do not depend on: 128 ms. */
const TIME_SHIFT = 7;
/** Hexadecimal digits of a UUID of version 7 that tell those 20 bits, from the highest. */
const TIME_DIGITS = [7, 9, 10, 11, 12] as const;
const UUID_LENGTH = 36;
const VERSION_AT = 14;
const VERSION_7 = 0x37;
const LAST_ASCII = 0x7f;

export class KeyFilter {
  readonly #words: Uint32Array;
  readonly #blocks: number;
  #isComplete: boolean;
  /** Of the key that was hashed last: its block's first word, and what chooses its bits. */
  #block = 0;
  #bits = 0;

  /**
   * @param isComplete whether every key that the store has is in the filter: true for an empty store; until then it says
   *   "maybe" of all
   * @param bytes size; at whatever number of keys it stays so, and says "maybe" more often
   */
  constructor(isComplete: boolean, bytes = KEY_FILTER_BYTES) {
    this.#isComplete = isComplete;
    this.#blocks = Math.max(1, Math.floor(bytes / BLOCK_BYTES));
    this.#words = new Uint32Array(this.#blocks * SALTS.length);
  }

  /** Every key that was in the store before the filter was made has been added since. */
  complete(): void {
    this.#isComplete = true;
  }

  /** To be called before the key's record can be in the store. A key that is forgotten stays. */
  add(key: string): void {
    if (!this.#hash(key)) return;
    for (let word = 0; word < SALTS.length; word += 1) {
      const at = this.#block + word;
      this.#words[at] = (this.#words[at] ?? 0) | this.#bit(word);
    }
  }

  /** False only if the store surely does not have the key. */
  mayHave(key: string): boolean {
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
   * Two multiplicative hashes in one pass. False for a key that is not ASCII, of which nothing is ever ruled out: two
   * such texts may be one and the same key on disk, where what is no character becomes a replacement character.
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

/** Whether it looks like a UUID of version 7. A key that only looks so is in the filter like any other, in some place. */
function isTimed(key: string): boolean {
  return key.length === UUID_LENGTH && key.charCodeAt(VERSION_AT) === VERSION_7;
}

/** The time of a key, counted in steps of 128 ms, 8192 of them; some number of that size where its digits are none. */
function timeOf(key: string): number {
  let time = 0;
  for (const at of TIME_DIGITS) time = (time << 4) | hexDigit(key.charCodeAt(at));
  return time >>> TIME_SHIFT;
}

/** What a digit stands for, from its ASCII code; 0 to 15 for any other code as well. */
function hexDigit(code: number): number {
  return ((code & 0xf) + 9 * (code >>> 6)) & 0xf;
}

/** Every bit of the hash depends on every bit of it: the finisher of MurmurHash3. */
function mixed(hash: number): number {
  let bits = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
  return bits ^ (bits >>> 16);
}
