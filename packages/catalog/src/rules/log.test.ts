/** Tests of how the catalog follows the log: entries, visibility and snapshots. */
import { EMPTY_HASH } from '@trireme/state-machine';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { CatalogFixture, LEADER } from './testing/driver.js';
import { batchOf, buy, LeaderLog, LIFE, list, OTHER_LIFE, sell, stock } from './testing/leader-log.js';

const A = stock('A', 100);
const B = stock('B', 5, 100);

test('entry: revoked when it is received, applied when it is visible', () => {
  const driver = CatalogFixture.attached([A, B]);
  driver.openFrontendWithCache(1, 'A', 'B');
  driver.receiveFromReplica(LEADER, driver.log.entry(2, [buy('A'), sell('A'), buy('A'), buy('Z')]));
  assert.equal(driver.takeSent(1), [{ t: 'revoke', seq: 1, names: ['A'] }]);
  assert.equal(driver.takeSent(LEADER), []);
  driver.receiveFromFrontend(1, { t: 'dropped', seq: 1 });
  assert.equal(driver.takeSent(LEADER), [{ t: 'revoked', index: 2 }]);
  assert.equal(driver.lookup(1, 'B'), [100, 5, 0, true], 'B has no pending change');
  const { visible, received, lastIndex } = driver.status();
  assert.equal([visible, received, lastIndex], [1, 2, 0]);
  driver.receiveFromReplica(LEADER, driver.log.visible(2));
  assert.equal(driver.lookup(1, 'A'), [5500, 99, 2, true]);
  const status = driver.status();
  assert.equal([status.visible, status.lastIndex, status.hash], [2, 2, driver.log.hash]);
});

test('visible: applies the received entries up to its index and no later one', () => {
  const driver = CatalogFixture.attached([A]);
  driver.openFrontend(1);
  const entries = [2, 3, 5].map((index) => driver.log.entry(index, [buy('A')]));
  driver.receiveFromReplica(LEADER, ...entries);
  driver.receiveFromReplica(LEADER, driver.log.visible(4));
  assert.is(driver.status().lastIndex, 3);
  assert.is(driver.status().visible, 4);
  driver.receiveFromReplica(LEADER, driver.log.visible(9));
  assert.equal(driver.lookup(1, 'A'), [5500, 97, 5, true]);
  assert.is(driver.status().visible, 5, 'not beyond the last received entry');
  driver.receiveFromReplica(LEADER, { t: 'visible', index: 3, skips: [], hash: EMPTY_HASH });
  assert.is(driver.status().visible, 5);
});

test('visible: skipped commands have no effect, and a batch of them alone does not count', () => {
  const driver = CatalogFixture.attached([A]);
  driver.openFrontend(1);
  driver.receiveFromReplica(
    LEADER,
    driver.log.entry(2, [buy('A', 1), buy('A', 10)]),
    driver.log.entry(3, [buy('A')]),
  );
  driver.receiveFromReplica(
    LEADER,
    driver.log.visible(3, [
      [2, [1]],
      [3, [0]],
    ]),
  );
  assert.equal(driver.lookup(1, 'A'), [5500, 99, 2, true]);
  const { visible, lastIndex, hash } = driver.status();
  assert.equal([visible, lastIndex, hash], [3, 2, driver.log.hash]);
});

test('entry without a batch: advances only the received and the visible index', () => {
  const driver = CatalogFixture.attached([A]);
  driver.receiveFromReplica(LEADER, driver.log.empty(2));
  assert.equal(driver.takeSent(LEADER), [{ t: 'revoked', index: 2 }]);
  driver.grantAuthority();
  assert.is(driver.status().unready, null);
  driver.receiveFromReplica(LEADER, driver.log.visible(2));
  const { visible, received, lastIndex, hash } = driver.status();
  assert.equal([visible, received, lastIndex, hash], [2, 2, 0, EMPTY_HASH]);
});

test('entry that was received before: ignored', () => {
  const driver = CatalogFixture.attached([A]);
  const entry = driver.log.entry(2, [buy('A')]);
  driver.receiveFromReplica(LEADER, entry, entry);
  driver.receiveFromReplica(LEADER, driver.log.visible(2), entry);
  assert.is(driver.status().hash, driver.log.hash);
  assert.is(driver.status().received, 2);
});

test('visible with a different hash: throws with advice, and applies nothing', () => {
  const driver = CatalogFixture.attached([A]);
  driver.receiveFromReplica(LEADER, driver.log.entry(2, [buy('A')]));
  const frame = { t: 'visible', index: 2, skips: [], hash: 'ab'.repeat(32) };
  assert.throws(
    () => driver.receiveFromReplica(LEADER, frame),
    /differs after batch 2: [0-9a-f]{64} here, (ab){32} at the leader\. Restart this catalog/,
  );
  assert.is(driver.status().lastIndex, 0);
  const upToDate = CatalogFixture.attached([A]);
  const repeated = { t: 'visible', index: upToDate.status().visible, skips: [], hash: 'ab'.repeat(32) };
  assert.throws(
    () => upToDate.receiveFromReplica(LEADER, repeated),
    /log hash differs after batch 0: [0-9a-f]{64} here/,
    'also if no entry is new',
  );
});

test('traced commands: their outcomes are recorded when they are applied', () => {
  const driver = CatalogFixture.attached([A]);
  driver.receiveFromReplica(
    LEADER,
    driver.log.entry(
      2,
      [buy('A'), buy('A', 500)],
      [
        [1, 'request-b'],
        [0, 'request-a'],
      ],
    ),
  );
  assert.equal(driver.takeEvents(), []);
  driver.receiveFromReplica(LEADER, driver.log.visible(2));
  assert.equal(driver.takeEvents(), [
    { kind: 'traced', requestId: 'request-b', index: 2, position: 1, outcome: -2 },
    { kind: 'traced', requestId: 'request-a', index: 2, position: 0, outcome: 5500 },
  ]);
});

test('entry above the limit of entries or bytes that are not visible: closes the link to the leader', () => {
  const bytes = batchOf([buy('A')]).byteLength;
  for (const bounds of [{ entriesMax: 2 }, { entryBytesMax: 2 * bytes }]) {
    const driver = CatalogFixture.attached([A], bounds);
    driver.receiveFromReplica(LEADER, driver.log.entry(2, [buy('A')]), driver.log.entry(3, [buy('A')]));
    driver.receiveFromReplica(LEADER, driver.log.visible(2), driver.log.entry(4, [buy('A')]));
    assert.equal(driver.takeCloses(), [], 'visible entries do not count');
    driver.receiveFromReplica(LEADER, driver.log.entry(5, [buy('A')]));
    assert.equal(driver.takeCloses(), [{ link: LEADER, reason: 'too many entries wait to become visible' }]);
    assert.is(driver.status().leader, null);
    driver.closeReplica(LEADER);
    driver.openReplica(2);
    driver.receiveFromReplica(2, { t: 'lead', term: 1 });
    const attach = driver.takeSent(2)[1];
    assert.ok(attach?.t === 'attach' && attach.visible === 2);
  }
});

test('snapshot: replaces the stocks after its last part, and revokes everything that is cached', () => {
  const driver = CatalogFixture.attached([A, B]);
  driver.openFrontendWithCache(1, 'A', 'B');
  driver.log.entry(5, [buy('A', 7), list('C', 300)]);
  driver.log.visible(6);
  const [first, ...others] = driver.log.snapshot(3);
  driver.receiveFromReplica(LEADER, first);
  assert.is(driver.status().visible, 1);
  driver.receiveFromReplica(LEADER, ...others);
  assert.equal(driver.takeSent(1), [{ t: 'revoke', seq: 1, names: ['A', 'B'] }]);
  assert.equal(driver.takeSent(LEADER), []);
  driver.receiveFromFrontend(1, { t: 'dropped', seq: 1 });
  assert.equal(driver.takeSent(LEADER), [{ t: 'revoked', index: 6 }]);
  assert.equal(driver.lookup(1, 'A'), [5500, 93, 5, true]);
  assert.equal(driver.lookup(1, 'C'), [300, 0, 5, true]);
  const { visible, received, lastIndex, hash } = driver.status();
  assert.equal([visible, received, lastIndex, hash], [6, 6, 5, driver.log.hash]);
});

test('snapshot at an index that is visible already: ignored', () => {
  const driver = CatalogFixture.attached([A]);
  const old = driver.log.snapshot();
  driver.receiveFromReplica(LEADER, driver.log.entry(2, [buy('A')]), driver.log.visible(2), ...old);
  assert.is(driver.status().lastIndex, 2);
  driver.openFrontend(1);
  assert.equal(driver.lookup(1, 'A'), [5500, 99, 2, true]);
});

test('snapshot: parts of the previous leader are not combined with those of the next', () => {
  const driver = new CatalogFixture([A, B]);
  for (const link of [1, 2]) driver.openReplica(link);
  const [first, second] = driver.log.snapshot(2);
  driver.receiveFromReplica(1, { t: 'lead', term: 1 }, first);
  driver.receiveFromReplica(2, { t: 'lead', term: 2 });
  driver.receiveFromReplica(1, second);
  assert.is(driver.status().life, null);
  assert.throws(() => driver.receiveFromReplica(2, second), /not the next one/);
  driver.receiveFromReplica(2, first, second);
  assert.is(driver.status().life, LIFE);
});

test('rejects frames that contradict earlier ones', () => {
  const driver = CatalogFixture.attached([A, B]);
  const { log } = driver;
  driver.receiveFromReplica(LEADER, log.entry(2, [buy('A')]), log.visible(2), log.entry(3, [buy('A')]));
  const cases: readonly (readonly [RegExp, ...(readonly unknown[])])[] = [
    [/not one|position 1/, { t: 'visible', index: 3, skips: [[3, [1]]], hash: EMPTY_HASH }],
    [/of another log/, ...new LeaderLog([A], OTHER_LIFE).snapshot()],
    [/received authority before entry 4/, { t: 'authority', id: 1, logged: 4 }],
    [/not the next one/, { ...log.snapshot(2)[1] }],
    [/between the parts/, log.snapshot(2)[0], { t: 'visible', index: 3, skips: [], hash: EMPTY_HASH }],
  ];
  for (const [reason, ...frames] of cases)
    assert.throws(() => driver.receiveFromReplica(LEADER, ...frames), reason);
  assert.is(driver.status().visible, 2);

  const late = CatalogFixture.attached([A]);
  const other = new LeaderLog([A]);
  other.entry(3, [buy('A')]);
  other.visible(3);
  late.receiveFromReplica(LEADER, late.log.entry(5, [buy('A')]));
  assert.throws(
    () => late.receiveFromReplica(LEADER, ...other.snapshot()),
    /received a snapshot at index 3 after entry 5/,
  );

  const fresh = new CatalogFixture([A]);
  fresh.openReplica(LEADER);
  fresh.receiveFromReplica(LEADER, { t: 'lead', term: 1 }, fresh.log.empty(2));
  assert.throws(
    () => fresh.receiveFromReplica(LEADER, fresh.log.entry(3, [buy('A')])),
    /received a batch before the first snapshot/,
  );
  assert.throws(() => fresh.grantAuthority(), /received authority before the first snapshot/);
});

test.run();
