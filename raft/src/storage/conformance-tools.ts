/** What the tests of log stores share: the store under test, entries, and what to assert of them. */
import * as assert from 'uvu/assert';
import { makeEntry } from '../core/entry.js';
import { NO_BASE } from '../core/log.js';
import { RaftError } from '../core/errors.js';
import type { RaftErrorCode } from '../core/errors.js';
import type { Entry, HardState, LogIndex, Term } from '../core/types.js';
import type { LogStorage } from './storage.js';

/** One disk, to be opened again and again. */
export interface StorageFixture {
  open(): Promise<LogStorage>;
  /** Removes what the fixture made; every store is closed by then. */
  dispose(): Promise<void>;
}

/** Registers a test of a fixture, which is disposed of after it. */
export type Check = (name: string, body: (fixture: StorageFixture) => Promise<void>) => void;

/** Registers a test of one store, which is new, and closed after it. */
export type WithStore = (name: string, body: (storage: LogStorage) => Promise<void>) => void;

/** Makes entries from `low` to `high` of one term whose data tell index and term. */
export function makeEntries(low: LogIndex, high: LogIndex, term: Term): Entry[] {
  const entries: Entry[] = [];
  for (let index = low; index <= high; index++) {
    entries.push(makeEntry(index, term, 'command', Buffer.from(`entry ${index} of term ${term}`)));
  }
  return entries;
}

/** All entries of the store as it shows them. */
function allEntries(storage: LogStorage): readonly Entry[] {
  const [first, last] = [storage.base().index + 1, storage.lastIndex()];
  return first > last ? [] : storage.entries(first, last, Number.MAX_SAFE_INTEGER);
}

/** The base of a log that was never compacted. */

/** Asserts that the store shows exactly these entries, byte for byte, behind this base. */
export function assertLog(storage: LogStorage, expected: readonly Entry[], base = NO_BASE): void {
  assert.equal(storage.base(), base);
  assert.is(storage.lastIndex(), base.index + expected.length);
  assert.is(storage.term(base.index), base.term);
  const found = allEntries(storage);
  assert.is(found.length, expected.length);
  for (const [at, want] of expected.entries()) {
    const entry = found[at];
    if (entry === undefined) throw new Error(`entry ${want.index} is missing`);
    assert.is(entry.index, want.index);
    assert.is(entry.term, want.term);
    assert.is(entry.kind, want.kind);
    assert.ok(Buffer.from(want.record).equals(entry.record), `record of entry ${want.index}`);
    assert.ok(Buffer.from(want.data).equals(entry.data), `data of entry ${want.index}`);
    assert.is(storage.term(want.index), want.term);
  }
}

/** Asserts that `act` throws or rejects with a `RaftError` of this code, and gives back the error. */
export async function assertFails(code: RaftErrorCode, act: () => unknown): Promise<RaftError> {
  try {
    await act();
  } catch (error) {
    assert.instance(error, RaftError, String(error));
    if (!(error instanceof RaftError)) throw error;
    assert.is(error.code, code, error.message);
    return error;
  }
  throw new assert.Assertion({
    message: `it does not fail with ${code}`,
    generated: false,
    operator: 'fails',
    expects: code,
    actual: null,
  });
}

/** A hard state, without a vote unless one is given. */
export function state(term: Term, vote: HardState['vote'] = null): HardState {
  return { term, vote };
}
