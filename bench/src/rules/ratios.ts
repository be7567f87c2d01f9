/** Two systems measured in turns: what one is to the other, by the medians of pairs. */
import { median } from './statistics.js';

/** The same figure of both, measured one right after the other. */
export interface Pair {
  readonly ours: number;
  readonly theirs: number;
}

/** What several pairs say. */
export interface Comparison {
  /** Median of our figures. */
  readonly ours: number;
  /** Median of theirs. */
  readonly theirs: number;
  /** Median of each pair's ours / theirs: within a pair, the machine's drift falls on both. */
  readonly ratio: number;
  /** The least and the greatest ratio of a pair. */
  readonly ratioMin: number;
  readonly ratioMax: number;
  readonly pairs: number;
}

/** @throws RangeError if there are no pairs, or one of their figures is not above 0: it was not measured. */
export function compare(pairs: readonly Pair[]): Comparison {
  for (const { ours, theirs } of pairs) {
    if (!(ours > 0 && theirs > 0)) throw new RangeError(`${ours} and ${theirs} are no pair of figures`);
  }
  const ratios = pairs.map(({ ours, theirs }) => ours / theirs);
  return {
    ours: median(pairs.map(({ ours }) => ours)),
    theirs: median(pairs.map(({ theirs }) => theirs)),
    ratio: median(ratios),
    ratioMin: Math.min(...ratios),
    ratioMax: Math.max(...ratios),
    pairs: pairs.length,
  };
}
