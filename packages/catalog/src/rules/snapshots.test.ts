/** Snapshots on their way and in the place of a stock table, one scenario a test. */
import { STOCKS_MAX, type LeaderToCatalog } from '@trireme/domain';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { SnapshotParts, type SnapshotPart } from './snapshot.js';
import { Driver } from './testing/driver.js';
import { buy, LIFE, OTHER_LIFE, sell, snapshotFrames, stock } from './testing/frames.js';

const A = stock('A', 100);
const B = stock('B', 100);

const PART: SnapshotPart = { index: 4, life: LIFE, hash: 'ab'.repeat(32), part: 0, parts: 2, stocks: [A] };

test('a snapshot is whole with its last part, and the next one may begin', () => {
  const parts = new SnapshotParts();
  for (const quantity of [1, 2]) {
    const stocks = [stock('B', quantity)];
    assert.is(parts.add(PART), null);
    assert.ok(parts.isIncomplete);
    assert.equal(parts.add({ ...PART, part: 1, stocks }), {
      ...{ index: 4, life: LIFE, hash: PART.hash },
      stocks: [A, ...stocks],
    });
    assert.not.ok(parts.isIncomplete);
  }
});

test('a part that is not the next one of the same snapshot is malformed', () => {
  const last = { ...PART, part: 1, stocks: [B] };
  assert.throws(() => new SnapshotParts().add(last), /part 1 of 2/);
  for (const other of [
    PART,
    { ...last, part: 2, parts: 3 },
    { ...last, parts: 3 },
    { ...last, index: 5 },
    { ...last, life: OTHER_LIFE },
    { ...last, hash: 'cd'.repeat(32) },
  ]) {
    const parts = new SnapshotParts();
    parts.add(PART);
    assert.throws(() => parts.add(other), isFormatError, JSON.stringify(other));
  }
});

test('a snapshot with a stock twice, or too many of them, is malformed', () => {
  const twice = new SnapshotParts();
  twice.add(PART);
  assert.throws(() => twice.add({ ...PART, part: 1 }), /A twice/);
  const many = new SnapshotParts();
  many.add({ ...PART, stocks: Array.from({ length: STOCKS_MAX }, (_, i) => stock(`S${i}`, 1)) });
  assert.throws(() => many.add({ ...PART, part: 1 }), /more than 100000/);
});

test('a frame between the parts of a snapshot is malformed, on another link it is not', () => {
  const driver = Driver.ready([A, B]);
  driver.leader(101);
  const [first, second] = driver.log.snapshot({ parts: 2 });
  assert.ok(first !== undefined && second !== undefined);
  driver.ask(100, first);
  driver.ask(101, { t: 'begin' });
  for (const frame of [{ t: 'begin' }, { t: 'attach', upTo: 0 }] satisfies LeaderToCatalog[]) {
    assert.throws(() => driver.ask(100, frame), /between the parts/);
  }
  driver.ask(100, second);
  assert.equal(driver.sent(100), [{ t: 'revoked', index: 0 }]);
});

test('a snapshot is seen and answered only once all that any cache may hold is dropped', () => {
  const driver = Driver.ready([A, B, stock('C', 1)]);
  driver.holder(1, 'A', 'B');
  driver.frontend(2);
  driver.sent(2);
  driver.log.entry(3, [buy('A')]);
  driver.ask(100, ...driver.log.snapshot());
  assert.equal(driver.sent(1), [{ t: 'revoke', seq: 1, version: 0, names: ['A', 'B'] }]);
  assert.equal(driver.sent(2), []);
  for (const name of ['A', 'B', 'C']) {
    assert.equal(driver.lookup(2, name), [5500, name === 'C' ? 1 : 100, 0, false], 'not to be kept');
  }
  driver.say(1, { t: 'dropped', seq: 1 });
  assert.equal(driver.sent(100), [{ t: 'revoked', index: 3 }]);
  assert.equal(driver.lookup(2, 'A'), [5500, 99, 3, true]);
  assert.equal(driver.lookup(1, 'B'), [5500, 100, 0, true], 'unchanged, and may be kept again');
  assert.equal(driver.events(), [{ kind: 'installed', link: 100, life: LIFE, index: 3, prev: 0, stocks: 3 }]);
  assert.is(driver.catalog.unready(), null);
});

test('entries that come with a snapshot are applied over it in the same round', () => {
  const driver = Driver.ready([A, B]);
  driver.holder(1, 'A');
  driver.ask(100, driver.log.entry(1, [buy('A')]));
  driver.log.entry(2, [buy('B', 50)]);
  driver.ask(100, ...driver.log.snapshot(), driver.log.entry(4, [sell('B', 7)]));
  driver.say(1, { t: 'dropped', seq: 1 });
  assert.equal(driver.sent(100), [
    { t: 'revoked', index: 1 },
    { t: 'revoked', index: 2 },
    { t: 'revoked', index: 4 },
  ]);
  assert.equal(driver.lookup(1, 'B'), [5500, 57, 4, true]);
});

test('a catalog that a snapshot takes back serves nothing until a leader has attached again', () => {
  const driver = Driver.ready([A]);
  const old = driver.log.snapshot();
  const entry = driver.log.entry(5, [buy('A', 30)]);
  driver.frontend(1);
  driver.ask(100, entry);
  driver.leader(101);
  driver.ask(101, { t: 'begin' }, ...old);
  assert.is(driver.catalog.status().lastIndex, 0);
  assert.is(driver.lookup(1, 'A'), 'unready');
  assert.equal(driver.sent(100), [
    { t: 'revoked', index: 5 },
    { t: 'refused', lastIndex: 0 },
  ]);
  driver.sent(101);
  driver.ask(101, { t: 'attach', upTo: 0 });
  assert.equal(driver.sent(101), [{ t: 'refused', lastIndex: 0 }], 'said before the catalog went back');
  assert.is(driver.lookup(1, 'A'), 'unready');
  driver.ask(100, { t: 'begin' }, { t: 'attach', upTo: 5 }, entry);
  assert.equal(driver.lookup(1, 'A'), [5500, 70, 5, true]);
  assert.equal(driver.closes, [], 'it is the same log');
});

test('a snapshot of another log closes the links of front-ends, once they have dropped what they hold', () => {
  const driver = Driver.ready([A]);
  driver.ask(100, driver.log.entry(5, [buy('A', 30)]));
  driver.holder(1, 'A');
  driver.sent(100);
  driver.ask(100, ...snapshotFrames(9, [stock('A', 7)], { life: OTHER_LIFE }));
  assert.equal(driver.sent(1), [{ t: 'revoke', seq: 1, version: 0, names: ['A'] }]);
  assert.equal(driver.closes, []);
  driver.say(1, { t: 'dropped', seq: 1 });
  assert.equal(driver.closes, [[1, 'the catalog follows another log']]);
  driver.say(1, { t: 'renew', id: 2 });
  assert.equal(driver.sent(1), [], 'nothing more is answered on a link that closes');
  driver.frontend(2);
  assert.equal(driver.sent(2), [{ t: 'life', life: OTHER_LIFE }]);
  assert.is(driver.lookup(2, 'A'), 'unready', 'what was said of the log before counts no more');
  driver.ask(100, { t: 'begin' }, { t: 'attach', upTo: 9 });
  assert.equal(driver.lookup(2, 'A'), [5500, 7, 0, true]);
  assert.equal(driver.sent(100), [
    { t: 'revoked', index: 9 },
    { t: 'refused', lastIndex: 9 },
    { t: 'standing', lastIndex: 9, hash: driver.catalog.status().hash },
  ]);
});

function isFormatError(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'BAD_FORMAT';
}

test.run();
