/**
 * Keys that begin with the time when they were made stand on disk in pages, those of 16 milliseconds together: a record for
 * each was most of what an order cost LevelDB. They are UUIDs of version 7 (RFC 9562, 5.7) in their usual form, as
 * front-ends make them; any other key, and one that finds its page full, has a record of its own. Which it is follows from
 * the order in which keys come and go, and so is the same on every replica.
 */
import { FormatError } from '@trireme/domain';
import type { Place } from './state.js';

const UUID_7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$/;
/** A page's name is what its keys begin with: 44 of the 48 bits of the time, in milliseconds since 1970. */
const NAME_LENGTH = 12;

/**
 * Keys on a page at most: three times what the fastest group books in its time. A client that gives all of its keys the
 * same time fills one page; it does not make the others' slow.
 */
export const PAGE_KEYS_MAX = 1024;

/** What a key takes on its page: the rest of its text, `seq` and position. */
const REST_BYTES = 24;
const SEQ_BYTES = 6;
const POSITION_BYTES = 2;
const ENTRY_BYTES = REST_BYTES + SEQ_BYTES + POSITION_BYTES;

const FIRST_KEYS = 64;
/** Pages kept in memory at most: those of the orders that come, and of those that expire. */
const PAGES_KEPT = 16;

/** The page that a key belongs on, null if on none. */
export function keyPageOf(key: string): string | null {
  return UUID_7.test(key) ? key.slice(0, NAME_LENGTH) : null;
}

/** The keys on a page, in the order in which they came. */
export class KeyPage {
  #bytes: Buffer;
  #length: number;

  /** @throws FormatError if the bytes are not those of a page. */
  constructor(bytes: Uint8Array = Buffer.alloc(0)) {
    const count = bytes.byteLength / ENTRY_BYTES;
    if (!Number.isInteger(count) || count > PAGE_KEYS_MAX) {
      throw new FormatError(`${bytes.byteLength} bytes are no page of keys`);
    }
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#length = bytes.byteLength;
  }

  get count(): number {
    return this.#length / ENTRY_BYTES;
  }

  /** The page as it stands on disk; changes when the page does. */
  get bytes(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  /** Where the command with `key`, which belongs on this page, stands; null if the page does not have it. */
  place(key: string): Place | null {
    const at = this.#find(key);
    if (at < 0) return null;
    const seq = this.#bytes.readUIntBE(at + REST_BYTES, SEQ_BYTES);
    return { seq, position: this.#bytes.readUIntBE(at + REST_BYTES + SEQ_BYTES, POSITION_BYTES) };
  }

  /** Every key of the page, which is the one called `name`. */
  *keys(name: string): Generator<string> {
    for (let at = 0; at < this.#length; at += ENTRY_BYTES) {
      yield name + this.#bytes.toString('latin1', at, at + REST_BYTES);
    }
  }

  /** Adds a key that is not there. Returns false if the page is full. */
  add(key: string, { seq, position }: Place): boolean {
    if (this.count >= PAGE_KEYS_MAX) return false;
    const at = this.#length;
    if (at + ENTRY_BYTES > this.#bytes.byteLength) this.#grow();
    this.#bytes.write(key.slice(NAME_LENGTH), at, REST_BYTES, 'latin1');
    this.#bytes.writeUIntBE(seq, at + REST_BYTES, SEQ_BYTES);
    this.#bytes.writeUIntBE(position, at + REST_BYTES + SEQ_BYTES, POSITION_BYTES);
    this.#length += ENTRY_BYTES;
    return true;
  }

  /** Returns whether it was there. */
  remove(key: string): boolean {
    const at = this.#find(key);
    if (at < 0) return false;
    this.#bytes.copyWithin(at, at + ENTRY_BYTES, this.#length);
    this.#length -= ENTRY_BYTES;
    return true;
  }

  /** Where its entry begins, below 0 if there is none. */
  #find(key: string): number {
    const rest = key.slice(NAME_LENGTH);
    const { bytes } = this;
    let at = bytes.indexOf(rest, 0, 'latin1');
    // What two entries make where they meet is none.
    while (at >= 0 && at % ENTRY_BYTES !== 0) at = bytes.indexOf(rest, at + 1, 'latin1');
    return at;
  }

  #grow(): void {
    const bytes = Buffer.allocUnsafeSlow(Math.max(FIRST_KEYS * ENTRY_BYTES, 2 * this.#length));
    this.#bytes.copy(bytes, 0, 0, this.#length);
    this.#bytes = bytes;
  }
}

/** Pages that were written lately, and what is to be written of them. */
export class KeyPages {
  readonly #read: (name: string) => KeyPage | null;
  /** The one that was changed longest ago first. */
  readonly #kept = new Map<string, KeyPage>();
  #changed = new Map<string, KeyPage>();

  /** @param read gives a page from the disk, null if there is none */
  constructor(read: (name: string) => KeyPage | null) {
    this.#read = read;
  }

  /**
   * Puts a key that is not there on its page, or takes one away (null). Returns false where the key is to have a record of
   * its own, or may have.
   */
  write(key: string, place: Place | null): boolean {
    const name = keyPageOf(key);
    if (name === null) return false;
    const page = this.#changed.get(name) ?? this.#kept.get(name) ?? this.#read(name) ?? new KeyPage();
    const isDone = place === null ? page.remove(key) : page.add(key, place);
    if (isDone) this.#changed.set(name, page);
    return isDone;
  }

  /**
   * Hands out the pages that were changed; one without keys is to be deleted. They are to be packed at once, as they go on
   * changing; where they then cannot be written nothing more may be, as the disk lacks what this holds.
   */
  take(): ReadonlyMap<string, KeyPage> {
    const changed = this.#changed;
    this.#changed = new Map();
    for (const [name, page] of changed) {
      this.#kept.delete(name);
      if (page.count > 0) this.#kept.set(name, page);
    }
    for (const name of this.#kept.keys()) {
      if (this.#kept.size <= PAGES_KEPT) break;
      this.#kept.delete(name);
    }
    return changed;
  }
}
