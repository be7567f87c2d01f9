/** Plot of the load test. */
import type { TopLevelSpec } from 'vega-lite';
import type { RampStep } from '../load.js';
import { REQUEST_KINDS } from '../requests.js';
import { COLORS, CONFIG, SCHEMA } from './style.js';

/** The panels: the plotted value of a step, and its scale. */
const PANELS: readonly {
  readonly title: string;
  readonly scale: 'linear' | 'log';
  readonly value: (step: RampStep) => number;
}[] = [
  { title: 'requests/s', scale: 'linear', value: ({ perSecond }) => perSecond },
  { title: 'paced p50 (ms)', scale: 'log', value: ({ paced }) => paced.p50 },
  { title: 'paced p99 (ms)', scale: 'log', value: ({ paced }) => paced.p99 },
];

/** Throughput and open-loop latencies over the number of connections, one line per request type. */
export function rampPlot(steps: readonly RampStep[]): TopLevelSpec {
  const counts = [...new Set(steps.map(({ connections }) => connections))].sort((a, b) => a - b);
  const panels = PANELS.map(({ title, scale, value }) => ({
    title: { text: title, fontSize: 13, anchor: 'middle' as const },
    width: 270,
    height: 230,
    data: {
      values: steps.map((step) => ({
        request: step.kind,
        connections: step.connections,
        value: value(step),
      })),
    },
    mark: { type: 'line' as const, point: { filled: true, size: 45 } },
    encoding: {
      x: {
        field: 'connections',
        type: 'quantitative' as const,
        scale: { type: 'log' as const, base: 2, nice: false, padding: 8 },
        axis: { values: counts, format: '~d', labelOverlap: false, labelFontSize: 10 },
        title: 'connections',
      },
      y: {
        field: 'value',
        type: 'quantitative' as const,
        title: null,
        scale: { type: scale },
        axis: { format: scale === 'log' ? '~g' : '~s', tickCount: 6 },
      },
      color: {
        field: 'request',
        type: 'nominal' as const,
        sort: [...REQUEST_KINDS],
        title: null,
        scale: { domain: [...REQUEST_KINDS], range: [COLORS[0], COLORS[1], COLORS[2]] },
      },
    },
  }));
  return {
    $schema: SCHEMA,
    config: CONFIG,
    title: {
      text: 'Rising connections',
      subtitle: 'paced: at a constant rate below the peak',
    },
    hconcat: panels,
  };
}
