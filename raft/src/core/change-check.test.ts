/** Which membership changes a leader refuses, by who answers and who has the log. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { NEW_VOTER_LAG_MAX, checkChange } from './change-check.js';
import { RaftError } from './errors.js';
import { changeMembership } from './membership-change.js';
import { initialMembership, type Membership } from './membership.js';
import { accept, settledLeader } from './testing/groups.js';
import { ELECTION_TICKS, leaderOf, type Member } from './testing/member.js';
import { changeOf, message } from './testing/messages.js';

const GROUP = changeMembership(initialMembership(['a', 'b', 'c']), changeOf('?d ?e'));

/** Why a change of `from` is refused where only `up` answer, in the first word of its message's code. */
function refusalOf(change: string, up: string, lag = 0, from: Membership = GROUP): string {
  const isReachable = (id: string): boolean => up.includes(id);
  const lagOf = (id: string): number | null => (from.addresses.has(id) ? lag : null);
  try {
    checkChange(from, changeMembership(from, changeOf(change)), { isReachable, lagOf });
    return 'none';
  } catch (error) {
    assert.instance(error, RaftError);
    return error instanceof RaftError ? error.code : '';
  }
}

const CASES: readonly [change: string, up: string, refusal: string][] = [
  ['+d', 'a b c d', 'none'],
  ['+d', 'a b d', 'none'],
  // One voter down and a dead learner: two of four would be left.
  ['+d', 'a b', 'NOT_CAUGHT_UP'],
  ['+d', 'a b c', 'NOT_CAUGHT_UP'],
  ['+f', 'a b c f', 'NOT_CAUGHT_UP'],
  ['-c', 'a b', 'none'],
  ['-b', 'a b', 'QUORUM_UNREACHABLE'],
  ['?b', 'a b', 'QUORUM_UNREACHABLE'],
  ['-b', 'a b c', 'none'],
  ['-c +d', 'a b d', 'none'],
  ['-b +d', 'a b d', 'none'],
  ['-b -c', 'a b', 'none'],
  // The old half of the joint configuration has to decide as well.
  ['-b -c +d +e', 'a d e', 'QUORUM_UNREACHABLE'],
  ['-b -c +d +e', 'a b d e', 'none'],
  ['?f -d', 'a b', 'none'],
];

for (const [change, up, refusal] of CASES) {
  test(`${change} where ${up} answer: ${refusal}`, () => {
    assert.is(refusalOf(change, up), refusal);
  });
}

test('a new voter may lack a little of the log, and no more', () => {
  assert.is(refusalOf('+d', 'a b c d', NEW_VOTER_LAG_MAX), 'none');
  assert.is(refusalOf('+d', 'a b c d', NEW_VOTER_LAG_MAX + 1), 'NOT_CAUGHT_UP');
  assert.is(refusalOf('-b', 'a c', 1e9), 'none', 'who votes already is not asked');
});

test('the message says who does not answer, what is needed, and what to do', () => {
  const a = settledLeader(['a', 'b', 'c', 'd']);
  for (let tick = 0; tick < ELECTION_TICKS; tick += 1) {
    for (const from of ['b', 'c']) a.step(message('heartbeatResponse', { from, to: 'a' }));
    a.tick();
  }
  assert.throws(
    () => a.core.changeMembership(changeOf('-b -c')),
    'the group was not changed: d does not answer the leader, so that only 1 of the voters a and d could decide, and 2 are ' +
      'needed. Start it first, or force the change.',
  );
});

/** Whether the leader lets `c` stay alone with it, which takes that it answers. */
function isReachable(a: Member): boolean {
  return a.core.leadership?.isReachable('c') === true;
}

test('a member answers that was heard of in this term, lately, and since its link last broke', () => {
  const a = leaderOf();
  assert.not.ok(isReachable(a), 'that it has voted says nothing of this term');
  accept(a, ['c'], 1);
  assert.ok(isReachable(a));
  a.core.linkLost('c');
  assert.not.ok(isReachable(a));
  a.step(message('heartbeatResponse', { from: 'c', to: 'a' }));
  assert.ok(isReachable(a));
  for (let tick = 0; tick < ELECTION_TICKS; tick += 1) {
    a.step(message('heartbeatResponse', { from: 'b', to: 'a' }));
    a.tick();
  }
  assert.not.ok(isReachable(a));
});

test.run();
