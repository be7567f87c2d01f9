/** Groups whose members change, as tests write them. */
import { makeEntry } from '../entry.js';
import { changeMembership } from '../membership-change.js';
import { encodeMembership } from '../membership-codec.js';
import { initialMembership } from '../membership.js';
import type { Entry } from '../types.js';
import { leaderOf, type Member } from './member.js';
import { changeOf, message } from './messages.js';
import { networkOf, type Network } from './network.js';

/** Members of whom only `voters` form the group; the others wait to be let in. */
export function groupOf(ids: string, voters: string): Network {
  const group = voters.split(' ');
  return networkOf(ids.split(' '), (id) => ({ members: group.includes(id) ? group : [] }));
}

/** A leader whose no-op is committed and applied. */
export function settledLeader(members: readonly string[] = ['a', 'b', 'c']): Member {
  const a = leaderOf({ members });
  accept(a, members, 1);
  return a;
}

/** The members named, but for the leader `a` itself, acknowledge the log up to `match`. */
export function accept(a: Member, from: readonly string[], match: number): void {
  for (const id of from) if (id !== 'a') a.step(message('appendAccepted', { from: id, to: 'a', match }));
  a.take();
}

/** The entry that has `members` changed by `how`. */
export function membershipEntry(index: number, term: number, members: string, how: string): Entry {
  const next = changeMembership(initialMembership(members.split(' ')), changeOf(how));
  return makeEntry(index, term, 'membership', encodeMembership(next));
}
