/**
 * The order in which conditions are measured. A machine drifts: caches fill, the disk slows, other programs
 * start. So each repetition measures every condition, in alternating direction, and the drift affects all
 * conditions alike.
 */

/**
 * Every condition once per repetition: forwards in the first repetition, backwards in the second, and so on.
 */
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

/** All pairs of the two lists; the second list varies fastest. */
export function crossProduct<A, B>(first: readonly A[], second: readonly B[]): readonly (readonly [A, B])[] {
  return first.flatMap((a) => second.map((b) => [a, b] as const));
}
