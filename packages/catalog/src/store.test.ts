/** The store on a real disk: what was written is there again, and damage is found wherever it is. */
import { cp, copyFile, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { pack, type Stock } from '@trireme/domain';
import { Level } from 'level';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { identityRecord, outcomesRecord, standingRecord, stockRecord, type StoredRecord } from './records.js';
import type { CatalogWrite } from './rules/round.js';
import { CatalogStore } from './store.js';
import { StoreError, type StoreErrorCode } from './store-error.js';

const SEED: readonly Stock[] = ['A', 'B', 'C'].map((name) => ({ name, price: 100, quantity: 9, version: 0 }));

const WRITE: CatalogWrite = {
  lastIndex: 4,
  settled: 1,
  stocks: [
    { name: 'A', price: 100, quantity: 8, version: 4 },
    { name: 'N', price: 7, quantity: 0, version: 3 },
  ],
  outcomes: [
    [3, [0, null]],
    [4, [100, -2]],
  ],
  forgotten: [],
};

const IDENTITY = identityRecord({ cluster: 'test', life: 'l1', folder: '0:0' });

test('what was written is there when the store is opened again', async () => {
  await inFolder(async (folder) => {
    const store = await open(folder);
    assert.ok(store.fresh);
    assert.equal(contents(store), { lastIndex: 0, settled: 0, stocks: SEED, outcomes: [] });
    await store.write(WRITE);
    await store.write({
      ...WRITE,
      lastIndex: 300,
      settled: 3,
      stocks: [],
      outcomes: [[300, []]],
      forgotten: [3],
    });
    await store.close();
    const again = await open(folder);
    assert.not.ok(again.fresh);
    assert.equal(contents(again), {
      lastIndex: 300,
      settled: 3,
      stocks: [WRITE.stocks[0], SEED[1], SEED[2], WRITE.stocks[1]],
      outcomes: [
        [4, [100, -2]],
        [300, []],
      ],
    });
    await again.write({ ...WRITE, lastIndex: 301, outcomes: [], stocks: [], forgotten: [4, 300] });
    await again.close();
    const third = await open(folder);
    assert.equal(contents(third)['outcomes'], []);
    await third.close();
  });
});

test('a folder whose seeding did not reach the disk is seeded', async () => {
  await inFolder(async (folder) => {
    await new Level(folder).close();
    const store = await open(folder);
    assert.ok(store.fresh);
    await store.close();
  });
});

test('a folder that another process has open, or of another cluster or format, is refused', async () => {
  await inFolder(async (folder) => {
    const store = await open(folder);
    await refused(folder, 'LOCKED', /another process/);
    await store.close();
    await refused(folder, 'OTHER_CLUSTER', /belongs to cluster "test", not "other"/, 'other');
    await rewrite(folder, [sealed(IDENTITY, [2, 'test'])]);
    await refused(folder, 'OTHER_FORMAT', /format 2, this program reads 1/);
  });
});

test('a store keeps its life; a copy of its folder, and a store of before it was recorded, take one of their own', async () => {
  await inFolder(async (parent) => {
    const [folder, copy] = [join(parent, 'catalog'), join(parent, 'copy')];
    const lifeOf = async (path: string): Promise<string> => {
      const store = await open(path);
      await store.close();
      return store.life;
    };
    const life = await lifeOf(folder);
    assert.match(life, /^[0-9a-f]{16}$/);
    assert.is(await lifeOf(folder), life);
    await cp(folder, copy, { recursive: true });
    const other = await lifeOf(copy);
    assert.is.not(other, life);
    assert.is(await lifeOf(copy), other);
    assert.is(await lifeOf(folder), life);
    await rewrite(folder, [sealed(IDENTITY, [1, 'test'])]);
    const made = await lifeOf(folder);
    assert.is.not(made, life);
    assert.is(await lifeOf(folder), made);
  });
});

test('a folder that cannot be a folder is refused', async () => {
  await inFolder(async (folder) => {
    await writeFile(join(folder, 'file'), '');
    await refused(join(folder, 'file', 'store'), 'OPEN_FAILED', /cannot be opened/);
  });
});

test('each record of a kind that is lost, older, cut off, damaged or misplaced is named', async () => {
  await inFolder(async (folder) => {
    const store = await open(folder);
    await store.write(WRITE);
    await store.close();
    const a = stockRecord({ name: 'A', price: 100, quantity: 8, version: 4 });
    const outcomes = outcomesRecord(4, [100, -2]);
    const cases: readonly (readonly [RegExp, StoredRecord, Buffer | null])[] = [
      [/stock records 3, .* says 4/, a, null],
      [/outcome records 1, .* says 2/, outcomes, null],
      [/sum of checksums/, a, stockRecord({ name: 'A', price: 100, quantity: 9, version: 0 }).value],
      [/record stock A .* checksum/, a, flipped(a.value)],
      [/record stock A .* cut off/, a, a.value.subarray(0, 3)],
      [/record stock A .* checksum/, a, outcomes.value],
      [/record outcomes 4 .* checksum/, outcomes, flipped(outcomes.value)],
      [/record outcomes 4 .* not valid/, outcomes, sealed(outcomes, ['x']).value],
      [/record identity .* missing/, IDENTITY, null],
      [/record standing .* missing/, standingRecord(STANDING), null],
      [/record standing .* not valid/, standingRecord(STANDING), sealed(standingRecord(STANDING), [1]).value],
      [/record stock A .* not valid/, a, sealed(a, ['', 1, 1, 1]).value],
    ];
    for (const [message, { key }, value] of cases) {
      const before = await rewrite(folder, [{ key, value }]);
      await refused(folder, 'DAMAGED', message);
      await rewrite(folder, before);
    }
    const stray = Buffer.from('x1');
    await rewrite(folder, [{ key: stray, value: sealed({ ...a, key: stray }, [1]).value }]);
    await refused(folder, 'DAMAGED', /record 7831 .* unknown/);
    await rewrite(folder, [{ key: stray, value: null }]);
    await (await open(folder)).close();
  });
});

test('a bit flipped anywhere in the log never gives wrong stock: it is refused, or an older whole state', async () => {
  await inFolder(async (folder) => {
    const states = [JSON.stringify({ lastIndex: 0, settled: 0, stocks: SEED, outcomes: [] })];
    const store = await open(folder);
    for (let index = 1; index <= 40; index++) {
      const stocks = SEED.map((stock) => ({
        ...stock,
        quantity: index + stock.name.charCodeAt(0),
        version: index,
      }));
      await store.write({
        lastIndex: index,
        settled: index - 1,
        stocks,
        outcomes: [[index, [100]]],
        forgotten: index > 1 ? [index - 1] : [],
      });
      states.push(
        JSON.stringify({ lastIndex: index, settled: index - 1, stocks, outcomes: [[index, [100]]] }),
      );
    }
    await store.close();
    const log = (await readdir(folder)).find((file) => file.endsWith('.log')) ?? '';
    const size = (await readFile(join(folder, log))).length;
    let found = 0;
    for (let offset = 3; offset < size; offset += Math.ceil(size / 60)) {
      await inFolder(async (copy) => {
        for (const file of await readdir(folder)) await copyFile(join(folder, file), join(copy, file));
        const bytes = await readFile(join(copy, log));
        bytes[offset] = (bytes[offset] ?? 0) ^ 0x10;
        await writeFile(join(copy, log), bytes);
        const opened = await open(copy).catch((error: unknown) => error);
        if (opened instanceof CatalogStore) {
          const state = JSON.stringify(contents(opened));
          await opened.close();
          assert.ok(states.slice(0, -1).includes(state), `damage at ${offset} gave a state that never was`);
        } else {
          assert.is(
            opened instanceof StoreError && opened.code,
            'DAMAGED',
            `damage at ${offset}: ${String(opened)}`,
          );
        }
        found += 1;
      });
    }
    assert.ok(found >= 55);
  });
});

test('a store that lost the file that names the current one is damaged, not new', async () => {
  await inFolder(async (folder) => {
    await (await open(folder)).close();
    await rm(join(folder, 'CURRENT'));
    await refused(folder, 'DAMAGED', /CURRENT is missing/);
  });
});

test('a write that fails is reported, and nothing is written after it', async () => {
  await inFolder(async (folder) => {
    const store = await open(folder);
    await store.close();
    const error = await store.write(WRITE).catch((reason: unknown) => reason);
    assert.ok(error instanceof Error);
    const next = await store.write(WRITE).catch((reason: unknown) => reason);
    assert.match(String(next), /none after one that failed/);
  });
});

const STANDING = { lastIndex: 0, settled: 0, stocks: 0, outcomeRecords: 0, sum: 0 };

async function inFolder(use: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'trireme-catalog-'));
  try {
    await use(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function open(folder: string, cluster = 'test'): Promise<CatalogStore> {
  return CatalogStore.open({ folder, cluster, seed: SEED });
}

async function refused(
  folder: string,
  code: StoreErrorCode,
  message: RegExp,
  cluster = 'test',
): Promise<void> {
  const opened = await open(folder, cluster).catch((error: unknown) => error);
  if (opened instanceof CatalogStore) await opened.close();
  assert.ok(opened instanceof StoreError, 'it must not open');
  assert.is(opened.code, code, opened.message);
  assert.match(opened.message, message);
}

function contents(store: CatalogStore): Record<string, unknown> {
  const { lastIndex, settled, stocks, outcomes } = store.state;
  return { lastIndex, settled, stocks: [...stocks], outcomes: [...outcomes] };
}

/** Writes behind the store's back; null deletes. Returns what stood there before. */
async function rewrite(
  folder: string,
  records: readonly { readonly key: Buffer; readonly value: Buffer | null }[],
): Promise<{ key: Buffer; value: Buffer | null }[]> {
  const database = new Level<Buffer, Buffer>(folder, { keyEncoding: 'buffer', valueEncoding: 'buffer' });
  const before: { key: Buffer; value: Buffer | null }[] = [];
  for (const { key, value } of records) {
    // A missing key gives undefined, whatever the type says.
    const [old] = await database.getMany([key]);
    before.push({ key, value: old ?? null });
    if (value === null) await database.del(key);
    else await database.put(key, value);
  }
  await database.close();
  return before;
}

/** The record with other content and a checksum that holds. */
function sealed({ key }: StoredRecord, content: readonly unknown[]): { key: Buffer; value: Buffer } {
  const payload = pack(content);
  const value = Buffer.alloc(4 + payload.length);
  value.writeUInt32BE(crc32(payload, crc32(key)));
  payload.copy(value, 4);
  return { key, value };
}

function flipped(bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes);
  copy[copy.length - 1] = (copy.at(-1) ?? 0) ^ 1;
  return copy;
}

test.run();
