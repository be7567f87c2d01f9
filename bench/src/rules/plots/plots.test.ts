import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { compile, type TopLevelSpec } from 'vega-lite';
import type { Latency } from '../outcomes.js';
import { hitRatePlot, itemsPlot } from './cache.js';
import { rampPlot } from './load.js';
import { writesPlot } from './peers.js';
import { soakPlot } from './soak.js';
import { distributionPlot, latencyOverPPlot } from './sweep.js';

const ESTIMATE = { mean: 1, margin: 2, count: 3 };
const POINT = { mean: ESTIMATE, p50: ESTIMATE, p90: ESTIMATE, p99: ESTIMATE, requests: 30 };
const LATENCY: Latency = { count: 1, mean: 1, p50: 1, p90: 1, p99: 1, max: 1 };
const SAMPLE = {
  what: 'write',
  connections: 1,
  repetition: 0,
  perSecond: 10,
  mean: 1,
  p50: 1,
  p99: 1,
  failed: 0,
};

const PLOTS: Readonly<Record<string, TopLevelSpec>> = {
  latency: latencyOverPPlot(
    [
      { ...POINT, kind: 'lookup', cache: 'on', p: 0 },
      { ...POINT, kind: 'order', cache: 'off', p: 0.2, mean: { mean: 1, margin: null, count: 1 } },
    ],
    'a subtitle',
  ),
  distribution: distributionPlot([{ kind: 'lookup', cache: 'on', percentile: 99.9, ms: 3 }], 'a subtitle'),
  hitRate: hitRatePlot(
    [5, 20, 80, 320, 1280, 5120, 20_480].map((cacheSize) => ({
      cacheSize,
      stocks: 10,
      hitRate: 0.5,
      low: 0.4,
      high: 0.6,
      predicted: 0.5,
    })),
    1,
  ),
  items: itemsPlot([{ cacheSize: 5, seconds: 1, items: 3 }], 2, 'a subtitle'),
  soak: soakPlot({
    thousands: Array.from({ length: 1000 }, (_, i) => ({ orders: 1000 * (i + 1), perSecond: 5000 })),
    windows: [{ orders: 1_000_000, perSecond: 5000, memoryMiB: { catalog: 90 } }],
    memoryBeforeMiB: { catalog: 80 },
  }),
  ramp: rampPlot([
    {
      kind: 'lookup',
      connections: 4,
      perSecond: 10,
      pacedPerSecond: 5,
      latenessP99: 0,
      closed: LATENCY,
      paced: LATENCY,
      cpuUs: {},
      failures: {},
    },
  ]),
  writes: writesPlot(
    [
      { ...SAMPLE, system: 'a' },
      { ...SAMPLE, system: 'b' },
    ],
    ['a', 'b'],
  ),
};

for (const [name, spec] of Object.entries(PLOTS)) {
  test(`${name} plot compiles in Vega-Lite without warnings`, () => {
    const warnings: unknown[] = [];
    const record = (...words: readonly unknown[]): unknown => warnings.push(words);
    const logger = {
      level: () => logger,
      warn: (...words: readonly unknown[]) => (record(...words), logger),
      error: (...words: readonly unknown[]) => (record(...words), logger),
      info: () => logger,
      debug: () => logger,
    };
    compile(spec, { logger: logger });
    assert.equal(warnings, []);
  });
}

/** The data rows of a plot. */
function valuesOf(spec: TopLevelSpec | undefined): readonly Record<string, unknown>[] {
  if (spec === undefined || !('data' in spec)) return [];
  const { data } = spec as { data: { values: readonly Record<string, unknown>[] } };
  return data.values;
}

test('latency plot clamps intervals at zero, and draws none for a single repetition', () => {
  const [mean, , single] = valuesOf(PLOTS['latency']);
  assert.equal([mean?.['low'], mean?.['high']], [0, 3]);
  assert.equal([single?.['low'], single?.['high']], [1, 1]);
});

test('distribution plot maps a percentile to one in how many requests takes longer', () => {
  assert.is(valuesOf(PLOTS['distribution'])[0]?.['oneIn'], 1000);
});

test('hit-rate plot shows percent', () => {
  assert.is(valuesOf(PLOTS['hitRate'])[0]?.['percent'], 50);
});

test.run();
