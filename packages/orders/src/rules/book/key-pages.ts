/**
 * Groups keys that start with their creation time into pages on disk, one page per millisecond; a record per
 * key would be a large part of the book's writes. Paged keys are UUIDs of version 7 (RFC 9562, 5.7) in lower
 * case, as `generateKey` creates them. Any other key, and one whose page is full, has a record of its own. Which
 * of the two applies depends only on the order in which keys are added and removed, so it is the same on
 * every replica.
 */
import { FormatError } from '@trireme/domain';
import type { CommandPosition } from './state.js';

/** A UUID of version 7; `x` is a hexadecimal digit in lower case. */
const UUID_7 = 'xxxxxxxx-xxxx-7xxx-xxxx-xxxxxxxxxxxx';
const ASCII_CODES = 128;
/**
 * 1 if the ASCII code is allowed at the position of the text; several times faster than a regular expression.
 */
const UUID_7_FITS = formTable(UUID_7);
/** Length of a page name, which is the common prefix of its keys: the time in milliseconds since 1970. */
const NAME_LENGTH = 13;

/**
 * Maximum number of keys on a page: more than a group books per millisecond. Clients choose their keys: one
 * that spreads them over many pages makes each order rewrite a page, of 2 KB at most.
 */
export const PAGE_KEYS_MAX = 64;

/** Layout of a key on its page: the remaining text, `seq` and position. */
const REST_BYTES = 23;
const SEQ_BYTES = 6;
const POSITION_BYTES = 2;
const ENTRY_BYTES = REST_BYTES + SEQ_BYTES + POSITION_BYTES;

/** Initial capacity of a page in keys; doubled as needed, because most pages of an idle group hold one key. */
const ROOM_MIN = 4;

/** Number of pages cached in memory: between this and twice this. */
const CACHED_PAGES = 32;

/** Name of the page that a key belongs to; null if it is not paged. */
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

/** The keys of a page, in the order in which they were added. */
export class KeyPage {
  #bytes: Buffer;
  #length: number;

  /** @throws FormatError if the bytes are not a page. */
  constructor(bytes: Uint8Array = Buffer.alloc(0)) {
    const count = bytes.byteLength / ENTRY_BYTES;
    if (!Number.isInteger(count) || count > PAGE_KEYS_MAX) {
      throw new FormatError(`a key page cannot have ${bytes.byteLength} bytes`);
    }
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#length = bytes.byteLength;
  }

  get count(): number {
    return this.#length / ENTRY_BYTES;
  }

  /** The bytes of the page on disk; they change with the page. */
  get bytes(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  /** Position of the command with `key`, which belongs to this page; null if the page does not have it. */
  place(key: string): CommandPosition | null {
    const at = this.#find(key);
    return at < 0 ? null : this.#placeAt(at);
  }

  /**
   * All keys of the page `name`.
   * @throws FormatError if a key does not belong to the page or has no position.
   */
  keys(name: string): readonly string[] {
    const keys: string[] = [];
    for (let at = 0; at < this.#length; at += ENTRY_BYTES) {
      const key = name + this.#bytes.toString('latin1', at, at + REST_BYTES);
      if (keyPageOf(key) !== name || this.#placeAt(at).seq === 0) {
        throw new FormatError(`key page ${name} contains an invalid entry: ${JSON.stringify(key)}`);
      }
      keys.push(key);
    }
    return keys;
  }

  /** Adds a new key. Returns false if the page is full. */
  add(key: string, { seq, position }: CommandPosition): boolean {
    if (this.count >= PAGE_KEYS_MAX) return false;
    const at = this.#length;
    if (at + ENTRY_BYTES > this.#bytes.byteLength) {
      const room = Math.min(Math.max(ROOM_MIN, 2 * this.count), PAGE_KEYS_MAX);
      const bytes = Buffer.allocUnsafe(room * ENTRY_BYTES);
      this.#bytes.copy(bytes, 0, 0, at);
      this.#bytes = bytes;
    }
    // For 23 bytes a loop is faster than a Buffer call.
    for (let i = 0; i < REST_BYTES; i += 1) this.#bytes[at + i] = key.charCodeAt(NAME_LENGTH + i);
    this.#bytes.writeUIntBE(seq, at + REST_BYTES, SEQ_BYTES);
    this.#bytes.writeUIntBE(position, at + REST_BYTES + SEQ_BYTES, POSITION_BYTES);
    this.#length += ENTRY_BYTES;
    return true;
  }

  /** Removes a key. Returns whether the page had it. */
  remove(key: string): boolean {
    const at = this.#find(key);
    if (at < 0) return false;
    this.#bytes.copyWithin(at, at + ENTRY_BYTES, this.#length);
    this.#length -= ENTRY_BYTES;
    return true;
  }

  #placeAt(at: number): CommandPosition {
    const seq = this.#bytes.readUIntBE(at + REST_BYTES, SEQ_BYTES);
    return { seq, position: this.#bytes.readUIntBE(at + REST_BYTES + SEQ_BYTES, POSITION_BYTES) };
  }

  /** Offset of the key's entry, negative if there is none. */
  #find(key: string): number {
    const rest = key.slice(NAME_LENGTH);
    const { bytes } = this;
    let at = bytes.indexOf(rest, 0, 'latin1');
    // A match that does not start at an entry spans two of them.
    while (at >= 0 && at % ENTRY_BYTES !== 0) at = bytes.indexOf(rest, at + 1, 'latin1');
    return at;
  }
}

/** Cache of recently used pages, and the changes to write. */
export class KeyPages {
  readonly #read: (name: string) => KeyPage | null;
  /**
   * Cached pages, equal to the disk except for changed ones, in two generations: when the new one is full, it
   * replaces the old one. A single map that is filled and emptied continuously would keep all its pages alive
   * until the next major garbage collection (see `TransientMap`).
   */
  #cache = new Map<string, KeyPage>();
  #previousCache: ReadonlyMap<string, KeyPage> = new Map();
  #changed = new Map<string, KeyPage>();

  /** @param read reads a page from the disk; null if there is none */
  constructor(read: (name: string) => KeyPage | null) {
    this.#read = read;
  }

  /**
   * Adds a new key to its page, or removes one (null). Returns false if the key needs a record of its own, or
   * may have one.
   */
  write(key: string, place: CommandPosition | null): boolean {
    const name = keyPageOf(key);
    if (name === null) return false;
    const changed = this.#changed.get(name);
    const page = changed ?? this.#cachedPage(name) ?? this.#fromDisk(name) ?? new KeyPage();
    const isDone = place === null ? page.remove(key) : page.add(key, place);
    if (isDone && changed === undefined) this.#changed.set(name, page);
    return isDone;
  }

  /**
   * Returns the changed pages; the caller deletes empty ones. Encode them before the next call, because they
   * keep changing. If they cannot be written, nothing more may be written, because the disk lacks these
   * changes.
   */
  takeChanges(): ReadonlyMap<string, KeyPage> {
    const changed = this.#changed;
    this.#changed = new Map();
    for (const [name, page] of changed) this.#addToCache(name, page);
    return changed;
  }

  #cachedPage(name: string): KeyPage | undefined {
    return this.#cache.get(name) ?? this.#previousCache.get(name);
  }

  #fromDisk(name: string): KeyPage | null {
    const page = this.#read(name);
    if (page !== null) this.#addToCache(name, page);
    return page;
  }

  #addToCache(name: string, page: KeyPage): void {
    this.#cache.set(name, page);
    if (this.#cache.size < CACHED_PAGES) return;
    this.#previousCache = this.#cache;
    this.#cache = new Map();
  }
}
