/**
 * In which order conditions are measured. A machine drifts: its caches fill, its disk slows, a neighbour wakes up. So
 * every repetition visits every condition, and which of two goes first alternates.
 */

/** Every repetition's conditions in a row: forwards in the first, backwards in the second, and so on. */
export function interleave<T>(conditions: readonly T[], repetitions: number): readonly Visit<T>[] {
  return Array.from({ length: repetitions }, (_, repetition) => {
    const row = repetition % 2 === 0 ? conditions : conditions.toReversed();
    return row.map((condition) => ({ repetition, condition }));
  }).flat();
}

/** One condition in one repetition. */
export interface Visit<T> {
  /** From 0. */
  readonly repetition: number;
  readonly condition: T;
}

/** Every pair of the two lists, the first list's items outermost. */
export function cross<A, B>(first: readonly A[], second: readonly B[]): readonly (readonly [A, B])[] {
  return first.flatMap((a) => second.map((b) => [a, b] as const));
}
