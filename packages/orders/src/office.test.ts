/** The office on a node of the test's own: what it logs, when, and what it tells. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { COMPANY_MS_MAX } from './rules/company.js';
import { buy } from './rules/testing/batches.js';
import { withOffice } from './testing/office-bench.js';
import { until } from './testing/rig.js';

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

test('what is logged has its age by the monotonic clock and its time by the wall clock', async () => {
  await withOffice(async (bench) => {
    const times = async (key: string, now: number, wall: number): Promise<readonly unknown[]> => {
      [bench.now, bench.wall] = [now, wall];
      const count = bench.proposed.length;
      bench.office.submit(buy(key), { link: 1, id: count });
      await until(() => bench.proposed.length > count, 'the proposal');
      const { age, time } = bench.proposed[count] ?? {};
      return [age, time];
    };
    assert.equal(await times('a', 100, 5_000_000), [100, 5_000_000]);
    assert.equal(await times('b', 200, -7_000_000), [200, 5_000_050]);
    assert.equal(await times('c', 300, 5_000_200), [300, 5_000_200]);
    assert.equal(bench.fatals, []);
  });
});

test('a few orders after many that were logged together wait for company, and not where a read waits', async () => {
  await withOffice(async (bench) => {
    await bench.converse();
    const submit = (name: string, count: number): void => {
      for (let i = 0; i < count; i += 1) bench.office.submit(buy(`${name}${i}`), { link: 1, id: i });
    };
    const logged = (): readonly number[] => bench.proposed.map(({ commands }) => commands.length);
    submit('many', 20);
    await until(() => bench.proposed.length === 1, 'the proposal');
    submit('early', 1);
    await new Promise((resolve) => setTimeout(resolve, 10));
    assert.equal(logged(), [20], 'by the clock of the office no time has passed');
    submit('rest', 9);
    await until(() => bench.proposed.length === 2, 'the next proposal');
    submit('alone', 1);
    await new Promise(setImmediate);
    assert.equal(logged(), [20, 10]);
    bench.now = COMPANY_MS_MAX;
    await until(() => bench.proposed.length === 3, 'the one that nobody joined');
    await bench.apply();
    bench.answerCatalog();
    submit('held', 1);
    await new Promise(setImmediate);
    assert.equal(logged(), [20, 10, 1]);
    const read = bench.whenComplete();
    await until(() => bench.proposed.length === 4, 'the settlement, and the order with it');
    await bench.apply();
    assert.is(await read, true);
    assert.equal(logged(), [20, 10, 1, 1]);
    assert.equal(bench.fatals, []);
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
    assert.equal(bench.results, ['filled']);
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
    assert.equal(bench.results, ['filled']);
    const read = bench.whenComplete();
    await until(() => bench.proposed.length === 2, 'the settlement');
    await bench.apply();
    assert.is(await read, true);
    assert.is(bench.store.order(1)?.name, 'A');
  });
});

test('an order can be read as soon as it is told, as it will be in the book, until that has it', async () => {
  await withOffice(async (bench) => {
    await bench.converse();
    bench.office.submit(buy('a', 7), { link: 1, id: 0 });
    await until(() => bench.proposed.length === 1, 'the proposal');
    await bench.apply();
    assert.is(bench.office.order(1), null, 'nobody was told of it');
    bench.answerCatalog();
    const told = bench.office.order(1);
    assert.equal([told?.number, told?.type, told?.quantity], [1, 'buy', 7]);
    assert.equal([bench.store.order(1), bench.office.order(2), bench.office.order(0)], [null, null, null]);
    const read = bench.whenComplete();
    await until(() => bench.proposed.length === 2, 'the settlement');
    await bench.apply();
    await read;
    assert.equal(bench.store.order(1), { ...told, index: 1 });
    assert.is(bench.office.order(1), null, 'the store has it');
  });
});

test('what is refused for load is tried again, not more often than its pause allows', async () => {
  await withOffice(async (bench) => {
    bench.refuse = 'OVERLOADED';
    const startedAt = performance.now();
    for (let i = 0; i < 50; i += 1) {
      bench.office.submit(buy(`k${i}`), { link: 1, id: i });
      await new Promise(setImmediate);
    }
    // One at once and one after each pause of 20 ms, less what a timer may be early.
    const refusalsMax = 1 + (performance.now() - startedAt) / 19;
    assert.ok(bench.refusals <= refusalsMax, `${bench.refusals} refusals, at most ${refusalsMax} were due`);
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
    assert.equal(bench.results, ['filled', 'refused']);
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
    assert.equal(bench.results, []);
  });
});

test.run();
