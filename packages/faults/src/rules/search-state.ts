/** One way in which it may have been so far, and which ways need not be followed. */

export interface State {
  readonly quantity: number;
  /** The open changes that are placed, as bits. */
  readonly placed: bigint;
  readonly placedCount: number;
  /** The open observations that are. */
  readonly seen: bigint;
}

/** Whether `a` can still become `b`, having seen at least as much: what it lacks is open and can be placed now. */
function dominates(a: State, b: State): boolean {
  return (a.placed & ~b.placed) === 0n && (b.seen & ~a.seen) === 0n;
}

/** Adds a state unless another one dominates it, and forgets those that it dominates; tells whether it was added. */
export function addUndominated(states: State[], state: State): boolean {
  if (states.some((other) => dominates(other, state))) return false;
  const kept = states.filter((other) => !dominates(state, other));
  states.length = 0;
  states.push(...kept, state);
  return true;
}
