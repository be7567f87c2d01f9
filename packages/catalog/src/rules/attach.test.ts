/** Whom the catalog follows: who leads, and what a leader may say of it. */
import { EMPTY_HASH } from '@trireme/state-machine';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Driver, LEADER, URL } from './testing/driver.js';
import { buy, LeaderLog, LIFE, OTHER_LIFE, stock } from './testing/leader-log.js';

const A = stock('A', 100);
const P1 = '0000000000000001';
const P2 = '0000000000000002';
const NOTHING = { visible: 0, hadAuthority: false, life: null, lastIndex: 0, hash: EMPTY_HASH } as const;

function kinds(driver: Driver): readonly string[] {
  return driver.events().map(({ kind }) => kind);
}

test('a link to a replica begins with the url of the catalog; nothing else is said before it leads', () => {
  const driver = new Driver([A]);
  assert.is(driver.status().unready, 'no leader has been heard of yet');
  driver.replica(LEADER);
  assert.equal(driver.sent(LEADER), [{ t: 'hello', url: URL }]);
  driver.at(2000);
  assert.equal(driver.sent(LEADER), []);
  assert.is(driver.wakeAt, null);
});

test('lead: the catalog attaches, and asks for authority at once and four times within one grant', () => {
  const driver = new Driver([A]);
  driver.replica(LEADER);
  driver.sent(LEADER);
  driver.from(LEADER, { t: 'lead', term: 3 });
  assert.equal(driver.sent(LEADER), [
    { t: 'attach', term: 3, process: P1, ...NOTHING },
    { t: 'requestAuthority', id: 1 },
  ]);
  assert.is(driver.status().unready, 'waiting for the stock table');
  assert.is(driver.wakeAt, 1025);
  driver.at(1024);
  assert.equal(driver.sent(LEADER), []);
  driver.at(1025);
  assert.equal(driver.sent(LEADER), [{ t: 'requestAuthority', id: 2 }]);
  assert.is(driver.wakeAt, 1050);
  driver.from(LEADER, ...driver.log.snapshot());
  assert.is(driver.status().unready, 'waiting for authority');
  driver.authorize();
  const { process, life, leader, authorityMs, unready } = driver.status();
  assert.equal([process, life, unready], [P1, LIFE, null]);
  assert.equal(leader, { replica: 'replica-100', term: 3 });
  assert.is(authorityMs, 180);
  assert.equal(kinds(driver), ['attached', 'installed', 'authorized']);
});

test('lead of a lower term: ignored while the link of the leader is open', () => {
  const driver = new Driver([A]);
  for (const link of [1, 2]) driver.replica(link);
  driver.from(1, { t: 'lead', term: 5 }, ...driver.log.snapshot());
  driver.sent(2);
  driver.from(2, { t: 'lead', term: 4 });
  assert.equal(driver.sent(2), []);
  assert.is(driver.status().leader?.term, 5);
  driver.replicaGone(1);
  assert.is(driver.status().unready, 'the link to the leader is closed');
  driver.from(2, { t: 'lead', term: 4 });
  assert.is(driver.status().leader?.term, 4);
  driver.from(2, { t: 'lead', term: 6 });
  assert.is(driver.sent(2).filter(({ t }) => t === 'attach').length, 2, 'each lead is answered');
});

test('a new leader: what comes from the one before changes nothing', () => {
  const driver = Driver.atWork([A]);
  driver.replica(2);
  driver.from(2, { t: 'lead', term: 2 });
  assert.equal(driver.sent(2).slice(1), [
    {
      ...{ t: 'attach', term: 2, process: P1, visible: 1, hadAuthority: true },
      ...{ life: LIFE, lastIndex: 0, hash: EMPTY_HASH },
    },
    { t: 'requestAuthority', id: 2 },
  ]);
  assert.is(driver.status().unready, 'waiting for authority', 'older authority ends');
  driver.from(LEADER, driver.log.entry(2, [buy('A')]));
  driver.authorize(LEADER);
  driver.from(LEADER, { t: 'refused', reason: 'r' }, { t: 'reset', reason: 'r' });
  assert.is(driver.status().received, 1);
  assert.is(driver.status().leader?.term, 2);
  driver.replicaGone(LEADER);
  assert.is(driver.status().leader?.term, 2);
  assert.equal(driver.sent(LEADER), []);
});

test('a new leader: entries that were not visible are forgotten, and come again', () => {
  const driver = Driver.atWork([A]);
  driver.from(LEADER, driver.log.entry(2, [buy('A', 50)]), driver.log.entry(3, [buy('A')]));
  driver.log.loseEntries();
  driver.replica(2);
  driver.from(2, { t: 'lead', term: 2 });
  assert.is(driver.status().received, 1);
  driver.from(2, driver.log.entry(2, [buy('A', 7)]), driver.log.visible(2));
  driver.authorize(2);
  driver.frontend(9);
  assert.equal(driver.lookup(9, 'A'), [5500, 93, 2, true]);
});

test('the link to the leader closes: look-ups are answered until the authority is over', () => {
  const driver = Driver.atWork([A]);
  driver.frontend(1);
  driver.sent(1);
  driver.replicaGone(LEADER);
  assert.is(driver.status().leader, null);
  assert.is(driver.wakeAt, 1180);
  driver.at(1179);
  assert.equal(driver.lookup(1, 'A'), [5500, 100, 0, true]);
  driver.at(1180);
  assert.is(driver.lookup(1, 'A'), 'unready');
  assert.equal(kinds(driver), ['authorityLost']);
  assert.is(driver.status().authorityMs, 0);
  assert.is(driver.wakeAt, null);
});

test('refused: the catalog detaches, and waits for the next leader', () => {
  const driver = Driver.atWork([A]);
  driver.from(LEADER, { t: 'refused', reason: 'catalog-1 is not in the set' });
  assert.equal(driver.events(), [
    { kind: 'refused', replica: 'replica-100', term: 1, reason: 'catalog-1 is not in the set' },
  ]);
  assert.is(driver.status().leader, null);
  driver.at(1500);
  assert.match(driver.status().unready ?? '', /refused this catalog: catalog-1 is not in the set/);
  assert.equal(driver.sent(LEADER), []);
  driver.from(LEADER, driver.log.entry(2, [buy('A')]));
  assert.is(driver.status().received, 1);
  driver.from(LEADER, { t: 'lead', term: 1 });
  assert.is(driver.sent(LEADER)[0]?.t, 'attach');
  assert.is(driver.status().unready, 'waiting for authority');
});

test('reset: everything is forgotten, front-ends are closed, and a process that has just started attaches', () => {
  const driver = Driver.atWork([A]);
  for (const link of [1, 2]) driver.holder(link, 'A');
  driver.from(LEADER, driver.log.entry(2, [buy('A')]));
  driver.sent(LEADER);
  driver.from(LEADER, { t: 'reset', reason: 'restored from a copy' });
  assert.equal(driver.closes(), [
    [1, 'the catalog follows another log'],
    [2, 'the catalog follows another log'],
  ]);
  assert.equal(driver.sent(LEADER), [
    { t: 'attach', term: 1, process: P2, ...NOTHING },
    { t: 'requestAuthority', id: 1 },
  ]);
  assert.equal(kinds(driver), ['reset', 'attached']);
  const { process, life, stocks, visible, received, sessions, unready } = driver.status();
  assert.equal([process, life, stocks, visible, received, sessions], [P2, null, 0, 0, 0, 0]);
  assert.is(unready, 'waiting for the stock table');
  driver.log = new LeaderLog([stock('B', 5)], OTHER_LIFE);
  driver.from(LEADER, ...driver.log.snapshot());
  driver.authorize();
  driver.say(1, { t: 'lookup', items: [[1, 'B']] });
  driver.frontendGone(1);
  driver.frontend(3);
  assert.equal(driver.sent(3), [{ t: 'life', life: OTHER_LIFE }]);
  assert.is(driver.lookup(3, 'A'), 'missing');
  assert.equal(driver.lookup(3, 'B'), [5500, 5, 0, true]);
});

test('reset of a catalog that has nothing: the leader would send another for ever', () => {
  const driver = new Driver([A]);
  driver.replica(LEADER);
  driver.from(LEADER, { t: 'lead', term: 1 });
  assert.throws(() => driver.from(LEADER, { t: 'reset', reason: 'r' }), /nothing to forget/);
});

test('members: handed on, from any replica', () => {
  const driver = new Driver([A]);
  driver.replica(1);
  const members = { t: 'members', index: 4, items: [['1', 'http://127.0.0.1:1']] } as const;
  driver.from(1, members);
  assert.equal(driver.members, [members]);
});

test('time that only the wall clock has counted ends the authority', () => {
  const driver = Driver.atWork([A]);
  driver.clockSkipped(5000);
  assert.equal(kinds(driver), ['authorityLost']);
});

test.run();
