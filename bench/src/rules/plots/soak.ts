/** Plot of a long run of orders. */
import type { TopLevelSpec } from 'vega-lite';
import { median } from '../statistics.js';
import type { SoakResult } from '../soak.js';
import { COLORS, CONFIG, SCHEMA } from './style.js';

/** Maximum number of points of a line; in longer runs a point is the median of several thousands. */
const POINTS_MAX = 200;

const SIZE = { width: 720, height: 210 };

const X = {
  field: 'orders',
  type: 'quantitative' as const,
  title: 'orders filled',
  axis: { format: '~s' },
};

/** Throughput, and below it the memory of each process, over the number of filled orders. */
export function soakPlot({ thousands, windows }: SoakResult): TopLevelSpec {
  const step = Math.max(1, Math.ceil(thousands.length / POINTS_MAX));
  const rates = thousands.flatMap(({ orders }, i) => {
    if (i % step !== 0) return [];
    const rate = median(thousands.slice(i, i + step).map(({ perSecond }) => perSecond));
    return [{ orders, rate }];
  });
  const memory = windows.flatMap(({ orders, memoryMiB }) =>
    Object.entries(memoryMiB).map(([process, mib]) => ({ orders, process, mib })),
  );
  return {
    $schema: SCHEMA,
    config: CONFIG,
    title: { text: 'A long run of orders', subtitle: 'throughput, and resident memory of each process' },
    vconcat: [
      {
        ...SIZE,
        data: { values: rates },
        mark: { type: 'line', color: COLORS[0] },
        encoding: {
          x: X,
          y: { field: 'rate', type: 'quantitative', title: 'orders/s', axis: { format: '~s', tickCount: 6 } },
        },
      },
      {
        ...SIZE,
        data: { values: memory },
        mark: { type: 'line', point: { filled: true, size: 30 } },
        encoding: {
          x: X,
          y: { field: 'mib', type: 'quantitative', title: 'memory (MiB)', axis: { tickCount: 6 } },
          color: { field: 'process', type: 'nominal', title: null, scale: { range: [...COLORS] } },
        },
      },
    ],
  };
}
