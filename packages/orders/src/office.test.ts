/** The office on a node of the test's own, which says when what is logged and when it is applied. */
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { decodeBatch, type Batch, type CatalogToLeader, type LeaderToCatalog } from '@trireme/domain';
import { RaftError, makeEntry, type Entry, type RaftErrorCode } from '@trireme/raft';
import { createLog, type Link } from '@trireme/service';
import { BookMachine } from './machine.js';
import { Office } from './office.js';
import { Book } from './rules/book.js';
import type { Answer } from './rules/desk.js';
import { buy } from './rules/testing/batches.js';
import { ReferenceCatalog } from './rules/testing/reference-catalog.js';
import { BookStore } from './store.js';
import { withFolder } from './testing/folders.js';
import { until } from './testing/rig.js';

const LOG = createLog({ service: 'test', id: '1', level: 'silent' });

class Bench {
  readonly answers: Answer[] = [];
  readonly fatals: unknown[] = [];
  readonly proposed: Batch[] = [];
  readonly catalog = new ReferenceCatalog({ A: 100 });
  readonly office: Office;
  readonly store: BookStore;
  /** What the node answers to proposals and reads with, if not yes. */
  refuse: RaftErrorCode | null = null;
  refusals = 0;
  /** Writes of the book that were begun. */
  writes = 0;
  /** Ends the writes that were begun since `holdWrites`. */
  letWrite: () => void = () => undefined;
  #held: Promise<void> = Promise.resolve();
  readonly #machine: BookMachine;
  #unapplied: Entry[] = [];
  #index = 0;
  #frames: LeaderToCatalog[] = [];

  constructor(store: BookStore, book: Book) {
    this.store = store;
    const write = store.write.bind(store);
    store.write = async (writes) => {
      this.writes += 1;
      await this.#held;
      await write(writes);
    };
    this.#machine = new BookMachine(book, store, {
      committed: (index, pending) => this.office.committed(index, pending),
      stored: (_, settled) => this.office.settled(settled),
      failed: (error) => this.fatals.push(error),
    });
    this.office = new Office(
      {
        node: {
          propose: (data) => {
            this.#check();
            this.proposed.push(decodeBatch(data));
            this.#index += 1;
            this.#unapplied.push(makeEntry(this.#index, 1, 'command', data));
            return { index: this.#index, term: 1 };
          },
          read: async () => {
            this.#check();
            return this.#index;
          },
        },
        book,
        store,
        machine: this.#machine,
        log: LOG,
        answer: (answers) => this.answers.push(...answers),
        fatal: (error) => this.fatals.push(error),
        onStep: () => undefined,
      },
      this.#link(),
    );
  }

  #check(): void {
    if (this.refuse === null) return;
    this.refusals += 1;
    throw new RaftError(this.refuse, 'refused by the test');
  }

  #link(): Link {
    const send = (frame: unknown): boolean => this.#frames.push(frame as LeaderToCatalog) > 0;
    return { id: 1, peer: 'catalog', closed: false, send, close: () => undefined };
  }

  get isStored(): boolean {
    return this.#machine.isStored;
  }

  /** From now on the book's disk hangs. */
  holdWrites(): void {
    this.#held = new Promise((resolve) => (this.letWrite = resolve));
  }

  async apply(): Promise<void> {
    const entries = this.#unapplied.splice(0);
    if (entries.length > 0) await this.#machine.apply(entries);
  }

  /** Has the catalog answer everything that was sent to it. */
  answerCatalog(change: (answer: CatalogToLeader) => unknown = (answer) => answer): void {
    for (const frame of this.#frames.splice(0)) {
      const answer = this.catalog.handle(frame);
      if (answer !== null) this.office.catalogMessage(change(answer));
    }
  }

  /** Until the catalog decides what is applied. */
  async converse(): Promise<void> {
    await until(() => {
      this.answerCatalog();
      return 'catalog' in this.office.status && this.office.status.catalog === 'deciding';
    }, 'the conversation with the catalog');
  }

  async close(): Promise<void> {
    this.office.close();
    await this.#machine.close();
  }

  async whenComplete(): Promise<boolean> {
    return new Promise((resolve) => this.office.whenComplete(1, resolve));
  }
}

async function withOffice(run: (bench: Bench) => Promise<void>): Promise<void> {
  await withFolder(async (path) => {
    const { store, meta, pending } = await BookStore.open({
      path: join(path, 'book'),
      cluster: 'test',
      id: '1',
    });
    const bench = new Bench(store, new Book(store, meta, pending));
    try {
      await run(bench);
    } finally {
      await bench.close();
    }
  });
}

function results(bench: Bench): readonly unknown[] {
  return bench.answers.map(({ result }) => result[1]);
}

test('at most eight proposals are in flight, and what gathered meanwhile makes the next one', async () => {
  await withOffice(async (bench) => {
    for (let i = 0; i < 8; i += 1) {
      bench.office.submit(buy(`k${i}`), { link: 1, id: i });
      await until(() => bench.proposed.length === i + 1, 'the proposal');
    }
    bench.office.submit(buy('x'), { link: 1, id: 8 });
    bench.office.submit(buy('y'), { link: 1, id: 9 });
    await new Promise(setImmediate);
    assert.is(bench.proposed.length, 8);
    await bench.apply();
    await until(() => bench.proposed.length === 9, 'the ninth');
    assert.equal(bench.proposed[8]?.commands, [buy('x'), buy('y')]);
  });
});

test('settlements that found no room among the proposals in flight are logged without waiting for orders', async () => {
  await withOffice(async (bench) => {
    await bench.converse();
    bench.office.submit(buy('first'), { link: 1, id: 0 });
    await until(() => bench.proposed.length === 1, 'the proposal');
    await bench.apply();
    for (let i = 1; i <= 8; i += 1) {
      bench.office.submit(buy(`k${i}`), { link: 1, id: i });
      await until(() => bench.proposed.length === i + 1, 'the proposal');
    }
    bench.answerCatalog();
    assert.equal(results(bench), ['filled']);
    const read = bench.whenComplete();
    // Its settlement is due now, and finds eight proposals in flight.
    await new Promise((resolve) => setTimeout(resolve, 10));
    assert.is(bench.proposed.length, 9);
    await bench.apply();
    await until(() => bench.proposed.length === 10, 'the settlement');
    assert.equal(
      bench.proposed[9]?.settlements.map(({ index }) => index),
      [1],
    );
    await bench.apply();
    assert.is(await read, true);
  });
});

test('a read waits for what was told, and not for what is pending', async () => {
  await withOffice(async (bench) => {
    await bench.converse();
    bench.office.submit(buy('a'), { link: 1, id: 0 });
    await until(() => bench.proposed.length === 1, 'the proposal');
    await bench.apply();
    assert.is(await bench.whenComplete(), true, 'nobody was told of it');
    bench.answerCatalog();
    assert.equal(results(bench), ['filled']);
    const read = bench.whenComplete();
    await until(() => bench.proposed.length === 2, 'the settlement');
    await bench.apply();
    assert.is(await read, true);
    assert.is(bench.store.order(1)?.name, 'A');
  });
});

/** The first order was told to its client, and is settled by what is applied once `mayApply`. */
async function tellAndSettle(bench: Bench, mayApply: () => boolean = () => true): Promise<void> {
  await bench.converse();
  bench.office.submit(buy('a'), { link: 1, id: 0 });
  await until(() => bench.proposed.length === 1, 'the proposal');
  await bench.apply();
  bench.answerCatalog();
  await until(() => bench.proposed.length === 2 && mayApply(), 'the settlement');
  await bench.apply();
}

test('a read of what was told and is not stored waits for a disk that hangs, however long; orders do not', async () => {
  await withOffice(async (bench) => {
    bench.holdWrites();
    await tellAndSettle(bench);
    const answers: boolean[] = [];
    const read = bench.whenComplete().then((isComplete) => answers.push(isComplete));
    await until(() => bench.writes === 1, 'a write under way');
    bench.office.submit(buy('b'), { link: 1, id: 1 });
    await until(() => bench.proposed.length === 3, 'the next order');
    await bench.apply();
    bench.answerCatalog();
    await new Promise((resolve) => setTimeout(resolve, 30));
    assert.equal([answers, results(bench)], [[], ['filled', 'filled']]);
    assert.is(bench.store.order(1), null);
    bench.letWrite();
    await read;
    assert.equal(answers, [true]);
    assert.is(bench.store.order(1)?.number, 1);
  });
});

test('a read that waits for the disk is given up with the lead', async () => {
  await withOffice(async (bench) => {
    bench.holdWrites();
    await tellAndSettle(bench);
    const read = bench.whenComplete();
    await new Promise(setImmediate);
    bench.office.close();
    assert.is(await read, false);
    bench.letWrite();
  });
});

test('what gathers is written at once where a read waits: whether it was settled before the read or after', async () => {
  await withOffice(async (bench) => {
    await tellAndSettle(bench, () => bench.isStored);
    const before = bench.writes;
    const read = bench.whenComplete();
    await new Promise(setImmediate);
    assert.is(bench.writes, before + 1);
    assert.is(await read, true);

    bench.office.submit(buy('b'), { link: 1, id: 1 });
    await until(() => bench.proposed.length === 3, 'the proposal');
    await bench.apply();
    bench.answerCatalog();
    const later = bench.whenComplete();
    await until(
      () => bench.proposed.length === 4 && bench.isStored,
      'the settlement, and nothing being written',
    );
    const waiting = bench.writes;
    await bench.apply();
    await new Promise(setImmediate);
    assert.is(bench.writes, waiting + 1);
    assert.is(await later, true);
  });
});

test('a key that comes again while its outcome is being stored gets that outcome, and makes no second order', async () => {
  await withOffice(async (bench) => {
    bench.holdWrites();
    await tellAndSettle(bench);
    bench.office.submit(buy('a'), { link: 1, id: 1 });
    bench.letWrite();
    await until(() => bench.office.status.open === 0, 'the write');
    bench.office.submit(buy('a'), { link: 1, id: 2 });
    assert.equal(results(bench), ['filled', 'filled', 'filled']);
    assert.is(bench.proposed.length, 2);
  });
});

test('what is refused for load is tried again, not more often than its pause allows', async () => {
  await withOffice(async (bench) => {
    bench.refuse = 'OVERLOADED';
    for (let i = 0; i < 50; i += 1) {
      bench.office.submit(buy(`k${i}`), { link: 1, id: i });
      await new Promise(setImmediate);
    }
    assert.ok(bench.refusals <= 3, `${bench.refusals} refusals`);
    bench.refuse = null;
    await until(() => bench.proposed.length === 1, 'the proposal');
    assert.is(bench.proposed[0]?.commands.length, 50);
    assert.equal(bench.fatals, []);
  });
});

test('a confirmation that is refused for load is asked for again', async () => {
  await withOffice(async (bench) => {
    bench.refuse = 'OVERLOADED';
    bench.answerCatalog();
    await until(() => bench.refusals >= 2, 'two refusals');
    bench.refuse = null;
    await bench.converse();
  });
});

test('a closed office answers everyone who waits, and does nothing more', async () => {
  await withOffice(async (bench) => {
    await bench.converse();
    bench.office.submit(buy('logged'), { link: 1, id: 0 });
    await until(() => bench.proposed.length === 1, 'the proposal');
    await bench.apply();
    bench.answerCatalog();
    const waits = bench.whenComplete();
    await new Promise(setImmediate);
    bench.refuse = 'NOT_LEADER';
    bench.office.submit(buy('queued'), { link: 1, id: 1 });
    bench.office.close();
    assert.equal(results(bench), ['filled', 'refused']);
    assert.is(await waits, false);
    assert.is(await bench.whenComplete(), false);
    const proposals = bench.proposed.length;
    bench.office.committed(1, []);
    bench.office.catalogMessage({ t: 'refused', why: 'gap', lastIndex: 0 });
    await new Promise((resolve) => setTimeout(resolve, 30));
    assert.is(bench.proposed.length, proposals);
    assert.equal(bench.fatals, []);
  });
});

test('after a broken rule it stops the process once, and neither answers nor logs', async () => {
  await withOffice(async (bench) => {
    await bench.converse();
    bench.office.submit(buy('a'), { link: 1, id: 0 });
    await until(() => bench.proposed.length === 1, 'the proposal');
    await bench.apply();
    bench.answerCatalog((answer) => (answer.t === 'decided' ? { t: 'decided', items: [[1, [0]]] } : answer));
    assert.is(bench.fatals.length, 1);
    bench.office.catalogMessage({ t: 'decided', items: [[1, [500]]] });
    bench.office.submit(buy('b'), { link: 1, id: 1 });
    await new Promise((resolve) => setTimeout(resolve, 30));
    assert.is(bench.fatals.length, 1);
    assert.is(bench.proposed.length, 1);
    assert.equal(results(bench), []);
  });
});

test.run();
