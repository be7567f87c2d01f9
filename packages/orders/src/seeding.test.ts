/** How a new cluster comes to its stocks: the leader that logs them, and a replica as a process runs it. */
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { decodeBatch, SEED_PART_STOCKS_MAX, type SeedPart, type SeedStock } from '@trireme/domain';
import { LevelLog, RaftError, RaftNode, type RaftErrorCode } from '@trireme/raft';
import { createLog } from '@trireme/service';
import { seedHash } from '@trireme/state-machine';
import { openBook } from './open-book.js';
import type { Book } from './rules/book.js';
import { isSeeded } from './rules/state.js';
import { STOCKS, buy, seeding as seedEntry, toEntry } from './rules/testing/batches.js';
import { MemoryStore } from './rules/testing/memory-store.js';
import { Seeding, newLife } from './seeding.js';
import { withFolder } from './testing/folders.js';
import { Rig, until } from './testing/rig.js';
import { SILENT } from './testing/silent-transport.js';

const LOG = createLog({ service: 'test', id: '1', level: 'silent' });

const CATALOGS: readonly string[] = ['catalog-1', 'catalog-2'];

function stocksOf(count: number): readonly SeedStock[] {
  return Array.from({ length: count }, (_, i) => ({ name: `S${i}`, price: 100 + i, quantity: i }));
}

/** A log in memory, with a book that applies it when the test says so. */
class Bench {
  readonly book: Book = new MemoryStore().open();
  readonly log: Uint8Array[] = [];
  /** The life that another folder has. */
  otherLife: string | null = null;
  refuse: RaftErrorCode | null = null;
  refusals = 0;

  /** A replica begins to lead. */
  lead(stocks: readonly SeedStock[], catalogs = CATALOGS): Seeding {
    const propose = (data: Uint8Array): { index: number; term: number } => {
      if (this.refuse !== null) {
        this.refusals += 1;
        throw new RaftError(this.refuse, 'refused by the test');
      }
      return { index: this.log.push(data), term: 1 };
    };
    return new Seeding({
      ...{ node: { propose }, stocks, catalogs, log: LOG },
      meta: () => this.book.meta,
      isOfOther: (life) => life === this.otherLife,
      newLife,
      now: () => 5,
      wallClock: () => 7,
    });
  }

  apply(): void {
    const { applied } = this.book.meta;
    this.book.apply(this.log.slice(applied).map((bytes, i) => toEntry(applied + 1 + i, bytes)));
  }

  /** The set that each entry names. */
  get catalogs(): readonly (readonly string[] | undefined)[] {
    return this.log.map((bytes) => decodeBatch(bytes).catalogs);
  }

  get parts(): readonly (SeedPart | null)[] {
    return this.log.map((bytes) => decodeBatch(bytes).seed);
  }
}

test('a seed is logged part by part, each once the one before was applied', () => {
  const bench = new Bench();
  const stocks = stocksOf(2 * SEED_PART_STOCKS_MAX + 1);
  const seeding = bench.lead(stocks);
  for (const count of [1, 2, 3]) {
    assert.is(bench.log.length, count);
    seeding.advance();
    assert.is(bench.log.length, count, 'not twice');
    assert.is(isSeeded(bench.book.meta), false);
    bench.apply();
    seeding.advance();
  }
  assert.equal([bench.log.length, isSeeded(bench.book.meta)], [3, true]);
  assert.equal(
    bench.parts.map((seed) => [seed?.part, seed?.parts, seed?.stocks.length]),
    [
      [0, 3, SEED_PART_STOCKS_MAX],
      [1, 3, SEED_PART_STOCKS_MAX],
      [2, 3, 1],
    ],
  );
  assert.is(new Set(bench.parts.map((seed) => seed?.life)).size, 1);
  assert.is(bench.book.meta.seedHash, seedHash(stocks));
  const { age, time, commands } = decodeBatch(bench.log[2] ?? new Uint8Array());
  assert.equal([age, time, commands], [0, 7, []]);
});

test('the set of catalogs is logged with the first part of the seed, and a set that is there is never replaced', () => {
  const bench = new Bench();
  const first = bench.lead(stocksOf(SEED_PART_STOCKS_MAX + 1));
  bench.apply();
  first.advance();
  bench.apply();
  assert.equal(bench.catalogs, [CATALOGS, undefined]);
  assert.equal([bench.book.meta.catalogs, bench.book.meta.catalogsIndex], [CATALOGS, 1]);

  const takenOver = new Bench();
  takenOver.lead(stocksOf(SEED_PART_STOCKS_MAX + 1), ['catalog-7']).stop();
  takenOver.apply();
  takenOver.lead(STOCKS);
  takenOver.apply();
  assert.equal(
    [takenOver.catalogs, takenOver.book.meta.catalogs, isSeeded(takenOver.book.meta)],
    [[['catalog-7'], undefined], ['catalog-7'], true],
  );

  const none = new Bench();
  none.lead(STOCKS, []);
  none.apply();
  assert.equal([none.book.meta.catalogs, none.book.meta.catalogsIndex], [[], 1]);
});

test('an empty seed is one part', () => {
  const bench = new Bench();
  bench.lead([]);
  bench.apply();
  assert.equal([bench.log.length, isSeeded(bench.book.meta), bench.book.meta.stocks], [1, true, 0]);
});

test('a leader that takes over in the middle begins with part 0 of a life of its own', () => {
  const bench = new Bench();
  const first = bench.lead(stocksOf(SEED_PART_STOCKS_MAX + 1));
  bench.apply();
  first.advance();
  first.stop();
  // Its last part is committed only now, behind the one of its successor, or ahead of it.
  const own = stocksOf(SEED_PART_STOCKS_MAX + 2);
  const late = bench.log.splice(1, 1);
  const second = bench.lead(own);
  bench.log.push(...late);
  bench.apply();
  first.advance();
  second.advance();
  bench.apply();
  second.advance();
  assert.equal(
    bench.parts.map((seed) => seed?.part),
    [0, 0, 1, 1],
    'one that is over logs nothing',
  );
  assert.is.not(bench.parts[0]?.life, bench.parts[1]?.life);
  const { life, seedHash: hash, stocks } = bench.book.meta;
  assert.equal([life, hash, stocks], [bench.parts[1]?.life, seedHash(own), own.length]);
});

test('a part that is refused for load is logged later; not by a leader that is one no more', async () => {
  const bench = new Bench();
  bench.refuse = 'OVERLOADED';
  const seeding = bench.lead(STOCKS);
  await until(() => bench.refusals >= 2, 'it to try again');
  bench.refuse = null;
  await until(() => bench.log.length === 1, 'the part');
  bench.apply();
  seeding.advance();
  assert.is(isSeeded(bench.book.meta), true);

  const over = new Bench();
  over.refuse = 'OVERLOADED';
  over.lead(STOCKS).stop();
  over.refuse = null;
  await new Promise((resolve) => setTimeout(resolve, 200));
  assert.is(over.log.length, 0);
});

test('the leader on a copy logs a new life, once, and the hash tells it from the life before', () => {
  const bench = new Bench();
  bench.lead(STOCKS);
  bench.apply();
  const { life, hash } = bench.book.meta;
  bench.otherLife = life;
  const seeding = bench.lead(STOCKS);
  seeding.advance();
  assert.is(bench.log.length, 2);
  bench.apply();
  seeding.advance();
  assert.is(bench.log.length, 2);
  const { meta } = bench.book;
  assert.match(meta.life, /^[0-9a-f]{16}$/);
  assert.not.equal([meta.life, meta.hash], [life, hash]);
  assert.is(meta.life === life || meta.hash === hash, false);
  assert.is(meta.stocks, STOCKS.length);
});

async function withRig(run: (rig: Rig, data: string) => Promise<void>): Promise<void> {
  await withFolder(async (data) => {
    const rig = new Rig(data);
    rig.catalog.up();
    try {
      await run(rig, data);
      assert.equal(rig.fatals, []);
    } finally {
      await rig.close();
    }
  });
}

test('orders that come before the seed is complete wait for it, and the catalog gets all of it', async () => {
  await withRig(async (rig) => {
    rig.seed = stocksOf(2 * SEED_PART_STOCKS_MAX + 1);
    const frontend = await rig.startLinked();
    await until(() => rig.status['role'] === 'leader', 'its election');
    const last = `S${2 * SEED_PART_STOCKS_MAX}`;
    const [id = 0] = frontend.submit({ ...buy('early'), name: last });
    assert.equal((await frontend.submitted(id)).slice(1), ['filled', 1, 2100]);
    assert.equal(
      rig.catalog.frames.flatMap((frame) => (frame.t === 'snapshot' ? [[frame.part, frame.parts]] : [])),
      [
        [0, 3],
        [1, 3],
        [2, 3],
      ],
    );
    assert.is(rig.catalog.rules.quantity(last), 2 * SEED_PART_STOCKS_MAX - 1);
    assert.equal(rig.seedHashes, [seedHash(rig.seed)]);
    await until(() => rig.status['stocks'] === rig.seed.length, 'the stocks on disk');
  });
});

test('another seed counts for nothing in the next life, and it says what the cluster was seeded with', async () => {
  await withRig(async (rig) => {
    const first = await rig.start();
    await first.place(buy('a', 10));
    const { life } = rig.status;
    await rig.stop();
    const before = seedHash(rig.seed);
    rig.seed = [{ name: 'OTHER', price: 1, quantity: 1 }];
    const again = await rig.start();
    assert.equal((await again.place({ ...buy('b'), name: 'OTHER' })).slice(1), [
      'rejected',
      'STOCK_NOT_FOUND',
    ]);
    assert.equal((await again.place(buy('c', 91))).slice(1), ['rejected', 'INSUFFICIENT_STOCK']);
    assert.equal([rig.status['life'], rig.seedHashes], [life, [before, before]]);
  });
});

/** A life of the replica that ends when it has logged only a part of its seed */
async function interrupted(data: string, isStored: boolean): Promise<void> {
  const storage = await LevelLog.open({ path: join(data, 'log'), cluster: 'test', id: '1' });
  const failed = (error: unknown): never => {
    throw error;
  };
  const events = { applied: () => undefined, stored: () => undefined, failed };
  const machine = await openBook({ data, cluster: 'test', id: '1', events });
  const node = await RaftNode.start({
    ...{ id: '1', members: ['1'], storage, transport: SILENT, machine, onFatal: failed },
  });
  await until(() => node.status().leading, 'the lead');
  await machine.flush();
  if (!isStored) machine.store.write = async () => new Promise<never>(() => undefined);
  const half = stocksOf(SEED_PART_STOCKS_MAX);
  await node.submit(seedEntry(1, half, { life: 'c0'.repeat(8), parts: 2 }).bytes);
  await node.stop();
  if (isStored) await machine.close();
  else await machine.store.close();
}

for (const isStored of [true, false]) {
  test(`a replica that restarts in the middle of the seed begins it again, ${isStored ? 'from its book' : 'from its log'}`, async () => {
    await withRig(async (rig, data) => {
      await interrupted(data, isStored);
      const frontend = await rig.start();
      assert.equal((await frontend.place(buy('a'))).slice(1), ['filled', 1, 1001]);
      assert.equal((await frontend.place({ ...buy('b'), name: 'S7' })).slice(1), [
        'rejected',
        'STOCK_NOT_FOUND',
      ]);
      await until(() => rig.status['orders'] === 1 && rig.status['stocks'] === 1, 'the book on disk');
      assert.is.not(rig.status['life'], 'c0'.repeat(8));
      assert.equal(rig.seedHashes, [seedHash(rig.seed)]);
      await rig.stop();
      const again = await rig.start();
      assert.equal((await again.place(buy('a'))).slice(1), ['filled', 1, 1001]);
      assert.is(rig.status['stocks'], 1);
    });
  });
}

test.run();
