/** The leader session on a fake Raft node: what it logs, when, and what it answers. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { BATCH_DELAY_MS_MAX } from '../rules/leader/batch-delay.js';
import { TOO_MANY, buy, decidedBatch, entry } from '../rules/testing/batches.js';
import { withSession } from '../testing/leader-session-fixture.js';
import { until } from '../testing/test-replica.js';

test('at most eight proposals are in flight; commands submitted meanwhile form the next one', async () => {
  await withSession(async (fixture) => {
    for (let i = 0; i < 8; i += 1) {
      fixture.session.submit(buy(`k${i}`), { link: 1, id: i });
      await until(() => fixture.proposed.length === i + 1, 'the proposal');
    }
    fixture.session.submit(buy('x'), { link: 1, id: 8 });
    fixture.session.submit(buy('y'), { link: 1, id: 9 });
    await new Promise(setImmediate);
    assert.is(fixture.proposed.length, 8);
    await fixture.apply();
    await until(() => fixture.proposed.length === 9, 'the ninth');
    assert.equal(fixture.proposed[8]?.commands, [buy('x'), buy('y')]);
  });
});

test('a batch takes its age from the monotonic clock and its time from the wall clock', async () => {
  await withSession(async (fixture) => {
    const times = async (key: string, now: number, wall: number): Promise<readonly unknown[]> => {
      [fixture.now, fixture.wall] = [now, wall];
      const count = fixture.proposed.length;
      fixture.session.submit(buy(key), { link: 1, id: count });
      await until(() => fixture.proposed.length > count, 'the proposal');
      const { age, time } = fixture.proposed[count] ?? {};
      return [age, time];
    };
    assert.equal(await times('a', 100, 5_000_000), [100, 5_000_000]);
    assert.equal(await times('b', 200, -7_000_000), [200, 5_000_050]);
    assert.equal(await times('c', 300, 5_000_200), [300, 5_000_200]);
    assert.equal(fixture.fatals, []);
  });
});

test('few orders after a large batch wait for more', async () => {
  await withSession(async (fixture) => {
    await fixture.grantAuthority();
    const submit = (name: string, count: number): void => {
      for (let i = 0; i < count; i += 1) fixture.session.submit(buy(`${name}${i}`), { link: 1, id: i });
    };
    submit('many', 20);
    await until(() => fixture.proposed.length === 1, 'the proposal');
    submit('early', 1);
    await new Promise((resolve) => setTimeout(resolve, 10));
    assert.equal(fixture.sizes, [20], 'on the clock of the session no time has passed');
    submit('rest', 9);
    await until(() => fixture.proposed.length === 2, 'the next proposal');
    submit('alone', 1);
    await new Promise(setImmediate);
    assert.equal(fixture.sizes, [20, 10]);
    fixture.now += BATCH_DELAY_MS_MAX;
    await until(() => fixture.proposed.length === 3, 'the order submitted alone');
    assert.equal(fixture.sizes, [20, 10, 1]);
    assert.equal(fixture.fatals, []);
  });
});

test('a batch announces the number of visible orders; without one, a single entry without commands announces it', async () => {
  await withSession(async (fixture) => {
    await fixture.grantAuthority();
    const visible = (): readonly number[] => fixture.proposed.map(({ visibleOrders }) => visibleOrders);
    const place = async (key: string): Promise<void> => {
      const count = fixture.proposed.length;
      fixture.session.submit(buy(key), { link: 1, id: count });
      await until(() => fixture.proposed.length > count, 'the proposal');
      await fixture.apply();
      fixture.answerCatalog();
    };
    await place('a');
    await place('b');
    assert.equal(
      [visible(), fixture.sizes],
      [
        [0, 1],
        [1, 1],
      ],
    );
    await until(() => fixture.proposed.length === 3, 'the entry without commands');
    assert.equal(
      [visible(), fixture.sizes],
      [
        [0, 1, 2],
        [1, 1, 0],
      ],
    );
    await fixture.apply();
    await until(() => fixture.isStored, 'the write');
    assert.is(fixture.stored.visibleOrders, 2);
    await new Promise((resolve) => setTimeout(resolve, 150));
    assert.is(fixture.proposed.length, 3, 'an idle leader logs nothing more');
  });
});

test('the number of visible orders is announced although the log refused the entry at first', async () => {
  await withSession(async (fixture) => {
    await fixture.grantAuthority();
    fixture.session.submit(buy('first'), { link: 1, id: 0 });
    await until(() => fixture.proposed.length === 1, 'the proposal');
    await fixture.apply();
    fixture.refuseWith = 'OVERLOADED';
    fixture.answerCatalog();
    assert.equal(fixture.results, ['filled']);
    await until(() => fixture.refusals >= 2, 'two refusals');
    fixture.refuseWith = null;
    await until(() => fixture.proposed.length === 2, 'the entry');
    assert.equal([fixture.sizes, fixture.proposed[1]?.visibleOrders], [[1, 0], 1]);
  });
});

test('the number of visible orders is announced although eight proposals were in flight when it was due', async () => {
  await withSession(async (fixture) => {
    await fixture.grantAuthority();
    fixture.session.submit(buy('first'), { link: 1, id: 0 });
    await until(() => fixture.proposed.length === 1, 'the proposal');
    await fixture.apply();
    for (let i = 1; i <= 8; i += 1) {
      fixture.session.submit(buy(`k${i}`), { link: 1, id: i });
      await until(() => fixture.proposed.length === i + 1, 'the proposal');
    }
    fixture.answerCatalog();
    assert.equal(fixture.results, ['filled']);
    await new Promise((resolve) => setTimeout(resolve, 150));
    assert.is(fixture.proposed.length, 9);
    await fixture.apply();
    await until(() => fixture.proposed.length === 10, 'the entry');
    assert.equal([fixture.sizes[9], fixture.proposed[9]?.visibleOrders], [0, 9]);
  });
});

test('orders beyond the limit of invisible commands are logged once the catalog has revoked', async () => {
  await withSession(async (fixture) => {
    await fixture.grantAuthority();
    // Rejected orders: they do not change the number of visible orders, so no announcement is due.
    for (let i = 0; i < 50_001; i += 1) fixture.session.submit(buy(`k${i}`, TOO_MANY), { link: 1, id: i });
    const logged = (): number => fixture.sizes.reduce((sum, size) => sum + size, 0);
    for (let before = -1; before < logged();) {
      before = logged();
      await new Promise(setImmediate);
      await fixture.apply();
      await new Promise(setImmediate);
    }
    assert.equal([logged(), fixture.session.status.queued], [50_000, 1]);
    // The batch delay is over.
    fixture.now = 1000;
    for (let turn = 0; turn < 20 && fixture.results.length < 50_000; turn += 1) fixture.answerCatalog();
    assert.is(fixture.results.length, 50_000);
    await until(() => logged() === 50_001, 'the order that waited');
  });
});

test('a new leader treats committed entries as visible once the catalog has caught up, and announces their number', async () => {
  await withSession(
    async (fixture) => {
      fixture.session.submit(buy('old'), { link: 1, id: 1 });
      const read = fixture.waitForAcknowledged();
      await new Promise((resolve) => setTimeout(resolve, 10));
      assert.equal([fixture.results, fixture.session.visibleOrders, fixture.proposed], [[], 0, []]);
      await fixture.grantAuthority();
      assert.equal([fixture.results, fixture.session.visibleOrders], [['filled'], 2]);
      assert.is(await read, true);
      await until(() => fixture.proposed.length === 1, 'the entry without commands');
      assert.equal([fixture.sizes, fixture.proposed[0]?.visibleOrders], [[0], 2]);
    },
    [entry(2, [buy('old'), buy('other')])],
  );
});

test('waitForAcknowledged waits for acknowledged orders, not for invisible ones', async () => {
  await withSession(async (fixture) => {
    await fixture.grantAuthority();
    fixture.session.submit(buy('a'), { link: 1, id: 0 });
    await until(() => fixture.proposed.length === 1, 'the proposal');
    await fixture.apply();
    assert.is(await fixture.waitForAcknowledged(), true, 'no client was notified of it');
    fixture.answerCatalog();
    assert.equal(fixture.results, ['filled']);
    assert.is(await fixture.waitForAcknowledged(), true);
    assert.is(fixture.store.records.order(1)?.name, 'A');
  });
});

test('an acknowledged order can be read from the session until the store has it', async () => {
  await withSession(async (fixture) => {
    await fixture.grantAuthority();
    fixture.session.submit(buy('a', 7), { link: 1, id: 0 });
    await until(() => fixture.proposed.length === 1, 'the proposal');
    fixture.blockWrites();
    await fixture.apply();
    assert.is(fixture.session.unstoredOrder(1), null, 'no client was notified of it');
    fixture.answerCatalog();
    const acknowledged = fixture.session.unstoredOrder(1);
    assert.equal([acknowledged?.number, acknowledged?.type, acknowledged?.quantity], [1, 'buy', 7]);
    assert.equal(
      [fixture.store.records.order(1), fixture.session.unstoredOrder(2), fixture.session.unstoredOrder(0)],
      [null, null, null],
    );
    const read = fixture.waitForAcknowledged();
    fixture.unblockWrites();
    assert.is(await read, true);
    assert.equal(fixture.store.records.order(1), { ...acknowledged, index: 2 });
    assert.is(fixture.session.unstoredOrder(1), null, 'the store has it');
  });
});

test('a proposal refused because of load is retried, with pauses', async () => {
  await withSession(async (fixture) => {
    fixture.refuseWith = 'OVERLOADED';
    const startedAt = performance.now();
    for (let i = 0; i < 50; i += 1) {
      fixture.session.submit(buy(`k${i}`), { link: 1, id: i });
      await new Promise(setImmediate);
    }
    // One at once and one after each pause of 20 ms; a timer may fire up to 1 ms early.
    const refusalsMax = 1 + (performance.now() - startedAt) / 19;
    assert.ok(
      fixture.refusals <= refusalsMax,
      `${fixture.refusals} refusals, at most ${refusalsMax} were due`,
    );
    fixture.refuseWith = null;
    await until(() => fixture.proposed.length === 1, 'the proposal');
    assert.is(fixture.proposed[0]?.commands.length, 50);
    assert.equal(fixture.fatals, []);
  });
});

test('a refused confirmation round grants no authority; the next request is granted', async () => {
  await withSession(async (fixture) => {
    fixture.refuseWith = 'OVERLOADED';
    fixture.now += 1000;
    await until(() => {
      fixture.answerCatalog();
      return fixture.refusals >= 1;
    }, 'a refusal');
    fixture.answerCatalog();
    assert.is(fixture.catalog.isReady(fixture.now), false);
    fixture.refuseWith = null;
    await fixture.grantAuthority();
  });
});

test('close answers all waiters; the session does nothing afterwards', async () => {
  await withSession(async (fixture) => {
    await fixture.grantAuthority();
    fixture.session.submit(buy('logged'), { link: 1, id: 0 });
    await until(() => fixture.proposed.length === 1, 'the proposal');
    fixture.blockWrites();
    await fixture.apply();
    fixture.answerCatalog();
    const waits = fixture.waitForAcknowledged();
    await new Promise(setImmediate);
    fixture.refuseWith = 'NOT_LEADER';
    fixture.session.submit(buy('queued'), { link: 1, id: 1 });
    fixture.session.close();
    assert.equal(fixture.results, ['filled', 'refused']);
    assert.is(await waits, false);
    assert.is(await fixture.waitForAcknowledged(), false);
    const proposals = fixture.proposed.length;
    fixture.session.onApplied(2, []);
    fixture.session.onStored(2);
    fixture.session.onCatalogFrame(1, { t: 'revoked', index: 1 });
    await new Promise((resolve) => setTimeout(resolve, 30));
    assert.is(fixture.proposed.length, proposals);
    assert.equal(fixture.fatals, []);
    fixture.unblockWrites();
  });
});

test('a violated invariant is reported as fatal once; nothing is answered or logged afterwards', async () => {
  await withSession(async (fixture) => {
    await fixture.grantAuthority();
    fixture.session.submit(buy('a'), { link: 1, id: 0 });
    await until(() => fixture.proposed.length === 1, 'the proposal');
    await fixture.apply();
    assert.equal(fixture.fatals, []);
    // Violates an invariant: this batch was decided before.
    fixture.session.onApplied(2, [decidedBatch(1, [buy('a')])]);
    assert.is(fixture.fatals.length, 1);
    fixture.answerCatalog();
    fixture.session.onApplied(2, [decidedBatch(1, [buy('a')])]);
    fixture.session.submit(buy('b'), { link: 1, id: 1 });
    await new Promise((resolve) => setTimeout(resolve, 30));
    assert.is(fixture.fatals.length, 1);
    assert.is(fixture.proposed.length, 1);
    assert.equal(fixture.results, []);
  });
});

test.run();
