/**
 * Majority arithmetic: how many are enough, what a quorum has, and whether an election is over. A quorum is a majority
 * of the voters and, while the configuration is joint, one of the outgoing voters as well (Raft 6). Pure.
 */
import type { LogIndex, NodeId } from './types.js';

/** The part of a configuration that decides. */
interface Voters {
  readonly voters: readonly NodeId[];
  /** Empty unless the configuration is joint. */
  readonly outgoing: readonly NodeId[];
}

export type ElectionState = 'won' | 'lost' | 'open';

/** Members that make a majority of `members`: 1 of 1, 2 of 3, 3 of 5. */
export function majorityOf(members: number): number {
  return Math.floor(members / 2) + 1;
}

/** The highest value that a majority of the members has reached; one value for each member. */
export function reachedByMajority(values: readonly LogIndex[]): LogIndex {
  const descending = values.toSorted((a, b) => b - a);
  return descending[majorityOf(values.length) - 1] ?? 0;
}

/** The highest value that a quorum has reached; who is no voter is not asked. */
export function reachedByQuorum({ voters, outgoing }: Voters, valueOf: (id: NodeId) => LogIndex): LogIndex {
  const reached = reachedByMajority(voters.map(valueOf));
  return outgoing.length === 0 ? reached : Math.min(reached, reachedByMajority(outgoing.map(valueOf)));
}

/** Whether those for whom `holds` is true make a quorum. */
export function isQuorum(voters: Voters, holds: (id: NodeId) => boolean): boolean {
  return reachedByQuorum(voters, (id) => (holds(id) ? 1 : 0)) === 1;
}

/** Counts the votes given so far; those of who is no voter do not count. Lost in one half is lost. */
export function electionState(
  { voters, outgoing }: Voters,
  votes: ReadonlyMap<NodeId, boolean>,
): ElectionState {
  const incoming = majorityState(voters, votes);
  if (outgoing.length === 0 || incoming === 'lost') return incoming;
  const other = majorityState(outgoing, votes);
  return incoming === 'won' || other === 'lost' ? other : 'open';
}

function majorityState(voters: readonly NodeId[], votes: ReadonlyMap<NodeId, boolean>): ElectionState {
  let granted = 0;
  let refused = 0;
  for (const voter of voters) {
    const vote = votes.get(voter);
    if (vote === true) granted += 1;
    else if (vote === false) refused += 1;
  }
  const needed = majorityOf(voters.length);
  if (granted >= needed) return 'won';
  return voters.length - refused < needed ? 'lost' : 'open';
}
