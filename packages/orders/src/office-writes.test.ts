/** The office on a book that is written behind it: what waits for the disk, and what does not. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { buy } from './rules/testing/batches.js';
import { withOffice, type OfficeBench } from './testing/office-bench.js';
import { until } from './testing/rig.js';

/** The first order was told to its client, and is settled by what is applied once `mayApply`. */
async function tellAndSettle(bench: OfficeBench, mayApply: () => boolean = () => true): Promise<void> {
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
    assert.equal([answers, bench.results], [[], ['filled', 'filled']]);
    assert.is(bench.store.order(1), null);
    bench.letWrite();
    await read;
    assert.equal(answers, [true]);
    assert.is(bench.store.order(1)?.number, 1);
  });
});

test('what the rules have settled behind the write under way is not taken for stored when that ends', async () => {
  await withOffice(async (bench) => {
    await tellAndSettle(bench, () => {
      if (bench.isStored) bench.holdWrites();
      return bench.isStored;
    });
    const first = bench.whenComplete();
    await until(() => bench.writes > 0, 'a write under way');
    bench.office.submit(buy('b'), { link: 1, id: 1 });
    await until(() => bench.proposed.length === 3, 'the next order');
    await bench.apply();
    bench.answerCatalog();
    const answers: boolean[] = [];
    const second = bench.whenComplete().then((isComplete) => answers.push(isComplete));
    await until(() => bench.proposed.length === 4, 'its settlement');
    await bench.apply();
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
    assert.equal(bench.results, ['filled', 'filled', 'filled']);
    assert.is(bench.proposed.length, 2);
  });
});

test.run();
