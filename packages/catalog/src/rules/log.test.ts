/** What the catalog makes of the log: entries, what is visible of them, and snapshots. */
import { EMPTY_HASH } from '@trireme/state-machine';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Driver, LEADER } from './testing/driver.js';
import { batchOf, buy, LeaderLog, LIFE, list, OTHER_LIFE, sell, stock } from './testing/leader-log.js';

const A = stock('A', 100);
const B = stock('B', 5, 100);

test('entry: revoked when it is received, shown when it is visible', () => {
  const driver = Driver.atWork([A, B]);
  driver.holder(1, 'A', 'B');
  driver.from(LEADER, driver.log.entry(2, [buy('A'), sell('A'), buy('A'), buy('Z')]));
  assert.equal(driver.sent(1), [{ t: 'revoke', seq: 1, names: ['A'] }]);
  assert.equal(driver.sent(LEADER), []);
  driver.say(1, { t: 'dropped', seq: 1 });
  assert.equal(driver.sent(LEADER), [{ t: 'revoked', index: 2 }]);
  assert.equal(driver.lookup(1, 'B'), [100, 5, 0, true], 'not in doubt');
  const { visible, received, lastIndex } = driver.status();
  assert.equal([visible, received, lastIndex], [1, 2, 0]);
  driver.from(LEADER, driver.log.visible(2));
  assert.equal(driver.lookup(1, 'A'), [5500, 99, 2, true]);
  const status = driver.status();
  assert.equal([status.visible, status.lastIndex, status.hash], [2, 2, driver.log.hash]);
});

test('visible: applies what is received up to its index and nothing after it', () => {
  const driver = Driver.atWork([A]);
  driver.frontend(1);
  const entries = [2, 3, 5].map((index) => driver.log.entry(index, [buy('A')]));
  driver.from(LEADER, ...entries);
  driver.from(LEADER, driver.log.visible(4));
  assert.is(driver.status().lastIndex, 3);
  assert.is(driver.status().visible, 4);
  driver.from(LEADER, driver.log.visible(9));
  assert.equal(driver.lookup(1, 'A'), [5500, 97, 5, true]);
  assert.is(driver.status().visible, 5, 'only what was received');
  driver.from(LEADER, { t: 'visible', index: 3, skips: [], hash: EMPTY_HASH });
  assert.is(driver.status().visible, 5);
});

test('visible: skipped commands make nothing, and a batch of them alone is not counted', () => {
  const driver = Driver.atWork([A]);
  driver.frontend(1);
  driver.from(LEADER, driver.log.entry(2, [buy('A', 1), buy('A', 10)]), driver.log.entry(3, [buy('A')]));
  driver.from(
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

test('an entry without a batch moves on what is received, and nothing else', () => {
  const driver = Driver.atWork([A]);
  driver.from(LEADER, driver.log.empty(2));
  assert.equal(driver.sent(LEADER), [{ t: 'revoked', index: 2 }]);
  driver.authorize();
  assert.is(driver.status().unready, null);
  driver.from(LEADER, driver.log.visible(2));
  const { visible, received, lastIndex, hash } = driver.status();
  assert.equal([visible, received, lastIndex, hash], [2, 2, 0, EMPTY_HASH]);
});

test('an entry that was received before is ignored', () => {
  const driver = Driver.atWork([A]);
  const entry = driver.log.entry(2, [buy('A')]);
  driver.from(LEADER, entry, entry);
  driver.from(LEADER, driver.log.visible(2), entry);
  assert.is(driver.status().hash, driver.log.hash);
  assert.is(driver.status().received, 2);
});

test('a hash that differs breaks a rule: the sentence says what to do', () => {
  const driver = Driver.atWork([A]);
  driver.from(LEADER, driver.log.entry(2, [buy('A')]));
  const frame = { t: 'visible', index: 2, skips: [], hash: 'ab'.repeat(32) };
  assert.throws(
    () => driver.from(LEADER, frame),
    /up to batch 2 has hash [0-9a-f]{64} here and (ab){32} at the leader: start this catalog again/,
  );
  assert.is(driver.status().lastIndex, 0);
  const here = Driver.atWork([A]);
  const again = { t: 'visible', index: here.status().visible, skips: [], hash: 'ab'.repeat(32) };
  assert.throws(() => here.from(LEADER, again), /has hash [0-9a-f]{64} here/, 'also where nothing is new');
});

test('what is followed is told as it is decided', () => {
  const driver = Driver.atWork([A]);
  driver.from(
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
  assert.equal(driver.events(), []);
  driver.from(LEADER, driver.log.visible(2));
  assert.equal(driver.events(), [
    { kind: 'traced', requestId: 'request-b', index: 2, position: 1, outcome: -2 },
    { kind: 'traced', requestId: 'request-a', index: 2, position: 0, outcome: 5500 },
  ]);
});

test('too many entries that are not visible, or too many bytes of them, close the link to the leader', () => {
  const bytes = batchOf([buy('A')]).byteLength;
  for (const bounds of [{ entriesMax: 2 }, { entryBytesMax: 2 * bytes }]) {
    const driver = Driver.atWork([A], bounds);
    driver.from(LEADER, driver.log.entry(2, [buy('A')]), driver.log.entry(3, [buy('A')]));
    driver.from(LEADER, driver.log.visible(2), driver.log.entry(4, [buy('A')]));
    assert.equal(driver.closes(), [], 'what is visible counts no more');
    driver.from(LEADER, driver.log.entry(5, [buy('A')]));
    assert.equal(driver.closes(), [[LEADER, 'too many entries are not visible yet']]);
    assert.is(driver.status().leader, null);
    driver.replicaGone(LEADER);
    driver.replica(2);
    driver.from(2, { t: 'lead', term: 1 });
    const attach = driver.sent(2)[1];
    assert.ok(attach?.t === 'attach' && attach.visible === 2);
  }
});

test('snapshot: its parts together take the place of the stocks, and of all that caches hold', () => {
  const driver = Driver.atWork([A, B]);
  driver.holder(1, 'A', 'B');
  driver.log.entry(5, [buy('A', 7), list('C', 300)]);
  driver.log.visible(6);
  const [first, ...others] = driver.log.snapshot(3);
  driver.from(LEADER, first);
  assert.is(driver.status().visible, 1);
  driver.from(LEADER, ...others);
  assert.equal(driver.sent(1), [{ t: 'revoke', seq: 1, names: ['A', 'B'] }]);
  assert.equal(driver.sent(LEADER), []);
  driver.say(1, { t: 'dropped', seq: 1 });
  assert.equal(driver.sent(LEADER), [{ t: 'revoked', index: 6 }]);
  assert.equal(driver.lookup(1, 'A'), [5500, 93, 5, true]);
  assert.equal(driver.lookup(1, 'C'), [300, 0, 5, true]);
  const { visible, received, lastIndex, hash } = driver.status();
  assert.equal([visible, received, lastIndex, hash], [6, 6, 5, driver.log.hash]);
});

test('snapshot of what is visible already: ignored', () => {
  const driver = Driver.atWork([A]);
  const old = driver.log.snapshot();
  driver.from(LEADER, driver.log.entry(2, [buy('A')]), driver.log.visible(2), ...old);
  assert.is(driver.status().lastIndex, 2);
  driver.frontend(1);
  assert.equal(driver.lookup(1, 'A'), [5500, 99, 2, true]);
});

test('snapshot: parts of a leader that was followed before are not taken for those of the next', () => {
  const driver = new Driver([A, B]);
  for (const link of [1, 2]) driver.replica(link);
  const [first, second] = driver.log.snapshot(2);
  driver.from(1, { t: 'lead', term: 1 }, first);
  driver.from(2, { t: 'lead', term: 2 });
  driver.from(1, second);
  assert.is(driver.status().life, null);
  assert.throws(() => driver.from(2, second), /not the next one/);
  driver.from(2, first, second);
  assert.is(driver.status().life, LIFE);
});

test('what does not go together closes the link', () => {
  const driver = Driver.atWork([A, B]);
  const { log } = driver;
  driver.from(LEADER, log.entry(2, [buy('A')]), log.visible(2), log.entry(3, [buy('A')]));
  const cases: readonly (readonly [RegExp, ...(readonly unknown[])])[] = [
    [/not one|position 1/, { t: 'visible', index: 3, skips: [[3, [1]]], hash: EMPTY_HASH }],
    [/of another log/, ...new LeaderLog([A], OTHER_LIFE).snapshot()],
    [/authority came before entry 4/, { t: 'authority', id: 1, logged: 4 }],
    [/not the next one/, { ...log.snapshot(2)[1] }],
    [/between the parts/, log.snapshot(2)[0], { t: 'visible', index: 3, skips: [], hash: EMPTY_HASH }],
  ];
  for (const [reason, ...frames] of cases) assert.throws(() => driver.from(LEADER, ...frames), reason);
  assert.is(driver.status().visible, 2);

  const late = Driver.atWork([A]);
  const other = new LeaderLog([A]);
  other.entry(3, [buy('A')]);
  other.visible(3);
  late.from(LEADER, late.log.entry(5, [buy('A')]));
  assert.throws(() => late.from(LEADER, ...other.snapshot()), /after entries that it does not hold/);

  const fresh = new Driver([A]);
  fresh.replica(LEADER);
  fresh.from(LEADER, { t: 'lead', term: 1 }, fresh.log.empty(2));
  assert.throws(() => fresh.from(LEADER, fresh.log.entry(3, [buy('A')])), /before the first snapshot/);
  assert.throws(() => fresh.authorize(), /before the first snapshot/);
});

test.run();
