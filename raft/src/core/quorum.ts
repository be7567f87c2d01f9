/**
 * Majority arithmetic: the size of a majority, the value that a quorum has reached, and the state of an
 * election. A quorum is a majority of the voters and, in a joint configuration, also a majority of the outgoing
 * voters (Raft 6). Pure.
 */
import type { LogIndex, NodeId } from './types.js';

/** The voters of a configuration. */
interface Voters {
  readonly voters: readonly NodeId[];
  /** Empty unless the configuration is joint. */
  readonly outgoing: readonly NodeId[];
}

export type ElectionResult = 'won' | 'lost' | 'open';

/** The size of a majority of `members`: 1 of 1, 2 of 3, 3 of 5. */
export function majoritySize(members: number): number {
  return Math.floor(members / 2) + 1;
}

/** The highest value that a majority has reached. @param values one value for each member */
export function highestOfMajority(values: readonly LogIndex[]): LogIndex {
  const descending = values.toSorted((a, b) => b - a);
  return descending[majoritySize(values.length) - 1] ?? 0;
}

/** The highest value that a quorum has reached. @param valueOf is called for voters only */
export function highestOfQuorum({ voters, outgoing }: Voters, valueOf: (id: NodeId) => LogIndex): LogIndex {
  const reached = highestOfMajority(voters.map(valueOf));
  return outgoing.length === 0 ? reached : Math.min(reached, highestOfMajority(outgoing.map(valueOf)));
}

/** Whether the members for which `holds` returns true form a quorum. */
export function isQuorum(voters: Voters, holds: (id: NodeId) => boolean): boolean {
  return highestOfQuorum(voters, (id) => (holds(id) ? 1 : 0)) === 1;
}

/** Counts the votes received so far, only those of voters. A joint election that is lost in one half is lost. */
export function electionResult(
  { voters, outgoing }: Voters,
  votes: ReadonlyMap<NodeId, boolean>,
): ElectionResult {
  const incoming = majorityState(voters, votes);
  if (outgoing.length === 0 || incoming === 'lost') return incoming;
  const old = majorityState(outgoing, votes);
  return incoming === 'won' || old === 'lost' ? old : 'open';
}

function majorityState(voters: readonly NodeId[], votes: ReadonlyMap<NodeId, boolean>): ElectionResult {
  let granted = 0;
  let refused = 0;
  for (const voter of voters) {
    const vote = votes.get(voter);
    if (vote === true) granted += 1;
    else if (vote === false) refused += 1;
  }
  const needed = majoritySize(voters.length);
  if (granted >= needed) return 'won';
  return voters.length - refused < needed ? 'lost' : 'open';
}
