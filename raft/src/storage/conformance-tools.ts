/** Shared by the tests of log stores: fixtures, entries and assertions. */
import assert from 'node:assert/strict';
import { makeEntry } from '../core/entry.js';
import { NO_BASE } from '../core/log.js';
import { RaftError } from '../core/errors.js';
import type { RaftErrorCode } from '../core/errors.js';
import type { Entry, HardState, LogBase, LogIndex, Term } from '../core/types.js';
import type { LogStorage } from './storage.js';

/** One store on disk that a test may open repeatedly. */
export interface StorageFixture {
  /** Opens the store, which is closed or new. */
  open(): Promise<LogStorage>;
  /** Removes the store; it is closed by then. */
  dispose(): Promise<void>;
}

/** Registers a test of a fixture, which is disposed of afterwards. */
export type RegisterFixtureTest = (name: string, body: (fixture: StorageFixture) => Promise<void>) => void;

/** Registers a test of a new store, which is closed afterwards. */
export type RegisterStoreTest = (name: string, body: (storage: LogStorage) => Promise<void>) => void;

/** The base of a log whose compacted entries contain no configuration. */
export function makeBase(index: LogIndex, term: Term): LogBase {
  return { ...NO_BASE, index, term };
}

/** Creates the entries from `low` to `high` in one term; their data names index and term. */
export function makeEntries(low: LogIndex, high: LogIndex, term: Term): Entry[] {
  const entries: Entry[] = [];
  for (let index = low; index <= high; index++) {
    entries.push(makeEntry(index, term, 'command', Buffer.from(`entry ${index} of term ${term}`)));
  }
  return entries;
}

/** Reads all entries of the store. */
function allEntries(storage: LogStorage): readonly Entry[] {
  const [first, last] = [storage.base().index + 1, storage.lastIndex()];
  return first > last ? [] : storage.entries(first, last, Number.MAX_SAFE_INTEGER);
}

/** Asserts that the store has this base and exactly these entries, byte for byte. */
export function assertLog(storage: LogStorage, expected: readonly Entry[], base = NO_BASE): void {
  assert.deepEqual(storage.base(), base);
  assert.equal(storage.lastIndex(), base.index + expected.length);
  assert.equal(storage.term(base.index), base.term);
  assertEntries(allEntries(storage), expected);
  for (const { index, term } of expected) assert.equal(storage.term(index), term);
}

/** Asserts that these are exactly the expected entries, byte for byte. */
export function assertEntries(found: readonly Entry[], expected: readonly Entry[]): void {
  assert.equal(found.length, expected.length);
  for (const [at, want] of expected.entries()) {
    const entry = found[at];
    if (entry === undefined) throw new Error(`entry ${want.index} is missing`);
    assert.equal(entry.index, want.index);
    assert.equal(entry.term, want.term);
    assert.equal(entry.kind, want.kind);
    assert.ok(Buffer.from(want.record).equals(entry.record), `record of entry ${want.index}`);
    assert.ok(Buffer.from(want.data).equals(entry.data), `data of entry ${want.index}`);
  }
}

/** Asserts that `act` throws or rejects with a `RaftError` of this code, and returns the error. */
export async function assertFailsWith(code: RaftErrorCode, act: () => unknown): Promise<RaftError> {
  try {
    await act();
  } catch (error) {
    assert.ok(error instanceof RaftError, `expected a RaftError with ${code}: ${String(error)}`);
    assert.equal(error.code, code, error.message);
    return error;
  }
  assert.fail(`expected a failure with ${code}`);
}

/** A hard state, without a vote by default. */
export function hardStateOf(term: Term, vote: HardState['vote'] = null): HardState {
  return { term, vote };
}
