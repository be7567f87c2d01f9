/** The leader session while the book is being written: reads may wait for the disk, orders do not. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { buy } from '../rules/testing/batches.js';
import { withSession, type LeaderSessionFixture } from '../testing/leader-session-fixture.js';
import { until } from '../testing/test-replica.js';

/** Submits an order and applies its batch, so that it is decided. */
async function decide(fixture: LeaderSessionFixture, key: string, id = 0): Promise<void> {
  const count = fixture.proposed.length;
  fixture.session.submit(buy(key), { link: 1, id });
  await until(() => fixture.proposed.length > count, 'the proposal');
  await fixture.apply();
}

/** Also makes it visible, so that its client is answered. */
async function place(fixture: LeaderSessionFixture, key: string, id = 0): Promise<void> {
  await decide(fixture, key, id);
  fixture.answerCatalog();
}

test('waitForAcknowledged waits for a hung disk if an acknowledged order is not stored; submit does not wait', async () => {
  await withSession(async (fixture) => {
    await fixture.grantAuthority();
    fixture.blockWrites();
    await place(fixture, 'a');
    assert.equal(fixture.results, ['filled'], 'answered before it is stored');
    const answers: boolean[] = [];
    const read = fixture.waitForAcknowledged().then((isComplete) => answers.push(isComplete));
    await until(() => fixture.writes === 1, 'a write in flight');
    await place(fixture, 'b', 1);
    await new Promise((resolve) => setTimeout(resolve, 30));
    assert.equal([answers, fixture.results], [[], ['filled', 'filled']]);
    assert.is(fixture.store.records.order(1), null);
    fixture.unblockWrites();
    await read;
    assert.equal(answers, [true]);
    assert.is(fixture.store.records.order(1)?.number, 1);
  });
});

test('waitForAcknowledged does not count batches decided after the write in flight as stored when it ends', async () => {
  await withSession(async (fixture) => {
    await fixture.grantAuthority();
    fixture.blockWrites();
    await place(fixture, 'a');
    const first = fixture.waitForAcknowledged();
    await until(() => fixture.writes > 0, 'a write in flight');
    await place(fixture, 'b', 1);
    const answers: boolean[] = [];
    const second = fixture.waitForAcknowledged().then((isComplete) => answers.push(isComplete));
    await new Promise(setImmediate);
    const letFirst = fixture.unblockWrites;
    fixture.blockWrites();
    letFirst();
    assert.is(await first, true);
    await new Promise(setImmediate);
    assert.equal([answers, fixture.store.records.order(2)], [[], null]);
    fixture.unblockWrites();
    await second;
    assert.equal([answers, fixture.store.records.order(2)?.number], [[true], 2]);
  });
});

test('close ends a waitForAcknowledged that waits for the disk with false', async () => {
  await withSession(async (fixture) => {
    await fixture.grantAuthority();
    fixture.blockWrites();
    await place(fixture, 'a');
    const read = fixture.waitForAcknowledged();
    await new Promise(setImmediate);
    fixture.session.close();
    assert.is(await read, false);
    fixture.unblockWrites();
  });
});

test('waitForAcknowledged flushes the store at once, for batches decided before and after the read', async () => {
  await withSession(async (fixture) => {
    await fixture.grantAuthority();
    await place(fixture, 'a');
    const before = fixture.writes;
    const read = fixture.waitForAcknowledged();
    await new Promise(setImmediate);
    assert.is(fixture.writes, before + 1);
    assert.is(await read, true);

    fixture.blockWrites();
    await place(fixture, 'b', 1);
    const later = fixture.waitForAcknowledged();
    await until(() => fixture.writes === before + 2, 'a write in flight');
    await decide(fixture, 'c', 2);
    fixture.unblockWrites();
    assert.is(await later, true);
    await until(() => fixture.isStored, 'the write of the batches decided meanwhile');
  });
});

test('submit of a key whose outcome is being stored answers that outcome and makes no second order', async () => {
  await withSession(async (fixture) => {
    await fixture.grantAuthority();
    fixture.blockWrites();
    await place(fixture, 'a');
    fixture.session.submit(buy('a'), { link: 1, id: 1 });
    fixture.unblockWrites();
    await until(() => fixture.session.status.open === 0, 'the write');
    fixture.session.submit(buy('a'), { link: 1, id: 2 });
    assert.equal(fixture.results, ['filled', 'filled', 'filled']);
    assert.is(fixture.proposed.filter(({ commands }) => commands.length > 0).length, 1);
  });
});

test('an order that is stored and not visible is not shown, and its submit waits', async () => {
  await withSession(async (fixture) => {
    await fixture.grantAuthority();
    await decide(fixture, 'a');
    await until(() => fixture.isStored, 'the write');
    assert.equal(
      [
        fixture.store.records.order(1)?.number,
        fixture.session.unstoredOrder(1),
        fixture.session.visibleOrders,
      ],
      [1, null, 0],
    );
    assert.is(await fixture.waitForAcknowledged(), true, 'no client was notified of it');
    assert.equal(fixture.results, []);
    fixture.answerCatalog();
    assert.equal([fixture.results, fixture.session.visibleOrders], [['filled'], 1]);
  });
});

test.run();
