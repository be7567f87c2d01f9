/** Comparison of two systems by the median ratio of interleaved pairs of measurements. */
import { median } from './statistics.js';

/** The same figure of both systems, measured right after each other. */
export interface FigurePair {
  readonly ours: number;
  readonly theirs: number;
}

/** Summary of several pairs. */
export interface Comparison {
  /** Median of our figures. */
  readonly ours: number;
  /** Median of theirs. */
  readonly theirs: number;
  /** Median of ours / theirs over the pairs. Within a pair, a drift of the machine affects both sides. */
  readonly ratio: number;
  /** Minimum and maximum ratio of a pair. */
  readonly ratioMin: number;
  readonly ratioMax: number;
  readonly pairs: number;
}

/** @throws RangeError if there are no pairs, or a figure is not above 0, that is, was not measured. */
export function compare(pairs: readonly FigurePair[]): Comparison {
  for (const { ours, theirs } of pairs) {
    if (!(ours > 0 && theirs > 0))
      throw new RangeError(`cannot compare ${ours} with ${theirs}: both figures must be above 0`);
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
