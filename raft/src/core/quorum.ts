/** Majority arithmetic: how many are enough, what a majority has, and whether an election is over. Pure. */
import type { LogIndex, NodeId } from './types.js';

/** Members that make a majority of `members`: 1 of 1, 2 of 3, 3 of 5. */
export function majorityOf(members: number): number {
  return Math.floor(members / 2) + 1;
}

/** The highest value that a majority of the members has reached; one value for each member. */
export function reachedByMajority(values: readonly LogIndex[]): LogIndex {
  const descending = values.toSorted((a, b) => b - a);
  return descending[majorityOf(values.length) - 1] ?? 0;
}

export type ElectionState = 'won' | 'lost' | 'open';

/** Counts the votes that members have given so far; votes of strangers do not count. */
export function electionState(
  members: readonly NodeId[],
  votes: ReadonlyMap<NodeId, boolean>,
): ElectionState {
  let granted = 0;
  let refused = 0;
  for (const member of members) {
    const vote = votes.get(member);
    if (vote === true) granted += 1;
    else if (vote === false) refused += 1;
  }
  const needed = majorityOf(members.length);
  if (granted >= needed) return 'won';
  return members.length - refused < needed ? 'lost' : 'open';
}
