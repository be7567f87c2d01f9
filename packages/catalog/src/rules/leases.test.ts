/** Who was promised what, and for how long. */
import { REPORT_NAMES_MAX } from '@trireme/domain';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { LEASE_MS_MAX, Sessions } from './leases.js';
import { RevocationRound } from './revocations.js';
import { stock } from './testing/frames.js';

const CHANGED = new Map([['A', { ...stock('A', 1), version: 7 }]]);

test('a lease has bounds', () => {
  assert.throws(() => new Sessions(0), /lease/);
  assert.throws(() => new Sessions(LEASE_MS_MAX + 1), /lease/);
});

test('a promise is taken back once', () => {
  const sessions = new Sessions(500);
  sessions.open(1, 'one', 0);
  sessions.promise(1, 'A');
  const held = sessions
    .revoke(['A', 'B'], 0)
    .map(({ session, names }) => [session.link, session.revocationSeq, names]);
  assert.equal(held, [[1, 1, ['A']]]);
  assert.equal(sessions.revoke(['A', 'B'], 0), []);
  assert.is(sessions.get(1)?.revocationSeq, 1);
});

test('a closed session keeps its promises while its lease runs, and is nobody after', () => {
  const sessions = new Sessions(500);
  sessions.open(1, 'one', 0);
  sessions.grant(1, 0);
  sessions.promise(1, 'A');
  sessions.close(1, 10);
  sessions.promise(1, 'B');
  assert.is(sessions.get(1), undefined);
  assert.throws(() => sessions.grant(1, 20), /open session/);
  for (const now of [20, 549]) {
    assert.equal(
      sessions.revoke(['A', 'B'], now).map(({ names }) => names),
      [['A']],
    );
  }
  assert.equal(sessions.revoke(['A'], 550), []);
  assert.is(sessions.size, 0);
});

test('a closed session without a lease is forgotten at once, an unknown one is no matter', () => {
  const sessions = new Sessions(500);
  sessions.open(1, 'one', 0);
  sessions.close(1, 0);
  sessions.close(2, 0);
  assert.is(sessions.size, 0);
});

test('sessions that linger count, until their lease is over', () => {
  const sessions = new Sessions(500, 1);
  assert.ok(sessions.open(1, 'one', 0));
  sessions.grant(1, 0);
  sessions.close(1, 0);
  assert.not.ok(sessions.open(2, 'one', 100));
  assert.ok(sessions.open(2, 'one', 550));
});

test('a round waits for each holder until its answer or the end of its lease', () => {
  const sessions = new Sessions(500);
  for (const link of [1, 2, 3]) {
    sessions.open(link, `frontend-${link}`, 0);
    sessions.promise(link, 'A');
  }
  sessions.grant(1, 0);
  sessions.grant(2, 100);
  const round = new RevocationRound(sessions, CHANGED, 200);
  assert.equal(
    round.frames.map(([link, frame]) => [link, frame.version]),
    [
      [1, 7],
      [2, 7],
      [3, 7],
    ],
  );
  assert.is(round.nextLeaseEnd, 550);
  round.dropped(3, 1);
  assert.equal(round.expire(549), []);
  assert.equal(round.expire(550), ['frontend-1']);
  assert.is(round.nextLeaseEnd, 650);
  round.dropped(2, 0);
  assert.not.ok(round.done);
  round.dropped(2, 1);
  assert.ok(round.done);
  assert.is(round.nextLeaseEnd, null);
});

test('all promises are taken back where any stock may change', () => {
  const sessions = new Sessions(500);
  for (const link of [1, 2, 3]) sessions.open(link, `frontend-${link}`, 0);
  for (const name of ['A', 'B']) sessions.promise(1, name);
  sessions.promise(2, 'B');
  assert.equal(sessions.openLinks(), [1, 2, 3]);
  sessions.grant(2, 0);
  sessions.close(2, 0);
  assert.equal(sessions.openLinks(), [1, 3]);
  const round = new RevocationRound(sessions, null, 10);
  assert.equal(round.frames, [[1, { t: 'revoke', seq: 1, version: 0, names: ['A', 'B'] }]]);
  assert.is(round.nextLeaseEnd, 550, 'the closed one is waited for');
  assert.equal(
    sessions.revoke(null, 20).map(({ session }) => session.link),
    [2],
  );
});

test('a round that changes nothing waits for nobody', () => {
  const sessions = new Sessions(500);
  sessions.open(1, 'one', 0);
  sessions.grant(1, 0);
  assert.ok(new RevocationRound(sessions, new Map(), 0).done);
});

test('a report names the open sessions, their leases and what they may keep, within its bounds', () => {
  const sessions = new Sessions(500);
  sessions.open(1, 'one', 0);
  sessions.open(2, 'two', 0);
  sessions.open(3, 'three', 0);
  sessions.grant(1, 0);
  for (let i = 0; i < REPORT_NAMES_MAX + 1; i++) sessions.promise(1, `S${i}`);
  sessions.promise(2, 'A');
  sessions.close(3, 0);
  const [one, two, ...more] = sessions.report(100);
  assert.equal([one?.peer, one?.leaseMs, one?.names.length], ['one', 450, REPORT_NAMES_MAX]);
  assert.equal(two, { peer: 'two', leaseMs: 0, names: ['A'] });
  assert.equal(more, []);
});

test.run();
