/** Plot that compares two systems. */
import type { TopLevelSpec } from 'vega-lite';
import { FIGURES, type PeerSample } from '../peers.js';
import { COLORS, CONFIG, SCHEMA } from './style.js';

/** Throughput and latencies at each number of connections: a bar for the median, a dot for each run. */
export function writesPlot(samples: readonly PeerSample[], systems: readonly string[]): TopLevelSpec {
  const values = samples.flatMap((sample) =>
    FIGURES.map(({ figure, title }) => ({
      system: sample.system,
      connections: String(sample.connections),
      figure: title,
      value: sample[figure],
    })),
  );
  const counts = [...new Set(samples.map(({ connections }) => connections))].sort((a, b) => a - b);
  return {
    $schema: SCHEMA,
    config: CONFIG,
    title: { text: 'Orders and puts', subtitle: 'bars: medians; dots: runs' },
    data: { values },
    facet: {
      column: { field: 'figure', type: 'nominal', sort: FIGURES.map(({ title }) => title), title: null },
    },
    spec: {
      width: 230,
      height: 230,
      encoding: {
        x: {
          field: 'connections',
          type: 'nominal',
          sort: counts.map(String),
          title: 'connections',
          axis: { labelAngle: 0 },
        },
        xOffset: { field: 'system', type: 'nominal', sort: [...systems] },
      },
      layer: [
        {
          mark: { type: 'bar' },
          encoding: {
            y: { aggregate: 'median', field: 'value', type: 'quantitative', title: null },
            color: {
              field: 'system',
              type: 'nominal',
              sort: [...systems],
              title: null,
              scale: { domain: [...systems], range: [COLORS[0], COLORS[1]] },
            },
          },
        },
        {
          mark: { type: 'point', filled: true, size: 18, color: 'black', opacity: 0.6 },
          encoding: { y: { field: 'value', type: 'quantitative' } },
        },
      ],
    },
    resolve: { scale: { y: 'independent' } },
  };
}
