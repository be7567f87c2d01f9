/** Snapshots of a book that are not whole, or not what they say: refused, and nothing is left of them. */
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { FormatError } from '@trireme/domain';
import type { BookMachine } from './machine.js';
import type { BookStore } from './store.js';
import { packRecords, unpackRecords, type BookRecord } from './record-stream.js';
import { numberKey, seal, textKey } from './records.js';
import { baseAt, booksOf, carry, contentOf, fill, from, open, supportOf } from './testing/books.js';
import { withFolder } from './testing/folders.js';

/** The records of a book's snapshot. */
async function recordsOf(machine: BookMachine<BookStore>): Promise<BookRecord[]> {
  const records: BookRecord[] = [];
  for await (const [key, value] of unpackRecords(from(await contentOf(supportOf(machine).take())))) {
    records.push([Buffer.from(key), Buffer.from(value)]);
  }
  return records;
}

const OWN = textKey('identity');
const FAULTS: readonly (readonly [string, (records: BookRecord[]) => readonly BookRecord[], RegExp])[] = [
  [
    'without its keys',
    (records) => records.filter(([key]) => key[0] !== 0x6b && key[0] !== 0x79),
    /0 keys of 7/,
  ],
  ['without its page of keys', (records) => records.filter(([key]) => key[0] !== 0x79), /6 keys of 7/],
  [
    'without its orders',
    (records) => records.filter(([key]) => !numberKey('page', 1).equals(key)),
    /page 1 of orders is missing/,
  ],
  [
    'without its last batch',
    (records) => records.filter(([key]) => !numberKey('batch', 3).equals(key)),
    /batch 3/,
  ],
  ['without its stocks', (records) => records.filter(([key]) => key[0] !== 0x73), /0 stocks of 2/],
  [
    'with one stock twice instead of two',
    (records) => {
      const isStock = ([key]: BookRecord): boolean => key[0] === 0x73;
      const one = records.filter(isStock).slice(0, 1);
      return [...records.filter((record) => !isStock(record)), ...one, ...one];
    },
    /1 stocks of 2/,
  ],
  [
    'with a batch twice',
    (records) => [...records, ...records.filter(([key]) => key[0] === 0x65).slice(-1)],
    /should not be there|missing/,
  ],
  [
    'with a page of keys twice',
    (records) => [...records, ...records.filter(([key]) => key[0] === 0x79)],
    /8 keys of 7/,
  ],
  ['without its meta record', (records) => records.slice(1), /does not begin with its meta record/],
  ['with nothing in it', () => [], /does not begin with its meta record/],
  [
    "with another's identity",
    (records) => [...records, [OWN, seal(OWN, [1, 'test', '1'])]],
    /of one replica/,
  ],
  ['with a table that is none', (records) => [...records, [Buffer.from('?'), OWN]], /should not be there/],
];

for (const [name, change, message] of FAULTS) {
  test(`a snapshot ${name} is refused and leaves nothing`, async () => {
    await withFolder(async (path) => {
      const source = await fill(join(path, '1'));
      const target = await open(join(path, '2'), '2');
      const chunks = packRecords(from(change(await recordsOf(source))));
      const error: unknown = await supportOf(target)
        .receive(baseAt(5), chunks)
        .catch((reason: unknown) => reason);
      assert.instance(error, FormatError);
      assert.match(String(error), message);
      assert.equal(await booksOf(join(path, '2')), ['book']);
      await carry(source, target);
      for (const { store } of [source, target]) await store.close();
    });
  });
}

test('a flipped bit in any record, a cut, and a book as of another index are refused', async () => {
  await withFolder(async (path) => {
    const source = await fill(join(path, '1'));
    const target = await open(join(path, '2'), '2');
    const records = await recordsOf(source);
    const whole = Buffer.concat(await contentOf(supportOf(source).take()));
    const refused = async (chunks: AsyncGenerator<Uint8Array>, index = 5): Promise<void> => {
      const error: unknown = await supportOf(target)
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
          from(records.map((record, other) => (other === place ? ([key, damaged] as const) : record))),
        ),
      );
    }
    for (const length of [0, 3, 20, whole.length - 1]) await refused(from([whole.subarray(0, length)]));
    const huge = Buffer.alloc(6, 0xff);
    await refused(from([huge]));
    await refused(from([whole]), 6);
    for (const { store } of [source, target]) await store.close();
  });
});

test.run();
