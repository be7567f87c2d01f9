/** Comparison of measurements of Trireme and of other systems. */
import type { Outage } from './outage.js';
import { describeFailures, type Failures } from './outcomes.js';
import { median } from './statistics.js';
import { formatNumber, type Table } from './text.js';

/** One closed-loop run against one system. */
export interface PeerSample {
  /** Kind of request, such as `write`. */
  readonly what: string;
  readonly system: string;
  readonly connections: number;
  /** From 0; runs of the same repetition form a pair. */
  readonly repetition: number;
  /** 200 answers per second. */
  readonly perSecond: number;
  /** Milliseconds from sending a request to its answer. */
  readonly mean: number;
  readonly p50: number;
  readonly p99: number;
  readonly failed: number;
}

/** The same figure of both systems, measured right after each other. */
interface FigurePair {
  readonly ours: number;
  readonly theirs: number;
}

/** Summary of several pairs. */
interface Comparison {
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

/** One failover: a leader killed under load. */
export interface FailoverSample extends Outage {
  readonly system: string;
  readonly repetition: number;
  /** Number of failed requests by reason. */
  readonly failures: Failures;
}

/** Compared figures; for latencies, lower is better. */
export const FIGURES = [
  { figure: 'perSecond', title: 'requests/s' },
  { figure: 'p50', title: 'p50 (ms)' },
  { figure: 'p99', title: 'p99 (ms)' },
] as const;

type Figure = (typeof FIGURES)[number]['figure'];

/** One figure of two systems at one number of connections. */
export interface ComparedFigure extends Comparison {
  readonly what: string;
  readonly figure: Figure;
  readonly oursIs: string;
  readonly theirsIs: string;
  readonly connections: number;
}

/** Compares two systems by their pairs of runs of `what`, for each number of connections. */
export function compareSystems(
  samples: readonly PeerSample[],
  what: string,
  oursIs: string,
  theirsIs: string,
): readonly ComparedFigure[] {
  const samplesOf = (system: string): readonly PeerSample[] =>
    samples.filter((sample) => sample.what === what && sample.system === system);
  const ours = samplesOf(oursIs);
  const counts = [...new Set(ours.map(({ connections }) => connections))];
  return counts.flatMap((connections) =>
    FIGURES.map(({ figure }) => ({
      what,
      figure,
      oursIs,
      theirsIs,
      connections,
      ...compare(pairsOf(ours, samplesOf(theirsIs), connections, figure)),
    })),
  );
}

function pairsOf(
  ours: readonly PeerSample[],
  theirs: readonly PeerSample[],
  connections: number,
  figure: Figure,
): readonly FigurePair[] {
  return ours
    .filter((sample) => sample.connections === connections)
    .flatMap((sample) => {
      const other = theirs.find(
        (candidate) => candidate.connections === connections && candidate.repetition === sample.repetition,
      );
      return other === undefined ? [] : [{ ours: sample[figure], theirs: other[figure] }];
    });
}

/** A table of comparisons: medians, and the median ratio with its minimum and maximum. */
export function comparisonTable(compared: readonly ComparedFigure[]): Table {
  return {
    columns: ['ours / theirs', 'connections', 'figure', 'ours', 'theirs', 'ratio', 'min to max'],
    rows: compared.map((row) => [
      `${row.oursIs} / ${row.theirsIs}`,
      row.connections,
      FIGURES.find(({ figure }) => figure === row.figure)?.title ?? row.figure,
      ...[row.ours, row.theirs, row.ratio].map(formatNumber),
      `${formatNumber(row.ratioMin)} to ${formatNumber(row.ratioMax)}`,
    ]),
  };
}

/** Compared figures of a failover. */
const OUTAGE_FIGURES = [
  { figure: 'untilServedMs', title: 'kill to first acknowledged new write (ms)' },
  { figure: 'silenceMs', title: 'longest time without an acknowledgement (ms)' },
  { figure: 'longestMs', title: 'longest latency of an acknowledged write (ms)' },
] as const;

/**
 * A table of failovers, without the figures that one side lacks in every pair. If it lacks a figure in some pairs,
 * because it did not recover, the title says how many pairs the medians are of.
 */
export function failoverTable(samples: readonly FailoverSample[], oursIs: string, theirsIs: string): Table {
  const samplesOf = (system: string): readonly FailoverSample[] =>
    samples.filter((sample) => sample.system === system);
  const theirs = new Map(samplesOf(theirsIs).map((sample) => [sample.repetition, sample]));
  const rows = OUTAGE_FIGURES.flatMap(({ figure, title }) => {
    const all = samplesOf(oursIs);
    const pairs = all.flatMap((sample) => {
      const [a, b] = [sample[figure], theirs.get(sample.repetition)?.[figure] ?? null];
      return a === null || b === null ? [] : [{ ours: a, theirs: b }];
    });
    if (pairs.length === 0) return [];
    const { ours, theirs: other, ratio, ratioMin, ratioMax } = compare(pairs);
    const range = `${formatNumber(ratioMin)} to ${formatNumber(ratioMax)}`;
    const which = pairs.length < all.length ? `${title}, ${pairs.length} of ${all.length} pairs` : title;
    return [[which, ...[ours, other, ratio].map(formatNumber), range]];
  });
  const reasons = (system: string): string => describeFailures(samplesOf(system));
  const failed = (system: string): string =>
    samplesOf(system)
      .map((sample) => sample.failed)
      .join(', ');
  return {
    columns: ['failover', oursIs, theirsIs, 'ratio', 'min to max'],
    rows: [
      ...rows,
      ['failed writes after the kill, per failover', failed(oursIs), failed(theirsIs), null, null],
      ['failed writes before and after the kill, by reason', reasons(oursIs), reasons(theirsIs), null, null],
    ],
  };
}

/** All samples, as a table for further analysis. */
export function samplesTable(samples: readonly PeerSample[]): Table {
  return {
    columns: [
      'what',
      'system',
      'connections',
      'repetition',
      'per_second',
      'mean_ms',
      'p50_ms',
      'p99_ms',
      'failed',
    ],
    rows: samples.map((sample) => [
      sample.what,
      sample.system,
      sample.connections,
      sample.repetition + 1,
      sample.perSecond,
      sample.mean,
      sample.p50,
      sample.p99,
      sample.failed,
    ]),
  };
}
