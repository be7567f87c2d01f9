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
 */

/** Of the filter, in bytes: holds 6 million keys at one "maybe" too many in 100, 12 million at one in 7. */
export const KEY_FILTER_BYTES = 8 * 1024 * 1024;

/** Odd multipliers that choose a key's bit in each word of its block, as Parquet has them. */
const SALTS = [
  0x47b6137b, 0x44974d91, 0x8824ad5b, 0xa2b7289d, 0x705495c7, 0x2df1424b, 0x9efc4947, 0x5c6bfb31,
] as const;
const BLOCK_BYTES = 4 * SALTS.length;
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
    this.#block = SALTS.length * ((first >>> 0) % this.#blocks);
    return true;
  }
}

/** Every bit of the hash depends on every bit of it: the finisher of MurmurHash3. */
function mixed(hash: number): number {
  let bits = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
  return bits ^ (bits >>> 16);
}
