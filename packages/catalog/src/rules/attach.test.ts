/** Tests of which leader the catalog follows, and of the leader's frames about that: lead, refused, reset. */
import { EMPTY_HASH } from '@trireme/state-machine';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { CatalogFixture, LEADER, CATALOG_URL } from './testing/driver.js';
import { buy, LeaderLog, LIFE, OTHER_LIFE, stock } from './testing/leader-log.js';

const A = stock('A', 100);
const P1 = '0000000000000001';
const P2 = '0000000000000002';
const NOTHING = { visible: 0, hadAuthority: false, life: null, lastIndex: 0, hash: EMPTY_HASH } as const;

function kinds(driver: CatalogFixture): readonly string[] {
  return driver.takeEvents().map(({ kind }) => kind);
}

test('sends only its URL to a replica that does not lead', () => {
  const driver = new CatalogFixture([A]);
  assert.is(driver.status().unready, 'no leader is known yet');
  driver.openReplica(LEADER);
  assert.equal(driver.takeSent(LEADER), [{ t: 'hello', url: CATALOG_URL }]);
  driver.advanceTo(2000);
  assert.equal(driver.takeSent(LEADER), []);
  assert.is(driver.wakeAt, null);
});

test('lead: attaches and requests authority, at once and four times within one grant', () => {
  const driver = new CatalogFixture([A]);
  driver.openReplica(LEADER);
  driver.takeSent(LEADER);
  driver.receiveFromReplica(LEADER, { t: 'lead', term: 3 });
  assert.equal(driver.takeSent(LEADER), [
    { t: 'attach', term: 3, process: P1, ...NOTHING },
    { t: 'requestAuthority', id: 1 },
  ]);
  assert.is(driver.status().unready, 'waiting for the stock table');
  assert.is(driver.wakeAt, 1025);
  driver.advanceTo(1024);
  assert.equal(driver.takeSent(LEADER), []);
  driver.advanceTo(1025);
  assert.equal(driver.takeSent(LEADER), [{ t: 'requestAuthority', id: 2 }]);
  assert.is(driver.wakeAt, 1050);
  driver.receiveFromReplica(LEADER, ...driver.log.snapshot());
  assert.is(driver.status().unready, 'waiting for authority');
  driver.grantAuthority();
  const { process, life, leader, authorityMs, unready } = driver.status();
  assert.equal([process, life, unready], [P1, LIFE, null]);
  assert.equal(leader, { replica: 'replica-100', term: 3 });
  assert.is(authorityMs, 180);
  assert.equal(kinds(driver), ['attached', 'installed', 'authorized']);
});

test('lead with a lower term: ignored while the link to the leader is open', () => {
  const driver = new CatalogFixture([A]);
  for (const link of [1, 2]) driver.openReplica(link);
  driver.receiveFromReplica(1, { t: 'lead', term: 5 }, ...driver.log.snapshot());
  driver.takeSent(2);
  driver.receiveFromReplica(2, { t: 'lead', term: 4 });
  assert.equal(driver.takeSent(2), []);
  assert.is(driver.status().leader?.term, 5);
  driver.closeReplica(1);
  assert.is(driver.status().unready, 'the link to the leader is closed');
  driver.receiveFromReplica(2, { t: 'lead', term: 4 });
  assert.is(driver.status().leader?.term, 4);
  driver.receiveFromReplica(2, { t: 'lead', term: 6 });
  assert.is(driver.takeSent(2).filter(({ t }) => t === 'attach').length, 2, 'attaches again for every lead');
});

test('lead: ignores later frames of the previous leader', () => {
  const driver = CatalogFixture.attached([A]);
  driver.openReplica(2);
  driver.receiveFromReplica(2, { t: 'lead', term: 2 });
  assert.equal(driver.takeSent(2).slice(1), [
    {
      t: 'attach',
      term: 2,
      process: P1,
      visible: 1,
      hadAuthority: true,
      life: LIFE,
      lastIndex: 0,
      hash: EMPTY_HASH,
    },
    { t: 'requestAuthority', id: 2 },
  ]);
  assert.is(driver.status().unready, 'waiting for authority', 'the older authority has ended');
  driver.receiveFromReplica(LEADER, driver.log.entry(2, [buy('A')]));
  driver.grantAuthority(LEADER);
  driver.receiveFromReplica(LEADER, { t: 'refused', reason: 'r' }, { t: 'reset', reason: 'r' });
  assert.is(driver.status().received, 1);
  assert.is(driver.status().leader?.term, 2);
  driver.closeReplica(LEADER);
  assert.is(driver.status().leader?.term, 2);
  assert.equal(driver.takeSent(LEADER), []);
});

test('lead: discards the entries that were not visible, and receives them again', () => {
  const driver = CatalogFixture.attached([A]);
  driver.receiveFromReplica(LEADER, driver.log.entry(2, [buy('A', 50)]), driver.log.entry(3, [buy('A')]));
  driver.log.discardInvisible();
  driver.openReplica(2);
  driver.receiveFromReplica(2, { t: 'lead', term: 2 });
  assert.is(driver.status().received, 1);
  driver.receiveFromReplica(2, driver.log.entry(2, [buy('A', 7)]), driver.log.visible(2));
  driver.grantAuthority(2);
  driver.openFrontend(9);
  assert.equal(driver.lookup(9, 'A'), [5500, 93, 2, true]);
});

test('link to the leader closed: answers look-ups until the authority expires', () => {
  const driver = CatalogFixture.attached([A]);
  driver.openFrontend(1);
  driver.takeSent(1);
  driver.closeReplica(LEADER);
  assert.is(driver.status().leader, null);
  assert.is(driver.wakeAt, 1180);
  driver.advanceTo(1179);
  assert.equal(driver.lookup(1, 'A'), [5500, 100, 0, true]);
  driver.advanceTo(1180);
  assert.is(driver.lookup(1, 'A'), 'unready');
  assert.equal(kinds(driver), ['authorityLost']);
  assert.is(driver.status().authorityMs, 0);
  assert.is(driver.wakeAt, null);
});

test('refused: detaches and waits for the next lead', () => {
  const driver = CatalogFixture.attached([A]);
  driver.receiveFromReplica(LEADER, { t: 'refused', reason: 'catalog-1 is not in the set' });
  assert.equal(driver.takeEvents(), [
    { kind: 'refused', replica: 'replica-100', term: 1, reason: 'catalog-1 is not in the set' },
  ]);
  assert.is(driver.status().leader, null);
  driver.advanceTo(1500);
  assert.match(driver.status().unready ?? '', /refused this catalog: catalog-1 is not in the set/);
  assert.equal(driver.takeSent(LEADER), []);
  driver.receiveFromReplica(LEADER, driver.log.entry(2, [buy('A')]));
  assert.is(driver.status().received, 1);
  driver.receiveFromReplica(LEADER, { t: 'lead', term: 1 });
  assert.is(driver.takeSent(LEADER)[0]?.t, 'attach');
  assert.is(driver.status().unready, 'waiting for authority');
});

test('reset: discards all data, closes front-ends, and attaches with a new instance id', () => {
  const driver = CatalogFixture.attached([A]);
  for (const link of [1, 2]) driver.openFrontendWithCache(link, 'A');
  driver.receiveFromReplica(LEADER, driver.log.entry(2, [buy('A')]));
  driver.takeSent(LEADER);
  driver.receiveFromReplica(LEADER, { t: 'reset', reason: 'restored from a copy' });
  assert.equal(driver.takeCloses(), [
    { link: 1, reason: 'the catalog was reset to another log' },
    { link: 2, reason: 'the catalog was reset to another log' },
  ]);
  assert.equal(driver.takeSent(LEADER), [
    { t: 'attach', term: 1, process: P2, ...NOTHING },
    { t: 'requestAuthority', id: 1 },
  ]);
  assert.equal(kinds(driver), ['reset', 'attached']);
  const { process, life, stocks, visible, received, sessions, unready } = driver.status();
  assert.equal([process, life, stocks, visible, received, sessions], [P2, null, 0, 0, 0, 0]);
  assert.is(unready, 'waiting for the stock table');
  driver.log = new LeaderLog([stock('B', 5)], OTHER_LIFE);
  driver.receiveFromReplica(LEADER, ...driver.log.snapshot());
  driver.grantAuthority();
  driver.receiveFromFrontend(1, { t: 'lookup', items: [[1, 'B']] });
  driver.closeFrontend(1);
  driver.openFrontend(3);
  assert.equal(driver.takeSent(3), [{ t: 'life', life: OTHER_LIFE }]);
  assert.is(driver.lookup(3, 'A'), 'missing');
  assert.equal(driver.lookup(3, 'B'), [5500, 5, 0, true]);
});

test('reset before the first snapshot: rejected, as the leader would send resets for ever', () => {
  const driver = new CatalogFixture([A]);
  driver.openReplica(LEADER);
  driver.receiveFromReplica(LEADER, { t: 'lead', term: 1 });
  assert.throws(
    () => driver.receiveFromReplica(LEADER, { t: 'reset', reason: 'r' }),
    /a reset before the first snapshot/,
  );
});

test('members: passed on, from any replica', () => {
  const driver = new CatalogFixture([A]);
  driver.openReplica(1);
  const members = { t: 'members', index: 4, items: [['1', 'http://127.0.0.1:1']] } as const;
  driver.receiveFromReplica(1, members);
  assert.equal(driver.members, [members]);
});

test('authority expires by time that only the wall clock counted', () => {
  const driver = CatalogFixture.attached([A]);
  driver.clockSkipped(5000);
  assert.equal(kinds(driver), ['authorityLost']);
});

test.run();
