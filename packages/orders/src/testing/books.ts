/** Order books on disk, and snapshots between them, for tests. */
import { mkdirSync, readdirSync } from 'node:fs';
import * as assert from 'uvu/assert';
import {
  EMPTY_MEMBERSHIP,
  makeEntry,
  type Entry,
  type LogBase,
  type SnapshotSupport,
  type SnapshotView,
} from '@trireme/raft';
import type { BookStateMachine } from '../book/machine.js';
import type { BookStore } from '../book/store.js';
import { openBook } from '../book/open.js';
import { buy, entry } from '../rules/testing/batches.js';
import { ENTRIES } from './stores.js';

const NO_EVENTS = { onApplied: () => undefined, onStored: () => undefined, onError: () => undefined };

/** Opens the book of a replica as its process does. */
export async function openMachine(data: string, id = '1'): Promise<BookStateMachine<BookStore>> {
  mkdirSync(data, { recursive: true });
  const createMachine = await openBook({ data, cluster: 'test', id });
  return createMachine(NO_EVENTS);
}

/** The snapshot support of a machine. */
export function snapshotsOf(machine: BookStateMachine<BookStore>): SnapshotSupport {
  assert.ok(machine.snapshots !== undefined);
  return machine.snapshots;
}

/** Entries that may follow `ENTRIES`. */
export const LATER_ENTRIES = [
  entry(6, [], { visibleOrders: 4 }),
  entry(7, [buy('f')], { visibleOrders: 4 }),
  entry(8, [], { visibleOrders: 5 }),
];

/** The log entries of these batches. */
export function toLogEntries(entries: typeof ENTRIES): Entry[] {
  return entries.map(({ index, bytes }) => makeEntry(index, 1, 'command', bytes));
}

/** A base in term 1, of a group without members in the log. */
export function baseAt(index: number): LogBase {
  return { index, term: 1, membership: EMPTY_MEMBERSHIP };
}

/** Applies and stores the entries. */
export async function applyAndStore(
  machine: BookStateMachine<BookStore>,
  entries: readonly Entry[],
): Promise<void> {
  await machine.apply(entries);
  await machine.flush();
}

/** Creates a book with these batches. */
export async function fillMachine(data: string, entries = ENTRIES): Promise<BookStateMachine<BookStore>> {
  const machine = await openMachine(data);
  await applyAndStore(machine, toLogEntries(entries));
  return machine;
}

/** Reads all chunks of a view and closes it. */
export async function readChunks(view: SnapshotView): Promise<Buffer[]> {
  const chunks: Buffer[] = [];
  for await (const chunk of view.chunks()) chunks.push(Buffer.from(chunk));
  await view.close();
  return chunks;
}

/** The items as an async iterable. */
export async function* toAsyncIterable<T>(items: readonly T[]): AsyncGenerator<T> {
  yield* items;
}

/** Installs a snapshot of `machine` in `to`. */
export async function installSnapshot(
  machine: BookStateMachine<BookStore>,
  to: BookStateMachine<BookStore>,
): Promise<void> {
  const view = snapshotsOf(machine).createView();
  const staged = await snapshotsOf(to).receive(baseAt(view.index), view.chunks());
  await view.close();
  await staged.install();
  await staged.discard();
}

/** Names of the files and folders of books in a data folder. */
export async function bookFilesIn(data: string): Promise<string[]> {
  return readdirSync(data)
    .filter((name) => name.startsWith('book'))
    .sort();
}
