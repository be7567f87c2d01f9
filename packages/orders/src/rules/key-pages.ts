/**
 * Keys that begin with the time when they were made stand on disk in pages, those of one millisecond together: a record for
 * each was a quarter of the book's work. They are UUIDs of version 7 (RFC 9562, 5.7) in their usual form, as `freshKey`
 * makes them; any other key, and one that finds its page full, has a record of its own. Which it is follows from the order
 * in which keys come and go, and so is the same on every replica.
 */
import { FormatError } from '@trireme/domain';
import type { Place } from './state.js';

/** A UUID of version 7; `x` is a hexadecimal digit in lower case. */
const UUID_7 = 'xxxxxxxx-xxxx-7xxx-xxxx-xxxxxxxxxxxx';
const ASCII_CODES = 128;
/** By place in the text and ASCII code: 1 where it may stand there. A regular expression takes two and a half times as long. */
const UUID_7_FITS = formTable(UUID_7);
/** A page's name is what its keys begin with: the time, in milliseconds since 1970. */
const NAME_LENGTH = 13;

/**
 * Keys on a page at most: three times what the fastest group books in a millisecond. Clients choose their keys: who spreads
 * them over many pages has each order write one anew, of 2 KB at most.
 */
export const PAGE_KEYS_MAX = 64;

/** What a key takes on its page: the rest of its text, `seq` and position. */
const REST_BYTES = 23;
const SEQ_BYTES = 6;
const POSITION_BYTES = 2;
const ENTRY_BYTES = REST_BYTES + SEQ_BYTES + POSITION_BYTES;

/** Keys that a new page has room for; it doubles. Most pages of a quiet group hold one, and a page's room is made for each. */
const ROOM_MIN = 4;

/** Pages kept in memory: as many at least, twice as many at most; those of the orders that come, and of those that expire. */
const PAGES_KEPT = 32;

/** The page that a key belongs on, null if on none. */
export function keyPageOf(key: string): string | null {
  return isUuid7(key) ? key.slice(0, NAME_LENGTH) : null;
}

function isUuid7(key: string): boolean {
  if (key.length !== UUID_7.length) return false;
  for (let at = 0; at < UUID_7.length; at += 1) {
    const code = key.charCodeAt(at);
    if (code >= ASCII_CODES || UUID_7_FITS[at * ASCII_CODES + code] !== 1) return false;
  }
  return true;
}

function formTable(form: string): Uint8Array {
  const fits = new Uint8Array(form.length * ASCII_CODES);
  Array.from(form).forEach((place, at) => {
    for (const char of place === 'x' ? '0123456789abcdef' : place) {
      fits[at * ASCII_CODES + char.charCodeAt(0)] = 1;
    }
  });
  return fits;
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
    return at < 0 ? null : this.#placeAt(at);
  }

  /**
   * Every key of the page called `name`.
   * @throws FormatError if one does not belong there, or stands nowhere.
   */
  keys(name: string): readonly string[] {
    const keys: string[] = [];
    for (let at = 0; at < this.#length; at += ENTRY_BYTES) {
      const key = name + this.#bytes.toString('latin1', at, at + REST_BYTES);
      if (keyPageOf(key) !== name || this.#placeAt(at).seq === 0) {
        throw new FormatError(`page ${name} of keys holds ${JSON.stringify(key)}`);
      }
      keys.push(key);
    }
    return keys;
  }

  /** Adds a key that is not there. Returns false if the page is full. */
  add(key: string, { seq, position }: Place): boolean {
    if (this.count >= PAGE_KEYS_MAX) return false;
    const at = this.#length;
    if (at + ENTRY_BYTES > this.#bytes.byteLength) {
      const room = Math.min(Math.max(ROOM_MIN, 2 * this.count), PAGE_KEYS_MAX);
      const bytes = Buffer.allocUnsafe(room * ENTRY_BYTES);
      this.#bytes.copy(bytes, 0, 0, at);
      this.#bytes = bytes;
    }
    // A call into Node for 23 bytes would take twice as long.
    for (let i = 0; i < REST_BYTES; i += 1) this.#bytes[at + i] = key.charCodeAt(NAME_LENGTH + i);
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

  #placeAt(at: number): Place {
    const seq = this.#bytes.readUIntBE(at + REST_BYTES, SEQ_BYTES);
    return { seq, position: this.#bytes.readUIntBE(at + REST_BYTES + SEQ_BYTES, POSITION_BYTES) };
  }

  /** Where its entry begins, below 0 if there is none. */
  #find(key: string): number {
    const rest = key.slice(NAME_LENGTH);
    const { bytes } = this;
    let at = bytes.indexOf(rest, 0, 'latin1');
    // A match that does not begin an entry lies across two of them.
    while (at >= 0 && at % ENTRY_BYTES !== 0) at = bytes.indexOf(rest, at + 1, 'latin1');
    return at;
  }
}

/** Pages that were used lately, and what is to be written of them. */
export class KeyPages {
  readonly #read: (name: string) => KeyPage | null;
  /**
   * As they are on disk, but for those that are changed, in two generations: once the later one is full, it is the earlier.
   * A single map that is filled and emptied on end would keep every page that it ever had until the next major collection
   * (see `TransientMap`).
   */
  #kept = new Map<string, KeyPage>();
  #keptBefore: ReadonlyMap<string, KeyPage> = new Map();
  #changed = new Map<string, KeyPage>();

  /** @param read gives a page from the disk, null if there is none */
  constructor(read: (name: string) => KeyPage | null) {
    this.#read = read;
  }

  /**
   * Puts a key that is not there on its page, or takes one away (null). Returns false where the key is to have a record of
   * its own, or may have one.
   */
  write(key: string, place: Place | null): boolean {
    const name = keyPageOf(key);
    if (name === null) return false;
    const changed = this.#changed.get(name);
    const page = changed ?? this.#keptPage(name) ?? this.#fromDisk(name) ?? new KeyPage();
    const isDone = place === null ? page.remove(key) : page.add(key, place);
    if (isDone && changed === undefined) this.#changed.set(name, page);
    return isDone;
  }

  /**
   * Hands out the pages that were changed; one without keys is to be deleted. They are to be packed at once, as they go on
   * changing; where they then cannot be written nothing more may be written, as the disk lacks what this holds.
   */
  take(): ReadonlyMap<string, KeyPage> {
    const changed = this.#changed;
    this.#changed = new Map();
    for (const [name, page] of changed) this.#keep(name, page);
    return changed;
  }

  #keptPage(name: string): KeyPage | undefined {
    return this.#kept.get(name) ?? this.#keptBefore.get(name);
  }

  #fromDisk(name: string): KeyPage | null {
    const page = this.#read(name);
    if (page !== null) this.#keep(name, page);
    return page;
  }

  #keep(name: string, page: KeyPage): void {
    this.#kept.set(name, page);
    if (this.#kept.size < PAGES_KEPT) return;
    this.#keptBefore = this.#kept;
    this.#kept = new Map();
  }
}
