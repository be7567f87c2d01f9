/** What runs against us and against others say together. */
import type { Outage } from './outage.js';
import { compare, type Comparison, type Pair } from './ratios.js';
import { failuresOf } from './sweep.js';
import { formatNumber, type Table } from './text.js';
import type { PeakFigures } from './wrk-output.js';

/** One closed-loop run against one system. */
export interface Sample extends PeakFigures {
  /** What was asked of it, such as `write`. */
  readonly what: string;
  readonly system: string;
  readonly connections: number;
  /** From 0; runs of the same repetition make pairs. */
  readonly repetition: number;
}

/** One leader killed under load. */
export interface FailoverSample extends Outage {
  readonly system: string;
  readonly repetition: number;
  /** What the requests that failed got instead of a 200, and how often. */
  readonly failures: Readonly<Record<string, number>>;
}

/** Figures that are compared; of latencies, less is better. */
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

/** Compares two systems by the pairs of `what`, for every number of connections. */
export function compareSystems(
  samples: readonly Sample[],
  what: string,
  oursIs: string,
  theirsIs: string,
): readonly ComparedFigure[] {
  const of = (system: string): readonly Sample[] =>
    samples.filter((sample) => sample.what === what && sample.system === system);
  const ours = of(oursIs);
  const counts = [...new Set(ours.map(({ connections }) => connections))];
  return counts.flatMap((connections) =>
    FIGURES.map(({ figure }) => ({
      ...{ what, figure, oursIs, theirsIs, connections },
      ...compare(pairsOf(ours, of(theirsIs), connections, figure)),
    })),
  );
}

function pairsOf(
  ours: readonly Sample[],
  theirs: readonly Sample[],
  connections: number,
  figure: Figure,
): readonly Pair[] {
  return ours
    .filter((sample) => sample.connections === connections)
    .flatMap((sample) => {
      const other = theirs.find(
        (candidate) => candidate.connections === connections && candidate.repetition === sample.repetition,
      );
      return other === undefined ? [] : [{ ours: sample[figure], theirs: other[figure] }];
    });
}

/** A table of comparisons: medians, and the ratio with its least and greatest. */
export function comparisonTable(compared: readonly ComparedFigure[]): Table {
  return {
    columns: ['ours / theirs', 'connections', 'figure', 'ours', 'theirs', 'ratio', 'least to greatest'],
    rows: compared.map((row) => [
      ...[`${row.oursIs} / ${row.theirsIs}`, row.connections],
      FIGURES.find(({ figure }) => figure === row.figure)?.title ?? row.figure,
      ...[row.ours, row.theirs, row.ratio].map(formatNumber),
      `${formatNumber(row.ratioMin)} to ${formatNumber(row.ratioMax)}`,
    ]),
  };
}

/** Figures of a fail-over that are compared. */
const OUTAGE_FIGURES = [
  { figure: 'untilServedMs', title: 'kill to the first acknowledged new write (ms)' },
  { figure: 'silenceMs', title: 'longest time without an acknowledgement (ms)' },
  { figure: 'longestMs', title: 'longest wait of an acknowledged write (ms)' },
] as const;

/** A table of fail-overs; a figure that one side lacks in every pair is left out. */
export function failoverTable(samples: readonly FailoverSample[], oursIs: string, theirsIs: string): Table {
  const of = (system: string): readonly FailoverSample[] =>
    samples.filter((sample) => sample.system === system);
  const theirs = new Map(of(theirsIs).map((sample) => [sample.repetition, sample]));
  const rows = OUTAGE_FIGURES.flatMap(({ figure, title }) => {
    const pairs = of(oursIs).flatMap((sample) => {
      const [a, b] = [sample[figure], theirs.get(sample.repetition)?.[figure] ?? null];
      return a === null || b === null ? [] : [{ ours: a, theirs: b }];
    });
    if (pairs.length === 0) return [];
    const { ours, theirs: other, ratio, ratioMin, ratioMax } = compare(pairs);
    const range = `${formatNumber(ratioMin)} to ${formatNumber(ratioMax)}`;
    return [[title, ...[ours, other, ratio].map(formatNumber), range]];
  });
  const reasons = (system: string): string => failuresOf(of(system)).join(', ') || 'none';
  const failed = (system: string): string =>
    of(system)
      .map((sample) => sample.failed)
      .join(', ');
  return {
    columns: ['fail-over', oursIs, theirsIs, 'ratio', 'least to greatest'],
    rows: [
      ...rows,
      ['writes not acknowledged, each time', failed(oursIs), failed(theirsIs), null, null],
      ['what they got', reasons(oursIs), reasons(theirsIs), null, null],
    ],
  };
}

/** Every sample, for whoever wants to reckon anew. */
export function samplesTable(samples: readonly Sample[]): Table {
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
      ...[sample.what, sample.system, sample.connections, sample.repetition + 1],
      ...[sample.perSecond, sample.mean, sample.p50, sample.p99, sample.failed],
    ]),
  };
}
