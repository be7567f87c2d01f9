/**
 * Checks the records of a log store when it is opened: the store belongs to this member, every checksum
 * matches, and the log is complete from its base to the last acknowledged entry.
 */
import type { Level } from 'level';
import { readEntry } from '../core/entry.js';
import { RaftError } from '../core/errors.js';
import { NO_BASE } from '../core/log.js';
import type { Entry, LogBase, LogIndex } from '../core/types.js';
import {
  BASE_KEY,
  FORMAT_VERSION,
  HARD_STATE_KEY,
  IDENTITY_KEY,
  decodeBaseRecord,
  decodeHardState,
  decodeIdentity,
  indexOfKey,
} from './records.js';
import type { HardStateRecord } from './records.js';

/** LevelDB with bytes as keys and values. */
export type ByteLevel = Level<Uint8Array, Uint8Array>;

/** Bounds of one page of a scan. */
const SCAN_RECORDS_MAX = 1000;
const SCAN_BYTES_MAX = 1024 * 1024;

/** The path of a store, and its expected owner. */
export interface StoreOwner {
  readonly path: string;
  readonly cluster: string;
  readonly id: string;
}

/** A position in the log. */
type Place = Pick<LogBase, 'index' | 'term'>;

/** The contents of a written store apart from its entries. */
export interface StoreContents {
  readonly base: LogBase;
  readonly end: HardStateRecord;
  /** Whether there are entries up to the base, left over from an interrupted compaction. */
  readonly hasLeftovers: boolean;
}

/**
 * Reads the whole store in bounded memory, and calls `visit` for each entry after its base, in order.
 * @returns the contents, or null if the store is new
 * @throws RaftError `BAD_CONFIG` if the store belongs to another member, or `LOG_DAMAGED` naming the damage.
 */
export async function scanStore(
  db: ByteLevel,
  owner: StoreOwner,
  visit: (entry: Entry) => void,
): Promise<StoreContents | null> {
  const damaged = (what: string, cause?: unknown) =>
    new RaftError('LOG_DAMAGED', `log store ${owner.path}: ${what}`, { cause });
  const decode = <T>(name: string, read: () => T): T => {
    try {
      return read();
    } catch (error) {
      throw damaged(`${name}: ${error instanceof Error ? error.message : String(error)}`, error);
    }
  };

  const identityValue = db.getSync(IDENTITY_KEY);
  const hardStateValue = db.getSync(HARD_STATE_KEY);
  if (identityValue !== undefined)
    checkOwner(
      decode('identity', () => decodeIdentity(identityValue)),
      owner,
    );
  const end = hardStateValue && decode('hard state', () => decodeHardState(hardStateValue));
  const baseValue = db.getSync(BASE_KEY);
  const base = baseValue === undefined ? NO_BASE : decode('base', () => decodeBaseRecord(baseValue));

  let last: Place = base;
  let hasLeftovers = false;
  for await (const page of readRecordPages(db)) {
    for (const [key, value] of page) {
      if (NAMED_KEYS.some((named) => named.equals(key))) continue;
      const index = indexOfKey(key);
      if (index === null)
        throw damaged(`the key ${Buffer.from(key).toString('hex')} does not belong to a log store`);
      if (index <= base.index) {
        hasLeftovers = true;
        continue;
      }
      const expected = last.index + 1;
      if (index !== expected) throw damaged(`entry ${expected} is missing: the next entry found is ${index}`);
      const entry: Entry = decode(`entry ${index}`, () => readEntryAt(index, value));
      if (entry.term < last.term) {
        throw damaged(
          `entry ${index} has term ${entry.term}, below term ${last.term} of the entry before it`,
        );
      }
      visit(entry);
      last = entry;
    }
  }

  if (end === undefined) {
    if (last.index > 0) throw damaged('the hard-state record is missing, but there are entries');
    if (identityValue !== undefined)
      throw damaged('the hard-state record is missing, but there is an identity record');
    return null;
  }
  if (identityValue === undefined) throw damaged('the identity record is missing');
  checkEnd(end, last, damaged);
  return { base, end, hasLeftovers };
}

/**
 * Decodes the record that is stored under the key of `index`.
 * @throws RaftError `LOG_DAMAGED` if its checksum does not match or it belongs to another index.
 */
export function readEntryAt(index: LogIndex, value: Uint8Array): Entry {
  const entry = readEntry(value);
  if (entry.index !== index) {
    throw new RaftError(
      'LOG_DAMAGED',
      `the record stored for index ${index} belongs to index ${entry.index}`,
    );
  }
  return entry;
}

function checkOwner(found: { format: number; cluster: string; id: string }, owner: StoreOwner): void {
  const refuse = (what: string) => new RaftError('BAD_CONFIG', `log store ${owner.path} ${what}`);
  if (found.format !== FORMAT_VERSION) {
    throw refuse(`has format ${found.format}; this program reads format ${FORMAT_VERSION}`);
  }
  if (found.cluster !== owner.cluster) {
    throw refuse(`belongs to cluster "${found.cluster}", not to "${owner.cluster}"`);
  }
  if (found.id !== owner.id) throw refuse(`belongs to member "${found.id}", not to "${owner.id}"`);
}

function checkEnd(end: HardStateRecord, { index, term }: Place, damaged: (what: string) => RaftError): void {
  if (index !== end.lastIndex || term !== end.lastTerm) {
    throw damaged(
      `the log ends at index ${index} of term ${term}, ` +
        `but the hard-state record says index ${end.lastIndex} of term ${end.lastTerm}`,
    );
  }
  if (end.hardState.term < term) {
    throw damaged(
      `the hard-state record has term ${end.hardState.term}, below term ${term} of the last entry`,
    );
  }
}

const NAMED_KEYS = [BASE_KEY, HARD_STATE_KEY, IDENTITY_KEY];

type Page = readonly (readonly [Uint8Array, Uint8Array])[];

/** Yields all records in key order, many at a time, which is faster than one by one. */
export async function* readRecordPages(db: ByteLevel): AsyncGenerator<Page, void, undefined> {
  const iterator = db.iterator<Uint8Array, Uint8Array>({ highWaterMarkBytes: SCAN_BYTES_MAX });
  try {
    for (;;) {
      const page = await iterator.nextv(SCAN_RECORDS_MAX);
      if (page.length === 0) return;
      yield page;
    }
  } finally {
    await iterator.close();
  }
}
