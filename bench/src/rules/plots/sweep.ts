/** Plots of the latency sweep. */
import type { TopLevelSpec } from 'vega-lite';
import type { LatencyPoint } from '../sweep.js';
import { REQUEST_KINDS, type RequestKind } from '../requests.js';
import { COLORS, CONFIG, SCHEMA } from './style.js';

const CACHE_COLOR: {
  field: string;
  type: 'nominal';
  sort: string[];
  title: string;
  scale: { domain: string[]; range: string[] };
} = {
  field: 'cache',
  type: 'nominal',
  sort: ['on', 'off'],
  title: 'cache',
  scale: { domain: ['on', 'off'], range: [COLORS[0], COLORS[1]] },
} as const;

const CACHE_SHAPE = {
  ...CACHE_COLOR,
  scale: { domain: ['on', 'off'], range: ['circle', 'square'] },
} as const;

/** Horizontal offset in percent, so that the intervals of the same p do not overlap. */
const OFFSET = { on: -1.2, off: 1.2 };

/**
 * Mean and 99th percentile over p with confidence intervals, one panel per request type, with the cache on
 * and off.
 */
export function latencyOverPPlot(points: readonly LatencyPoint[], subtitle: string): TopLevelSpec {
  const values = points.flatMap((point) =>
    (['mean', 'p99'] as const).map((figure) => {
      const { mean, margin } = point[figure];
      return {
        figure,
        request: point.kind,
        cache: point.cache,
        percent: point.p * 100 + OFFSET[point.cache],
        ms: mean,
        low: Math.max(0, mean - (margin ?? 0)),
        high: mean + (margin ?? 0),
      };
    }),
  );
  return {
    $schema: SCHEMA,
    config: CONFIG,
    title: { text: 'Latency over the probability of an order after a look-up', subtitle },
    data: { values },
    facet: {
      column: { field: 'request', type: 'nominal', sort: [...REQUEST_KINDS], title: null },
      row: { field: 'figure', type: 'nominal', sort: ['mean', 'p99'], title: null },
    },
    spec: {
      width: 250,
      height: 170,
      encoding: {
        x: {
          field: 'percent',
          type: 'quantitative',
          title: 'orders after look-ups (%)',
          scale: { domain: [-4, 104], nice: false },
          axis: { values: [0, 20, 40, 60, 80, 100] },
        },
        color: CACHE_COLOR,
      },
      layer: [
        {
          mark: { type: 'rule', strokeWidth: 1.5, opacity: 0.7 },
          encoding: {
            y: { field: 'low', type: 'quantitative', title: 'milliseconds', scale: { zero: true } },
            y2: { field: 'high' },
          },
        },
        { mark: { type: 'line' }, encoding: { y: { field: 'ms', type: 'quantitative' } } },
        {
          mark: { type: 'point', filled: true, size: 55, opacity: 1 },
          encoding: { y: { field: 'ms', type: 'quantitative' }, shape: CACHE_SHAPE },
        },
      ],
    },
    resolve: { scale: { y: 'independent' } },
  };
}

/** One point of a distribution: the latency `ms` at a percentile from 0 to 100. */
export interface DistributionPoint {
  readonly kind: RequestKind;
  readonly cache: 'on' | 'off';
  readonly percentile: number;
  readonly ms: number;
}

/** Percentiles with a label on the axis. */
const LABELED = [0, 50, 90, 99, 99.9, 99.99] as const;

/** Latency by percentile with a stretched tail, one panel per request type, with the cache on and off. */
export function distributionPlot(points: readonly DistributionPoint[], subtitle: string): TopLevelSpec {
  const values = points.map(({ kind, cache, percentile, ms }) => ({
    request: kind,
    cache,
    ms,
    // One in how many requests takes longer: 10 for the 90th percentile, 100 for the 99th.
    oneIn: oneIn(percentile),
  }));
  const labels = LABELED.map((percentile) => `${oneIn(percentile)}: '${percentile}'`).join(', ');
  return {
    $schema: SCHEMA,
    config: CONFIG,
    title: { text: 'Latency distribution', subtitle },
    data: { values },
    facet: { column: { field: 'request', type: 'nominal', sort: [...REQUEST_KINDS], title: null } },
    spec: {
      width: 250,
      height: 230,
      mark: { type: 'line', interpolate: 'monotone', strokeWidth: 2 },
      encoding: {
        x: {
          field: 'oneIn',
          type: 'quantitative',
          scale: { type: 'log', domain: [1, oneIn(99.99)], nice: false },
          axis: { values: LABELED.map(oneIn), labelExpr: `({${labels}})[datum.value]`, labelFlush: false },
          title: 'percentile',
        },
        y: {
          field: 'ms',
          type: 'quantitative',
          scale: { type: 'log', nice: true },
          axis: { format: '~g', tickCount: 6 },
          title: 'milliseconds',
        },
        color: CACHE_COLOR,
        strokeDash: {
          ...CACHE_COLOR,
          scale: {
            domain: ['on', 'off'],
            range: [
              [1, 0],
              [6, 3],
            ],
          },
        },
      },
    },
    resolve: { scale: { y: 'independent' } },
  };
}

function oneIn(percentile: number): number {
  return Math.round(1e4 / (100 - percentile)) / 100;
}
