/** States of the linearizability search, and the elimination of redundant ones. */

export interface SearchState {
  readonly quantity: number;
  /** Bits of the open changes that are placed. */
  readonly placed: bigint;
  readonly placedCount: number;
  /** Bits of the open observations that are placed. */
  readonly observed: bigint;
}

/**
 * Whether `a` makes `b` redundant: `a` has placed a subset of the changes of `b`, so it can still reach `b`,
 * and at least the same observations.
 */
function dominates(a: SearchState, b: SearchState): boolean {
  return (a.placed & ~b.placed) === 0n && (b.observed & ~a.observed) === 0n;
}

/**
 * Adds a state unless another one dominates it, and removes the states that it dominates.
 * @returns whether it was added
 */
export function addUndominated(states: SearchState[], state: SearchState): boolean {
  if (states.some((other) => dominates(other, state))) return false;
  const kept = states.filter((other) => !dominates(state, other));
  states.length = 0;
  states.push(...kept, state);
  return true;
}
