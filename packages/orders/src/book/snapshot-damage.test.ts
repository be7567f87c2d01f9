/** Damaged or inconsistent snapshots of a book: rejected without leftovers. */
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { FormatError } from '@trireme/domain';
import type { BookStateMachine } from './machine.js';
import type { BookStore } from './store.js';
import { packRecords, unpackRecords, type BookRecord } from './record-stream.js';
import { numberKey, seal, textKey } from './codec.js';
import {
  baseAt,
  bookFilesIn,
  installSnapshot,
  readChunks,
  fillMachine,
  toAsyncIterable,
  openMachine,
  snapshotsOf,
} from '../testing/books.js';
import { withFolder } from '../testing/folders.js';

/** The records of a book's snapshot. */
async function recordsOf(machine: BookStateMachine<BookStore>): Promise<BookRecord[]> {
  const records: BookRecord[] = [];
  for await (const [key, value] of unpackRecords(
    toAsyncIterable(await readChunks(snapshotsOf(machine).createView())),
  )) {
    records.push([Buffer.from(key), Buffer.from(value)]);
  }
  return records;
}

const OWN = textKey('identity');
const FAULTS: readonly (readonly [string, (records: BookRecord[]) => readonly BookRecord[], RegExp])[] = [
  [
    'without its keys',
    (records) => records.filter(([key]) => key[0] !== 0x6b),
    /found 0 of 7 idempotency keys/,
  ],
  [
    'without one of its keys',
    (records) => records.filter(([key]) => !textKey('key', 'c').equals(key)),
    /found 6 of 7 idempotency keys/,
  ],
  [
    'without its orders',
    (records) => records.filter(([key]) => !numberKey('page', 1).equals(key)),
    /order page 1 is missing/,
  ],
  [
    'without its last batch',
    (records) => records.filter(([key]) => !numberKey('batch', 3).equals(key)),
    /batch 3/,
  ],
  ['without its stocks', (records) => records.filter(([key]) => key[0] !== 0x73), /found 0 of 2 stocks/],
  [
    'with one stock twice instead of two',
    (records) => {
      const isStock = ([key]: BookRecord): boolean => key[0] === 0x73;
      const one = records.filter(isStock).slice(0, 1);
      return [...records.filter((record) => !isStock(record)), ...one, ...one];
    },
    /found 1 of 2 stocks/,
  ],
  [
    'with a batch twice',
    (records) => [...records, ...records.filter(([key]) => key[0] === 0x65).slice(-1)],
    /is unexpected|is missing/,
  ],
  [
    'with a key twice',
    (records) => [...records, ...records.filter(([key]) => textKey('key', 'c').equals(key))],
    /found 8 of 7 idempotency keys/,
  ],
  ['without its meta record', (records) => records.slice(1), /does not start with its meta record/],
  ['with nothing in it', () => [], /does not start with its meta record/],
  [
    "with another's identity",
    (records) => [...records, [OWN, seal(OWN, [1, 'test', '1'])]],
    /belongs to a single replica/,
  ],
  ['with a record of an unknown table', (records) => [...records, [Buffer.from('?'), OWN]], /is unexpected/],
];

for (const [name, change, message] of FAULTS) {
  test(`receive rejects a snapshot ${name} and leaves no files`, async () => {
    await withFolder(async (path) => {
      const source = await fillMachine(join(path, '1'));
      const target = await openMachine(join(path, '2'), '2');
      const chunks = packRecords(toAsyncIterable(change(await recordsOf(source))));
      const error: unknown = await snapshotsOf(target)
        .receive(baseAt(5), chunks)
        .catch((reason: unknown) => reason);
      assert.instance(error, FormatError);
      assert.match(String(error), message);
      assert.equal(await bookFilesIn(join(path, '2')), ['book']);
      await installSnapshot(source, target);
      for (const { store } of [source, target]) await store.close();
    });
  });
}

test('receive rejects a flipped bit in any record, a truncated snapshot, and a wrong base index', async () => {
  await withFolder(async (path) => {
    const source = await fillMachine(join(path, '1'));
    const target = await openMachine(join(path, '2'), '2');
    const records = await recordsOf(source);
    const whole = Buffer.concat(await readChunks(snapshotsOf(source).createView()));
    const refused = async (chunks: AsyncGenerator<Uint8Array>, index = 5): Promise<void> => {
      const error: unknown = await snapshotsOf(target)
        .receive(baseAt(index), chunks)
        .catch((reason: unknown) => reason);
      assert.instance(error, FormatError);
    };
    for (const [place, [key, value]] of records.entries()) {
      const damaged = Buffer.from(value);
      const at = place % damaged.length;
      damaged[at] = (damaged[at] ?? 0) ^ 4;
      await refused(
        packRecords(
          toAsyncIterable(
            records.map((record, other) => (other === place ? ([key, damaged] as const) : record)),
          ),
        ),
      );
    }
    for (const length of [0, 3, 20, whole.length - 1])
      await refused(toAsyncIterable([whole.subarray(0, length)]));
    const huge = Buffer.alloc(6, 0xff);
    await refused(toAsyncIterable([huge]));
    await refused(toAsyncIterable([whole]), 6);
    for (const { store } of [source, target]) await store.close();
  });
});

test.run();
