/** Tests of malformed frames: each is rejected with its reason, and changes nothing. */
import { FRAME_ITEMS_MAX, FRONTEND_TO_CATALOG, FormatError, parseFrame } from '@trireme/domain';
import { EMPTY_HASH } from '@trireme/state-machine';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { parseReplicaFrame } from './replica-frames.js';
import { CatalogFixture, LEADER } from './testing/driver.js';
import { batchOf, buy, LIFE, OTHER_LIFE, stock } from './testing/leader-log.js';

const SEED = { life: LIFE, part: 0, parts: 1, stocks: [] };
const SNAPSHOT = {
  t: 'snapshot',
  index: 5,
  life: LIFE,
  lastIndex: 4,
  hash: EMPTY_HASH,
  part: 0,
  parts: 1,
  stocks: [['A', 5500, 1, 4]],
};
const ENTRY = { t: 'entry', index: 5, batch: batchOf([buy('A')]) };
const VISIBLE = { t: 'visible', index: 5, skips: [[4, [0]]], hash: EMPTY_HASH };

const FROM_REPLICAS: readonly (readonly [RegExp, unknown])[] = [
  [/not an object/, 'x'],
  [/not an object/, null],
  [/unknown frame type/, { t: 'other' }],
  [/term/, { t: 'lead' }],
  [/term/, { t: 'lead', term: 0 }],
  [/reason/, { t: 'refused' }],
  [/reason/, { t: 'reset', reason: 'x'.repeat(2000) }],
  [/members/, { t: 'members', index: 1, items: Array.from({ length: 99 }, () => ['1', null]) }],
  [/index/, { ...SNAPSHOT, index: 0 }],
  [/life/, { ...SNAPSHOT, life: 'x' }],
  [/last batch of a snapshot is 6, after its index 5/, { ...SNAPSHOT, lastIndex: 6 }],
  [/hash/, { ...SNAPSHOT, hash: 'AB'.repeat(32) }],
  [/invalid snapshot part 1 of 1/, { ...SNAPSHOT, part: 1 }],
  [/stocks is not a list/, { ...SNAPSHOT, stocks: null }],
  [/invalid stock name in a snapshot/, { ...SNAPSHOT, stocks: [['', 1, 1, 1]] }],
  [/price is not/, { ...SNAPSHOT, stocks: [['A', 0, 1, 1]] }],
  [/price out of bounds/, { ...SNAPSHOT, stocks: [['A', 1e12, 1, 1]] }],
  [/quantity/, { ...SNAPSHOT, stocks: [['A', 1, -1, 1]] }],
  [/version 5 of A is after the last batch/, { ...SNAPSHOT, stocks: [['A', 1, 1, 5]] }],
  [/index/, { ...ENTRY, index: 0 }],
  [/batch is not bytes/, { ...ENTRY, batch: 'x' }],
  [/batch is not bytes/, { t: 'entry', index: 5 }],
  [/MessagePack|batch/, { ...ENTRY, batch: Buffer.from([0xc1]) }],
  [/seed, which must be sent as a snapshot/, { ...ENTRY, batch: batchOf([], { seed: SEED }) }],
  [/new life, which must be sent as a reset/, { ...ENTRY, batch: batchOf([], { life: OTHER_LIFE }) }],
  [/more traces/, { ...ENTRY, traces: Array.from({ length: 2 }, () => [0, 'r']) }],
  [/invalid request id/, { ...ENTRY, traces: [[0, '']] }],
  [/position/, { ...ENTRY, traces: [[-1, 'r']] }],
  [/skips is not a list/, { ...VISIBLE, skips: null }],
  [/skipped positions/, { ...VISIBLE, skips: [[4, 0]] }],
  [/skipped position/, { ...VISIBLE, skips: [[4, [0.5]]] }],
  [/index/, { ...VISIBLE, skips: [[0, [0]]] }],
  [/hash/, { ...VISIBLE, hash: null }],
  [/id/, { t: 'authority', logged: 1 }],
  [/logged/, { t: 'authority', id: 1, logged: -1 }],
];

const FROM_FRONTENDS: readonly (readonly [RegExp, unknown])[] = [
  [/not an object/, []],
  [/unknown frame type/, { t: 'other' }],
  [/id/, { t: 'renew', id: 'x' }],
  [/items/, { t: 'lookup' }],
  [/more than/, { t: 'lookup', items: Array.from({ length: FRAME_ITEMS_MAX + 1 }, () => [1, 'A']) }],
  [/id/, { t: 'lookup', items: [['x', 'A']] }],
  [/id/, { t: 'list', after: '', limit: 1 }],
  [/seq/, { t: 'dropped', seq: 0 }],
];

test('rejects malformed frames of replicas', () => {
  for (const frame of [SNAPSHOT, ENTRY, VISIBLE, { ...ENTRY, batch: null }]) parseReplicaFrame(frame);
  const driver = CatalogFixture.attached([stock('A', 1)]);
  driver.openFrontend(1);
  const before = driver.status();
  for (const [reason, frame] of FROM_REPLICAS) {
    assert.throws(
      () => driver.receiveFromReplica(LEADER, frame),
      (error: unknown) => error instanceof FormatError && reason.test(error.message),
      `${JSON.stringify(frame)} is rejected with ${String(reason)}`,
    );
  }
  assert.equal(driver.status(), before);
});

test('rejects malformed frames of front-ends', () => {
  const driver = CatalogFixture.attached([stock('A', 1)]);
  driver.openFrontend(1);
  driver.takeSent(1);
  for (const [reason, frame] of FROM_FRONTENDS) {
    assert.throws(
      () => driver.catalog.onFrontendMessage(1, frame, driver.now),
      (error: unknown) => error instanceof FormatError && reason.test(error.message),
      `${JSON.stringify(frame)} is rejected with ${String(reason)}`,
    );
  }
  driver.receiveFromFrontend(1, { t: 'list', id: 3, after: '', limit: 5000 });
  assert.equal(driver.takeSent(1), [{ t: 'pageInvalid', id: 3, reason: 'limit is above 1000' }]);
  assert.equal(parseFrame(FRONTEND_TO_CATALOG, { t: 'list', id: 3, after: 5, limit: 5 }).t, 'invalidList');
});

test('ignores frames of unknown links', () => {
  const driver = new CatalogFixture([stock('A', 1)]);
  driver.receiveFromReplica(5, { t: 'nonsense' });
  driver.receiveFromFrontend(6, { t: 'unknown' });
  driver.closeReplica(5);
  driver.closeFrontend(6);
  assert.equal(driver.takeSent(5), []);
});

test.run();
