/** Which keys a book looks up on disk, and that it finds every key that it contains. */
import * as fc from 'fast-check';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { generateKey } from '@trireme/domain';
import type { BookRecord } from './record-stream.js';
import { isLocalRecord } from './codec.js';
import { Book } from '../rules/book/book.js';
import {
  EMPTY_META,
  type BookMeta,
  type BookReader,
  type BookWrite,
  type CommandPosition,
} from '../rules/book/state.js';
import { buy, entry, seedEntry } from '../rules/testing/batches.js';
import { BookStore } from './store.js';
import { baseAt } from '../testing/books.js';
import { withFolder } from '../testing/folders.js';
import { applyTo, bookOf, fillStore, openStore } from '../testing/stores.js';

/** Number of disk look-ups for these keys. */
function lookUpsFor(store: BookStore, keys: readonly string[]): number {
  const before = store.keyLookUps;
  for (const key of keys) store.positionOf(key);
  return store.keyLookUps - before;
}

/** A copy of the book's current records. */
async function copied(from: BookStore, path: string): Promise<BookStore> {
  const view = from.view();
  const to = await BookStore.create(path, '2');
  const records: BookRecord[] = [];
  for await (const record of view.records()) if (!isLocalRecord(record[0])) records.push(record);
  await to.put(records);
  await view.close();
  return to;
}

function put(key: string): BookWrite {
  return { table: 'key', key, value: { seq: 1, position: 0 } };
}

function metaOf(keys: number): BookMeta {
  return { ...EMPTY_META, keys };
}

function meta(keys: number): BookWrite {
  return { table: 'meta', value: metaOf(keys) };
}

const NOW = 0x0123_4567_89a0;
const ABSENT = Array.from({ length: 100 }, (_, i) => `absent-${i}`);

test('apply in a new book: new keys need no disk look-up, a repeated key needs one', async () => {
  await withFolder(async (path) => {
    const opened = await openStore(path);
    const { store } = opened;
    const book = bookOf(opened);
    await applyTo(store, book, [seedEntry(1)]);
    for (let index = 2; index <= 11; index += 1)
      await applyTo(store, book, [entry(index, [buy(`a${index}`), buy(`b${index}`)])]);
    assert.is(store.keyLookUps, 0);
    assert.is(book.apply([entry(12, [buy('a2'), buy('new')])])[0]?.skip[0], 0);
    assert.is(store.keyLookUps, 1);
    await store.close();
  });
});

test('place in a reopened book looks every key up until check, then only keys that may exist', async () => {
  await withFolder(async (path) => {
    const { store: first } = await openStore(path);
    await first.write([{ table: 'key', key: 'before', value: { seq: 1, position: 0 } }, meta(1)]);
    await first.close();
    const { store } = await openStore(path);
    assert.is(lookUpsFor(store, ABSENT), ABSENT.length);
    await store.check();
    assert.is(lookUpsFor(store, ABSENT), 0);
    assert.equal(store.positionOf('before'), { seq: 1, position: 0 });
    await store.close();
  });
});

test('check with concurrent writes: added keys are found afterwards, deleted ones are not', async () => {
  await withFolder(async (path) => {
    const { store: first } = await openStore(path);
    const names = Array.from({ length: 5000 }, (_, i) => `k${i}`);
    await first.write([...names.map((key) => put(key)), meta(names.length)]);
    await first.close();
    const { store } = await openStore(path);
    await store.write([put('early'), meta(names.length + 1)]);
    let paces = 0;
    await store.check(async () => {
      paces += 1;
      assert.is(lookUpsFor(store, ABSENT), ABSENT.length, 'a partial filter rules nothing out');
      await store.write([put(`amid-${paces}`), { table: 'key', key: `k${paces}`, value: null }]);
    });
    assert.ok(paces >= 2);
    assert.is(lookUpsFor(store, ABSENT), 0);
    for (const key of [...names.slice(paces + 1), 'early', 'amid-1', 'amid-2'])
      assert.ok(store.positionOf(key));
    assert.is(store.positionOf('k1'), null);
    await store.close();
  });
});

test('check that detects damage leaves every key to be looked up', async () => {
  await withFolder(async (path) => {
    const { store: first } = await openStore(path);
    await first.write([put('a'), meta(2)]);
    await first.close();
    const { store } = await openStore(path);
    const failed = await store.check().then(
      () => false,
      () => true,
    );
    assert.ok(failed);
    assert.is(lookUpsFor(store, ABSENT), ABSENT.length);
    await store.close();
  });
});

test('place in a book from a snapshot needs no disk look-up for unknown keys', async () => {
  await withFolder(async (path) => {
    const { store } = await openStore(join(path, 'a'));
    await store.write([put('a'), put('b'), meta(2)]);
    const copy = await copied(store, join(path, 'b'));
    assert.is(lookUpsFor(copy, ABSENT), 0);
    assert.ok(copy.positionOf('a') !== null && copy.positionOf('b') !== null);
    await copy.close();
    await store.close();
  });
});

test('keys of one millisecond are found after write, snapshot and reopen, and not after they were deleted', async () => {
  await withFolder(async (path) => {
    const { store } = await openStore(join(path, 'a'));
    const keys = Array.from({ length: 120 }, () => generateKey(NOW));
    const positions = keys.map((_, i): CommandPosition => ({
      seq: 1 + Math.floor(i / 100),
      position: i % 100,
    }));
    const writes = keys.map((key, i): BookWrite => ({ table: 'key', key, value: positions[i] ?? null }));
    for (const [from, to] of [
      [0, 40],
      [40, keys.length],
    ] as const)
      await store.write([...writes.slice(from, to), meta(to)]);
    await store.check();
    const copy = await copied(store, join(path, 'b'));
    await copy.complete({ cluster: 'test', id: '1' }, metaOf(keys.length), baseAt(1));
    await store.close();
    const { store: again } = await openStore(join(path, 'a'));
    const fresh = Array.from({ length: 100 }, () => generateKey(NOW));
    for (const book of [again, copy]) {
      keys.forEach((key, i) => assert.equal(book.positionOf(key), positions[i]));
      for (const key of fresh) assert.is(book.positionOf(key), null);
    }
    assert.is(lookUpsFor(copy, fresh), 0);
    const deleted = [keys[0], keys[50], keys[115]] as readonly string[];
    await again.write([
      ...deleted.map((key): BookWrite => ({ table: 'key', key, value: null })),
      meta(keys.length - deleted.length),
    ]);
    await again.check();
    for (const key of keys) assert.is(again.positionOf(key) === null, deleted.includes(key));
    // In one write, delete a key and add it again.
    const back = keys[1] ?? '';
    await again.write([
      { table: 'key', key: back, value: null },
      { table: 'key', key: back, value: { seq: 9, position: 9 } },
    ]);
    await again.check();
    assert.equal(again.positionOf(back), { seq: 9, position: 9 });
    await again.write([{ table: 'key', key: back, value: null }, meta(keys.length - deleted.length - 1)]);
    await again.check();
    assert.is(again.positionOf(back), null);
    await again.close();
    await copy.close();
  });
});

test('apply reads the first batch once, not for every expiry check', async () => {
  await withFolder(async (path) => {
    await fillStore(path, [seedEntry(1), entry(2, [buy('a')])]);
    const { store: again, meta: kept, stocks } = await openStore(path);
    const read: number[] = [];
    const reader: BookReader = {
      positionOf: (key) => again.positionOf(key),
      batch: (seq) => {
        read.push(seq);
        return again.batch(seq);
      },
    };
    const book = new Book(reader, kept, stocks);
    for (let index = 3; index < 10; index += 1)
      await applyTo(again, book, [entry(index, [buy(`k${index}`)])]);
    assert.equal(read, [1]);
    await again.close();
  });
});

/** Keys of the form that `generateKey` gives, of two times. */
const TIMED_KEY = fc.nat({ max: 15 }).map((n) => `01234567-89${n % 2}0-7000-8000-0123456789${10 + n}`);
const SOME_KEY = fc.oneof(
  { arbitrary: fc.nat({ max: 20 }).map((n) => `k${n}`), weight: 4 },
  { arbitrary: TIMED_KEY, weight: 4 },
  { arbitrary: fc.string({ unit: 'binary', minLength: 1, maxLength: 4 }), weight: 1 },
);
const STEP = fc.oneof(
  {
    arbitrary: fc.record({ do: fc.constant('put' as const), keys: fc.array(SOME_KEY, { maxLength: 8 }) }),
    weight: 6,
  },
  {
    arbitrary: fc.record({ do: fc.constant('delete' as const), keys: fc.array(SOME_KEY, { maxLength: 4 }) }),
    weight: 3,
  },
  {
    arbitrary: fc.record({ do: fc.constantFrom('reopen', 'check', 'checkAmidPuts', 'snapshot') }),
    weight: 3,
  },
);

test('random puts, deletes, checks, reopens and snapshots: place finds exactly the keys that exist', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(STEP, { maxLength: 25 }), async (steps) => {
      await withFolder(async (path) => {
        let folder = 0;
        let { store } = await openStore(join(path, '0'));
        /** By a key's bytes on disk, which two texts may share. */
        const existing = new Set<string>();
        const asStored = (key: string): string => Buffer.from(key).toString('latin1');
        const asked = new Set(ABSENT.slice(0, 10));
        const change = async (keys: readonly string[], value: CommandPosition | null): Promise<void> => {
          const writes: BookWrite[] = [];
          for (const key of keys) {
            asked.add(key);
            // An existing key is not added again.
            if (value !== null && existing.has(asStored(key))) continue;
            if (value === null) existing.delete(asStored(key));
            else existing.add(asStored(key));
            writes.push({ table: 'key', key, value });
          }
          await store.write([...writes, meta(existing.size)]);
        };
        for (const step of steps) {
          if (step.do === 'put' && 'keys' in step) await change(step.keys, { seq: 1, position: 0 });
          else if (step.do === 'delete' && 'keys' in step) await change(step.keys, null);
          else if (step.do === 'check') await store.check();
          else if (step.do === 'checkAmidPuts') {
            const checked = store.check();
            await change(['amid', 'k1'], { seq: 1, position: 0 });
            await checked;
          } else if (step.do === 'reopen') {
            await store.close();
            ({ store } = await openStore(join(path, String(folder))));
          } else {
            folder += 1;
            const copy = await copied(store, join(path, String(folder)));
            await copy.complete({ cluster: 'test', id: '1' }, metaOf(existing.size), baseAt(1));
            await store.close();
            store = copy;
          }
          for (const key of asked)
            assert.is(store.positionOf(key) !== null, existing.has(asStored(key)), key);
        }
        await store.close();
      });
    }),
    { numRuns: 40 },
  );
});

test.run();
