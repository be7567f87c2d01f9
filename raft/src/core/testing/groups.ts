/** Helpers for tests of groups with changing members. */
import { makeEntry } from '../entry.js';
import { changeMembership } from '../membership-change.js';
import { encodeMembership } from '../membership-codec.js';
import { initialMembership } from '../membership.js';
import type { Entry } from '../types.js';
import { leaderOf, type TestMember } from './test-member.js';
import { parseChange, message } from './messages.js';
import { makeNetwork, type TestNetwork } from './test-network.js';

/** A network of members `ids`, of which `voters` form the group; the others are not added yet. */
export function networkWithVoters(ids: string, voters: string): TestNetwork {
  const group = voters.split(' ');
  return makeNetwork(ids.split(' '), (id) => ({ members: group.includes(id) ? group : [] }));
}

/** A leader whose no-op is committed and applied. */
export function committedLeader(members: readonly string[] = ['a', 'b', 'c']): TestMember {
  const a = leaderOf({ members });
  acknowledge(a, members, 1);
  return a;
}

/** The members `from`, except the leader `a` itself, acknowledge the log up to `match`. */
export function acknowledge(a: TestMember, from: readonly string[], match: number): void {
  for (const id of from) if (id !== 'a') a.step(message('appendAccepted', { from: id, to: 'a', match }));
  a.takeSent();
}

/** The membership entry of a change `how` from the configuration `members`. */
export function makeMembershipEntry(index: number, term: number, members: string, how: string): Entry {
  const next = changeMembership(initialMembership(members.split(' ')), parseChange(how));
  return makeEntry(index, term, 'membership', encodeMembership(next));
}
