/** A leader session while its book is being written: what waits for the disk, and what does not. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { buy } from './rules/testing/batches.js';
import { withSession, type LeaderSessionBench } from './testing/leader-session-bench.js';
import { until } from './testing/rig.js';

/** An order is logged and decided. */
async function decide(bench: LeaderSessionBench, key: string, id = 0): Promise<void> {
  const count = bench.proposed.length;
  bench.session.submit(buy(key), { link: 1, id });
  await until(() => bench.proposed.length > count, 'the proposal');
  await bench.apply();
}

/** And its client is told. */
async function tell(bench: LeaderSessionBench, key: string, id = 0): Promise<void> {
  await decide(bench, key, id);
  bench.answerCatalog();
}

test('a read of what was told and is not stored waits for a disk that hangs, however long; orders do not', async () => {
  await withSession(async (bench) => {
    await bench.converse();
    bench.holdWrites();
    await tell(bench, 'a');
    assert.equal(bench.results, ['filled'], 'answered before it is stored');
    const answers: boolean[] = [];
    const read = bench.whenComplete().then((isComplete) => answers.push(isComplete));
    await until(() => bench.writes === 1, 'a write under way');
    await tell(bench, 'b', 1);
    await new Promise((resolve) => setTimeout(resolve, 30));
    assert.equal([answers, bench.results], [[], ['filled', 'filled']]);
    assert.is(bench.store.order(1), null);
    bench.letWrite();
    await read;
    assert.equal(answers, [true]);
    assert.is(bench.store.order(1)?.number, 1);
  });
});

test('what the rules have decided behind the write under way is not taken for stored when that ends', async () => {
  await withSession(async (bench) => {
    await bench.converse();
    bench.holdWrites();
    await tell(bench, 'a');
    const first = bench.whenComplete();
    await until(() => bench.writes > 0, 'a write under way');
    await tell(bench, 'b', 1);
    const answers: boolean[] = [];
    const second = bench.whenComplete().then((isComplete) => answers.push(isComplete));
    await new Promise(setImmediate);
    const letFirst = bench.letWrite;
    bench.holdWrites();
    letFirst();
    assert.is(await first, true);
    await new Promise(setImmediate);
    assert.equal([answers, bench.store.order(2)], [[], null]);
    bench.letWrite();
    await second;
    assert.equal([answers, bench.store.order(2)?.number], [[true], 2]);
  });
});

test('a read that waits for the disk is given up with the lead', async () => {
  await withSession(async (bench) => {
    await bench.converse();
    bench.holdWrites();
    await tell(bench, 'a');
    const read = bench.whenComplete();
    await new Promise(setImmediate);
    bench.session.close();
    assert.is(await read, false);
    bench.letWrite();
  });
});

test('what gathers is written at once where a read waits: whether it was decided before the read or after', async () => {
  await withSession(async (bench) => {
    await bench.converse();
    await tell(bench, 'a');
    const before = bench.writes;
    const read = bench.whenComplete();
    await new Promise(setImmediate);
    assert.is(bench.writes, before + 1);
    assert.is(await read, true);

    bench.holdWrites();
    await tell(bench, 'b', 1);
    const later = bench.whenComplete();
    await until(() => bench.writes === before + 2, 'a write under way');
    await decide(bench, 'c', 2);
    bench.letWrite();
    assert.is(await later, true);
    await until(() => bench.isStored, 'the write of what came meanwhile');
  });
});

test('a key that comes again while its outcome is being stored gets that outcome, and makes no second order', async () => {
  await withSession(async (bench) => {
    await bench.converse();
    bench.holdWrites();
    await tell(bench, 'a');
    bench.session.submit(buy('a'), { link: 1, id: 1 });
    bench.letWrite();
    await until(() => bench.session.status.open === 0, 'the write');
    bench.session.submit(buy('a'), { link: 1, id: 2 });
    assert.equal(bench.results, ['filled', 'filled', 'filled']);
    assert.is(bench.proposed.filter(({ commands }) => commands.length > 0).length, 1);
  });
});

test('an order that is stored and not visible is shown to nobody, and its read waits', async () => {
  await withSession(async (bench) => {
    await bench.converse();
    await decide(bench, 'a');
    await until(() => bench.isStored, 'the write');
    assert.equal(
      [bench.store.order(1)?.number, bench.session.order(1), bench.session.visibleOrders],
      [1, null, 0],
    );
    assert.is(await bench.whenComplete(), true, 'nobody was told of it');
    assert.equal(bench.results, []);
    bench.answerCatalog();
    assert.equal([bench.results, bench.session.visibleOrders], [['filled'], 1]);
  });
});

test.run();
