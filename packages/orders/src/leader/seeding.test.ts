/** Seeding of a new cluster: by the rules alone, and on a real replica. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { decodeBatch, SEED_PART_STOCKS_MAX, type SeedPart, type SeedStock } from '@trireme/domain';
import { RaftError, type RaftErrorCode } from '@trireme/raft';
import { createLog } from '@trireme/service';
import { seedHash } from '@trireme/state-machine';
import type { Book } from '../rules/book/book.js';
import { isSeeded } from '../rules/book/state.js';
import { STOCKS, buy, seedEntry, toEntry } from '../rules/testing/batches.js';
import { MemoryStore } from '../rules/testing/memory-store.js';
import { Seeder, newClusterLife } from './seeding.js';
import { withFolder } from '../testing/folders.js';
import { TestReplica, until } from '../testing/test-replica.js';
import { startSingleNode } from '../testing/single-node.js';

const LOG = createLog({ service: 'test', id: '1', level: 'silent' });

const CATALOGS: readonly string[] = ['catalog-1', 'catalog-2'];

function stocksOf(count: number): readonly SeedStock[] {
  return Array.from({ length: count }, (_, i) => ({ name: `S${i}`, price: 100 + i, quantity: i }));
}

/** A log in memory, with a book that applies it on request. */
class SeedingFixture {
  readonly book: Book = new MemoryStore().open();
  readonly log: Uint8Array[] = [];
  /** The life of the other folder. */
  otherLife: string | null = null;
  refuse: RaftErrorCode | null = null;
  refusals = 0;

  /** Starts to lead. */
  lead(stocks: readonly SeedStock[], catalogs = CATALOGS): Seeder {
    const propose = (data: Uint8Array): { index: number; term: number } => {
      if (this.refuse !== null) {
        this.refusals += 1;
        throw new RaftError(this.refuse, 'refused by the test');
      }
      return { index: this.log.push(data), term: 1 };
    };
    return new Seeder({
      node: { propose },
      stocks,
      catalogs,
      log: LOG,
      meta: () => this.book.meta,
      isOfOther: (life) => life === this.otherLife,
      newLife: newClusterLife,
      now: () => 5,
      wallClock: () => 7,
    });
  }

  apply(): void {
    const { applied } = this.book.meta;
    this.book.apply(this.log.slice(applied).map((bytes, i) => toEntry(applied + 1 + i, bytes)));
  }

  /** The catalog set in each entry. */
  get catalogs(): readonly (readonly string[] | undefined)[] {
    return this.log.map((bytes) => decodeBatch(bytes).catalogs);
  }

  get parts(): readonly (SeedPart | null)[] {
    return this.log.map((bytes) => decodeBatch(bytes).seed);
  }
}

test('advance logs the seed part by part, each once the previous one was applied', () => {
  const fixture = new SeedingFixture();
  const stocks = stocksOf(2 * SEED_PART_STOCKS_MAX + 1);
  const seeding = fixture.lead(stocks);
  for (const count of [1, 2, 3]) {
    assert.is(fixture.log.length, count);
    seeding.advance();
    assert.is(fixture.log.length, count, 'not twice');
    assert.is(isSeeded(fixture.book.meta), false);
    fixture.apply();
    seeding.advance();
  }
  assert.equal([fixture.log.length, isSeeded(fixture.book.meta)], [3, true]);
  assert.equal(
    fixture.parts.map((seed) => [seed?.part, seed?.parts, seed?.stocks.length]),
    [
      [0, 3, SEED_PART_STOCKS_MAX],
      [1, 3, SEED_PART_STOCKS_MAX],
      [2, 3, 1],
    ],
  );
  assert.is(new Set(fixture.parts.map((seed) => seed?.life)).size, 1);
  assert.is(fixture.book.meta.seedHash, seedHash(stocks));
  const { age, time, commands } = decodeBatch(fixture.log[2] ?? new Uint8Array());
  assert.equal([age, time, commands], [0, 7, []]);
});

test('the catalog set is logged with the first seed part, and an existing set is never replaced', () => {
  const fixture = new SeedingFixture();
  const first = fixture.lead(stocksOf(SEED_PART_STOCKS_MAX + 1));
  fixture.apply();
  first.advance();
  fixture.apply();
  assert.equal(fixture.catalogs, [CATALOGS, undefined]);
  assert.equal([fixture.book.meta.catalogs, fixture.book.meta.catalogsIndex], [CATALOGS, 1]);

  const takenOver = new SeedingFixture();
  takenOver.lead(stocksOf(SEED_PART_STOCKS_MAX + 1), ['catalog-7']).stop();
  takenOver.apply();
  takenOver.lead(STOCKS);
  takenOver.apply();
  assert.equal(
    [takenOver.catalogs, takenOver.book.meta.catalogs, isSeeded(takenOver.book.meta)],
    [[['catalog-7'], undefined], ['catalog-7'], true],
  );

  const none = new SeedingFixture();
  none.lead(STOCKS, []);
  none.apply();
  assert.equal([none.book.meta.catalogs, none.book.meta.catalogsIndex], [[], 1]);
});

test('an empty seed is logged as one part', () => {
  const fixture = new SeedingFixture();
  fixture.lead([]);
  fixture.apply();
  assert.equal([fixture.log.length, isSeeded(fixture.book.meta), fixture.book.meta.stocks], [1, true, 0]);
});

test('a leader that takes over during the seed starts with part 0 of a new life', () => {
  const fixture = new SeedingFixture();
  const first = fixture.lead(stocksOf(SEED_PART_STOCKS_MAX + 1));
  fixture.apply();
  first.advance();
  first.stop();
  // The late part of the first leader is committed after the first part of its successor.
  const own = stocksOf(SEED_PART_STOCKS_MAX + 2);
  const late = fixture.log.splice(1, 1);
  const second = fixture.lead(own);
  fixture.log.push(...late);
  fixture.apply();
  first.advance();
  second.advance();
  fixture.apply();
  second.advance();
  assert.equal(
    fixture.parts.map((seed) => seed?.part),
    [0, 0, 1, 1],
    'a stopped instance logs nothing',
  );
  assert.is.not(fixture.parts[0]?.life, fixture.parts[1]?.life);
  const { life, seedHash: hash, stocks } = fixture.book.meta;
  assert.equal([life, hash, stocks], [fixture.parts[1]?.life, seedHash(own), own.length]);
});

test('advance retries a refused part, unless stopped', async () => {
  const fixture = new SeedingFixture();
  fixture.refuse = 'OVERLOADED';
  const seeding = fixture.lead(STOCKS);
  await until(() => fixture.refusals >= 2, 'a retry');
  fixture.refuse = null;
  await until(() => fixture.log.length === 1, 'the part');
  fixture.apply();
  seeding.advance();
  assert.is(isSeeded(fixture.book.meta), true);

  const over = new SeedingFixture();
  over.refuse = 'OVERLOADED';
  over.lead(STOCKS).stop();
  over.refuse = null;
  await new Promise((resolve) => setTimeout(resolve, 200));
  assert.is(over.log.length, 0);
});

test('on a copy advance logs a new life, once, which changes the hash', () => {
  const fixture = new SeedingFixture();
  fixture.lead(STOCKS);
  fixture.apply();
  const { life, hash } = fixture.book.meta;
  fixture.otherLife = life;
  const seeding = fixture.lead(STOCKS);
  seeding.advance();
  assert.is(fixture.log.length, 2);
  fixture.apply();
  seeding.advance();
  assert.is(fixture.log.length, 2);
  const { meta } = fixture.book;
  assert.match(meta.life, /^[0-9a-f]{16}$/);
  assert.not.equal([meta.life, meta.hash], [life, hash]);
  assert.is(meta.life === life || meta.hash === hash, false);
  assert.is(meta.stocks, STOCKS.length);
});

async function withReplica(run: (replica: TestReplica, data: string) => Promise<void>): Promise<void> {
  await withFolder(async (data) => {
    const replica = new TestReplica(data);
    replica.catalog.start();
    try {
      await run(replica, data);
      assert.equal(replica.fatals, []);
    } finally {
      await replica.close();
    }
  });
}

test('orders submitted before the seed is complete wait for it, and the catalog receives the whole seed', async () => {
  await withReplica(async (replica) => {
    replica.seed = stocksOf(2 * SEED_PART_STOCKS_MAX + 1);
    const frontend = await replica.startLinked();
    await until(() => replica.status['role'] === 'leader', 'its election');
    const last = `S${2 * SEED_PART_STOCKS_MAX}`;
    const [id = 0] = frontend.submit({ ...buy('early'), name: last });
    assert.equal((await frontend.submitted(id)).slice(1), ['filled', 1, 2100]);
    assert.equal(
      replica.catalog.frames.flatMap((frame) => (frame.t === 'snapshot' ? [[frame.part, frame.parts]] : [])),
      [
        [0, 3],
        [1, 3],
        [2, 3],
      ],
    );
    assert.is(replica.catalog.rules.quantity(last), 2 * SEED_PART_STOCKS_MAX - 1);
    assert.equal(replica.seedHashes, [seedHash(replica.seed)]);
    await until(() => replica.status['stocks'] === replica.seed.length, 'the stocks on disk');
  });
});

test('restart with another seed ignores it and reports the seed of the cluster', async () => {
  await withReplica(async (replica) => {
    const first = await replica.start();
    await first.place(buy('a', 10));
    const { life } = replica.status;
    await replica.stop();
    const before = seedHash(replica.seed);
    replica.seed = [{ name: 'OTHER', price: 1, quantity: 1 }];
    const again = await replica.start();
    assert.equal((await again.place({ ...buy('b'), name: 'OTHER' })).slice(1), [
      'rejected',
      'STOCK_NOT_FOUND',
    ]);
    assert.equal((await again.place(buy('c', 91))).slice(1), ['rejected', 'INSUFFICIENT_STOCK']);
    assert.equal([replica.status['life'], replica.seedHashes], [life, [before, before]]);
  });
});

/** Runs a replica until it has logged only a part of its seed. */
async function interrupted(data: string, isStored: boolean): Promise<void> {
  const { node, machine } = await startSingleNode(data);
  await machine.flush();
  if (!isStored) machine.store.write = async () => new Promise<never>(() => undefined);
  const half = stocksOf(SEED_PART_STOCKS_MAX);
  await node.submit(seedEntry(1, half, { life: 'c0'.repeat(8), parts: 2 }).bytes);
  await node.stop();
  if (isStored) await machine.close();
  else await machine.store.close();
}

for (const isStored of [true, false]) {
  test(`restart in the middle of the seed starts it again, ${isStored ? 'from the book' : 'from the log'}`, async () => {
    await withReplica(async (replica, data) => {
      await interrupted(data, isStored);
      const frontend = await replica.start();
      assert.equal((await frontend.place(buy('a'))).slice(1), ['filled', 1, 1001]);
      assert.equal((await frontend.place({ ...buy('b'), name: 'S7' })).slice(1), [
        'rejected',
        'STOCK_NOT_FOUND',
      ]);
      await until(() => replica.status['orders'] === 1 && replica.status['stocks'] === 1, 'the book on disk');
      assert.is.not(replica.status['life'], 'c0'.repeat(8));
      assert.equal(replica.seedHashes, [seedHash(replica.seed)]);
      await replica.stop();
      const again = await replica.start();
      assert.equal((await again.place(buy('a'))).slice(1), ['filled', 1, 1001]);
      assert.is(replica.status['stocks'], 1);
    });
  });
}

test.run();
