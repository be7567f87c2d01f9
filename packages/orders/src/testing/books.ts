/** Books on disk, and snapshots between them. */
import { mkdirSync, readdirSync } from 'node:fs';
import * as assert from 'uvu/assert';
import {
  NO_MEMBERS,
  makeEntry,
  type Entry,
  type LogBase,
  type SnapshotSupport,
  type SnapshotView,
} from '@trireme/raft';
import type { BookMachine } from '../machine.js';
import type { BookStore } from '../store.js';
import { openBook } from '../open-book.js';
import { buy, entry } from '../rules/testing/batches.js';
import { ENTRIES } from './stores.js';

const NO_EVENTS = { applied: () => undefined, stored: () => undefined, failed: () => undefined };

/** The book of a replica, opened as its process does. */
export async function open(data: string, id = '1'): Promise<BookMachine<BookStore>> {
  mkdirSync(data, { recursive: true });
  return openBook({ data, cluster: 'test', id, events: NO_EVENTS });
}

/** What gives and takes its snapshots. */
export function supportOf(machine: BookMachine<BookStore>): SnapshotSupport {
  assert.ok(machine.snapshots !== undefined);
  return machine.snapshots;
}

/** What may come after `ENTRIES`. */
export const LATER = [
  entry(6, [], { visibleOrders: 4 }),
  entry(7, [buy('f')], { visibleOrders: 4 }),
  entry(8, [], { visibleOrders: 5 }),
];

/** Batches as the log has them. */
export function logged(entries: typeof ENTRIES): Entry[] {
  return entries.map(({ index, bytes }) => makeEntry(index, 1, 'command', bytes));
}

/** A base in term 1, of a group whose log names no members. */
export function baseAt(index: number): LogBase {
  return { index, term: 1, membership: NO_MEMBERS };
}

/** Has the entries applied, and stored. */
export async function applied(machine: BookMachine<BookStore>, entries: readonly Entry[]): Promise<void> {
  await machine.apply(entries);
  await machine.flush();
}

/** A book with these batches in it. */
export async function fill(data: string, entries = ENTRIES): Promise<BookMachine<BookStore>> {
  const machine = await open(data);
  await applied(machine, logged(entries));
  return machine;
}

/** All chunks of a view, which is closed. */
export async function contentOf(view: SnapshotView): Promise<Buffer[]> {
  const chunks: Buffer[] = [];
  for await (const chunk of view.chunks()) chunks.push(Buffer.from(chunk));
  await view.close();
  return chunks;
}

/** Items as a stream. */
export async function* from<T>(items: readonly T[]): AsyncGenerator<T> {
  yield* items;
}

/** Has `to` take the snapshot that `machine` gives now. */
export async function carry(machine: BookMachine<BookStore>, to: BookMachine<BookStore>): Promise<void> {
  const view = supportOf(machine).take();
  const staged = await supportOf(to).receive(baseAt(view.index), view.chunks());
  await view.close();
  await staged.install();
  await staged.discard();
}

/** Names of what belongs to books in a data folder. */
export async function booksOf(data: string): Promise<string[]> {
  return readdirSync(data)
    .filter((name) => name.startsWith('book'))
    .sort();
}
