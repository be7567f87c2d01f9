import * as assert from 'uvu/assert';
import { test } from 'uvu';
import { LeaderTracker } from './leader-tracker.js';

test('leader is the replica that reports itself as leader', () => {
  const tracker = new LeaderTracker();
  assert.is(tracker.leader, null);
  assert.not(tracker.isTrusted);
  tracker.onReport('b', '2', '1', 3);
  assert.is(tracker.leader, null, 'a report about another replica is not enough');
  tracker.onReport('a', '1', '1', 3);
  assert.equal(tracker.leader, { replica: 'a', id: '1', term: 3 });
  assert.ok(tracker.isTrusted);
});

test('leader is the one with the highest term, whatever the order of reports', () => {
  for (const order of [0, 1]) {
    const tracker = new LeaderTracker();
    const reports = [() => tracker.onReport('a', '1', '1', 3), () => tracker.onReport('b', '2', '2', 4)];
    reports[order]?.();
    reports[1 - order]?.();
    assert.equal(tracker.leader, { replica: 'b', id: '2', term: 4 });
  }
});

test('leader is null if another replica leads in a higher term without a report of its own', () => {
  const tracker = new LeaderTracker();
  tracker.onReport('a', '1', '1', 3);
  tracker.onReport('b', '2', '3', 4);
  assert.is(tracker.leader, null);
});

test('a higher term without a leader changes nothing: it may be that of a lone candidate', () => {
  const tracker = new LeaderTracker();
  tracker.onReport('a', '1', '1', 3);
  tracker.onReport('b', '2', null, 9);
  assert.equal(tracker.leader, { replica: 'a', id: '1', term: 3 });
});

test('leader is null after its link closed or it reported that it stepped down', () => {
  const tracker = new LeaderTracker();
  tracker.onReport('a', '1', '1', 3);
  tracker.onUnlinked('a');
  assert.is(tracker.leader, null);
  tracker.onReport('a', '1', '1', 3);
  tracker.onReport('a', '1', null, 3);
  assert.is(tracker.leader, null);
});

test('a suspected leader counts only while no other replica reports itself, until its next report', () => {
  const tracker = new LeaderTracker();
  tracker.onNotLeader('a');
  tracker.onReport('a', '1', '1', 3);
  tracker.onNotLeader('a');
  assert.equal(tracker.leader, { replica: 'a', id: '1', term: 3 });
  assert.not(tracker.isTrusted);
  tracker.onReport('b', '2', '2', 2);
  assert.equal(tracker.leader, { replica: 'b', id: '2', term: 2 });
  tracker.onReport('a', '1', '1', 5);
  assert.equal(tracker.leader, { replica: 'a', id: '1', term: 5 });
  assert.ok(tracker.isTrusted);
});

test.run();
