/** The membership changes that a leader refuses, depending on which members answer and have the log. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { NEW_VOTER_LAG_ENTRIES_MAX, checkMembershipChange } from './membership-check.js';
import { RaftError } from './errors.js';
import { changeMembership } from './membership-change.js';
import { initialMembership, type Membership } from './membership.js';
import { acknowledge, committedLeader } from './testing/groups.js';
import { ELECTION_TICKS, leaderOf, type TestMember } from './testing/test-member.js';
import { parseChange, message } from './testing/messages.js';

const GROUP = changeMembership(initialMembership(['a', 'b', 'c']), parseChange('?d ?e'));

/** The error code for a change of `from` if only the members `up` answer; `none` if it is accepted. */
function refusalOf(change: string, up: string, lag = 0, from: Membership = GROUP): string {
  const isReachable = (id: string): boolean => up.includes(id);
  const lagOf = (id: string): number | null => (from.addresses.has(id) ? lag : null);
  try {
    checkMembershipChange(from, changeMembership(from, parseChange(change)), { isReachable, lagOf });
    return 'none';
  } catch (error) {
    assert.instance(error, RaftError);
    return error instanceof RaftError ? error.code : '';
  }
}

const CASES: readonly [change: string, up: string, refusal: string][] = [
  ['+d', 'a b c d', 'none'],
  ['+d', 'a b d', 'none'],
  // One voter and the learner are down: only two of four voters would answer.
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
  // The old half of the joint configuration needs a majority as well.
  ['-b -c +d +e', 'a d e', 'QUORUM_UNREACHABLE'],
  ['-b -c +d +e', 'a b d e', 'none'],
  ['?f -d', 'a b', 'none'],
];

for (const [change, up, refusal] of CASES) {
  test(`checkMembershipChange ${change} with ${up} reachable: ${refusal}`, () => {
    assert.is(refusalOf(change, up), refusal);
  });
}

test('a new voter may lack at most NEW_VOTER_LAG_MAX entries', () => {
  assert.is(refusalOf('+d', 'a b c d', NEW_VOTER_LAG_ENTRIES_MAX), 'none');
  assert.is(refusalOf('+d', 'a b c d', NEW_VOTER_LAG_ENTRIES_MAX + 1), 'NOT_CAUGHT_UP');
  assert.is(refusalOf('-b', 'a c', 1e9), 'none', 'the lag of existing voters does not matter');
});

test('the error names the members that do not answer, the required majority, and what to do', () => {
  const a = committedLeader(['a', 'b', 'c', 'd']);
  for (let tick = 0; tick < ELECTION_TICKS; tick += 1) {
    for (const from of ['b', 'c']) a.step(message('heartbeatResponse', { from, to: 'a' }));
    a.tick();
  }
  assert.throws(
    () => a.core.changeMembership(parseChange('-b -c')),
    'the group was not changed: d does not answer the leader, so only 1 of the voters a and d could vote, but 2 are ' +
      'needed. Start it first, or force the change.',
  );
});

/** Whether the leader considers `c` reachable. */
function isReachable(a: TestMember): boolean {
  return a.core.leadership?.isReachable('c') === true;
}

test('a member is reachable if it has answered in this term, recently, and since its link last broke', () => {
  const a = leaderOf();
  assert.not.ok(isReachable(a), 'a vote is not an answer to the leader');
  acknowledge(a, ['c'], 1);
  assert.ok(isReachable(a));
  a.core.onLinkLost('c');
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
