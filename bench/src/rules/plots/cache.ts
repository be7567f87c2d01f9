/** Plots of the effect of the cache size. */
import type { TopLevelSpec } from 'vega-lite';
import { COLORS, CONFIG, SCHEMA } from './style.js';

/** Hit rate for one cache size and number of stocks: measured and predicted. */
export interface HitRatePoint {
  readonly cacheSize: number;
  readonly stocks: number;
  /** From 0 to 1, as are the values below. */
  readonly hitRate: number;
  readonly low: number;
  readonly high: number;
  readonly predicted: number;
}

/** Hit rate over the number of stocks, one line per cache size; the prediction is dashed. */
export function hitRatePlot(points: readonly HitRatePoint[], skew: number): TopLevelSpec {
  const values = points.map((point) => ({
    stocks: point.stocks,
    size: String(point.cacheSize),
    percent: point.hitRate * 100,
    low: point.low * 100,
    high: point.high * 100,
    predicted: point.predicted * 100,
  }));
  const color = sizeColor(points.map(({ cacheSize }) => cacheSize));
  const y = { type: 'quantitative', title: 'look-ups answered by the cache (%)' } as const;
  return {
    $schema: SCHEMA,
    config: CONFIG,
    title: {
      text: 'Hit rate by cache size and number of stocks',
      subtitle: [
        `stocks chosen by Zipf's law, skew ${skew}`,
        'dots: measured; dashed: predicted for LRU (Che)',
      ],
    },
    data: { values },
    width: 420,
    height: 280,
    encoding: {
      x: {
        field: 'stocks',
        type: 'quantitative',
        scale: { type: 'log', nice: false, padding: 12 },
        axis: { values: [...new Set(points.map(({ stocks }) => stocks))], format: '~d' },
        title: 'stocks',
      },
      color,
    },
    layer: [
      {
        mark: { type: 'line', strokeDash: [5, 4], opacity: 0.8 },
        encoding: { y: { ...y, field: 'predicted', scale: { domain: [0, 100] } } },
      },
      {
        mark: { type: 'rule', strokeWidth: 2 },
        encoding: { y: { ...y, field: 'low' }, y2: { field: 'high' } },
      },
      {
        mark: { type: 'point', filled: true, size: 70, opacity: 1 },
        encoding: { y: { ...y, field: 'percent' } },
      },
    ],
  };
}

/** Number of cached stocks at one time. */
export interface ItemsPoint {
  readonly cacheSize: number;
  /** Time since the start of the load. */
  readonly seconds: number;
  readonly items: number;
}

/** Number of cached stocks over time, one line per cache size; a vertical rule marks the start of orders. */
export function itemsPlot(points: readonly ItemsPoint[], ordersFrom: number, subtitle: string): TopLevelSpec {
  const values = points.map(({ cacheSize, seconds, items }) => ({ size: String(cacheSize), seconds, items }));
  const y = { type: 'quantitative', title: 'stocks in the cache', scale: { type: 'symlog' } } as const;
  const top = Math.max(1, ...points.map(({ items }) => items));
  return {
    $schema: SCHEMA,
    config: CONFIG,
    title: { text: 'Stocks in the cache over time', subtitle },
    width: 560,
    height: 280,
    layer: [
      {
        data: { values },
        mark: { type: 'line', interpolate: 'step-after' },
        encoding: {
          x: {
            field: 'seconds',
            type: 'quantitative',
            title: 'seconds since the start of the load',
            scale: { nice: false },
          },
          y: {
            ...y,
            field: 'items',
            axis: {
              values: [0, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000].filter((tick) => tick <= 1.2 * top),
            },
          },
          color: sizeColor(points.map(({ cacheSize }) => cacheSize)),
        },
      },
      {
        data: { values: [{ seconds: ordersFrom, text: 'orders start' }] },
        encoding: { x: { field: 'seconds', type: 'quantitative' } },
        layer: [
          { mark: { type: 'rule', color: '#555555', strokeDash: [3, 3] } },
          {
            mark: { type: 'text', align: 'left', dx: 5, y: 268, color: '#555555', fontSize: 12 },
            encoding: { text: { field: 'text' } },
          },
        ],
      },
    ],
  };
}

function sizeColor(sizes: readonly number[]): {
  field: 'size';
  type: 'nominal';
  title: string;
  scale: { domain: string[]; range: string[] };
} {
  const domain = [...new Set(sizes)].sort((a, b) => a - b).map(String);
  return {
    field: 'size',
    type: 'nominal',
    title: 'cache size',
    scale: { domain, range: domain.map((_, i) => COLORS[i % COLORS.length] ?? COLORS[0]) },
  };
}
