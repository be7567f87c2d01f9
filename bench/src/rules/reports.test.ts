import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { LatencyHistogram, PERCENTILES, type Latency } from './outcomes.js';
import { cpuTable, loadPage, rampTable, type Burst, type RampStep } from './load.js';
import { soakMemoryTable, soakPage, soakRatios, soakTable } from './soak.js';
import {
  compareSystems,
  failoverTable,
  samplesTable,
  type FailoverSample,
  type PeerSample,
} from './peers.js';
import { peersPage } from './peers-page.js';
import { latencyPoints, throughputPoints, type SweepRun } from './sweep.js';
import { restartPage, restartTable, storedTable } from './restart.js';
import { runsTable, sweepPage } from './sweep-report.js';
import { raftPage, summarizeRounds } from './raft.js';

const NONE: Latency = { count: 0, mean: 0, p50: 0, p90: 0, p99: 0, max: 0 };

function latency(mean: number): Latency {
  return { count: 10, mean, p50: mean, p90: 2 * mean, p99: 3 * mean, max: 4 * mean };
}

function run(repetition: number, p: number, cache: 'on' | 'off', mean: number): SweepRun {
  const order = p === 0 ? NONE : latency(2 * mean);
  return {
    repetition,
    p,
    cache,
    perSecond: 100 * mean,
    hitRate: cache === 'on' ? 0.5 : null,
    latency: { lookup: latency(mean), order, 'order read': order },
    failures: repetition === 1 && p === 0 ? { 'lookup: status 503': 2 } : {},
  };
}

const RUNS = [run(0, 0.2, 'off', 2), run(0, 0, 'on', 1), run(1, 0, 'on', 3), run(1, 0.2, 'off', 4)];

test('histogram summarizes recorded latencies; an empty one is all zeros', () => {
  const histogram = new LatencyHistogram();
  assert.equal(histogram.summary(), NONE);
  for (let ms = 1; ms <= 100; ms++) histogram.record(ms);
  const other = new LatencyHistogram();
  other.record(1e9);
  other.record(-1);
  histogram.add(other);
  const { count, p50, max } = histogram.summary();
  assert.is(count, 102);
  assert.ok(Math.abs(p50 - 50) <= 0.5 && Math.abs(max - 60_000) < 60, `${p50} ${max}`);
  assert.is(PERCENTILES.length, new Set(PERCENTILES).size);
});

test('latencyPoints averages over the repetitions of each condition, without orders at p 0', () => {
  const points = latencyPoints(RUNS);
  assert.equal(
    points.map(({ kind, p, cache }) => `${kind} ${p} ${cache}`),
    ['lookup 0 on', 'lookup 0.2 off', 'order 0.2 off', 'order read 0.2 off'],
  );
  assert.is(points[0]?.mean.mean, 2);
  assert.is(points[0]?.requests, 20);
  assert.is(points[2]?.p99.mean, 18);
});

test('throughputPoints has throughput and hit rate of each condition', () => {
  const [on, off] = throughputPoints(RUNS);
  assert.is(on?.perSecond.mean, 200);
  assert.is(on?.hitRate?.mean, 0.5);
  assert.is(off?.hitRate, null);
});

test('runsTable has a row for each run and request type', () => {
  const { columns, rows } = runsTable(RUNS);
  assert.is(rows.length, 12);
  assert.ok(rows.every((row) => row.length === columns.length));
  assert.is(rows.at(6)?.at(-1), 2);
  assert.is(rows.at(4)?.at(5), null);
});

const SWEEP_PAGE = {
  machine: 'a machine',
  command: 'npm run bench -- sweep',
  clients: 5,
  lookups: 10,
  repetitions: 2,
  cacheSize: 5,
  stocks: 10,
  skew: 1,
  cacheRuns: [{ failures: {} }],
  hitRates: [
    { cacheSize: 5, stocks: 10, hitRate: 0.5, low: 0.4, high: 0.6, predicted: 0.55 },
    { cacheSize: 5, stocks: 20, hitRate: 0.5, low: 0.5, high: 0.5, predicted: 0.45 },
  ],
};

test('sweep page shows failures, intervals and predictions', () => {
  const plots = { latency: '![a](a)', distribution: '![b](b)', hitRate: '![c](c)', items: '![d](d)' };
  const page = sweepPage(RUNS, { ...SWEEP_PAGE, plots });
  assert.match(page, '2 × lookup: status 503');
  assert.match(page, '| lookup | 0% | on | 20 | 2.00 ± 12.7 |');
  assert.match(page, '| 5 | 10 | 50.0 ± 10.0 | 55.0 |');
  assert.match(page, '| 5 | 20 | 50.0 | 45.0 |');
});

test('sweep page without a cache-size sweep has no section on it', () => {
  const plots = { latency: '', distribution: '', hitRate: null, items: null };
  const page = sweepPage([run(0, 0.2, 'on', 1)], { ...SWEEP_PAGE, plots });
  assert.not.match(page, 'Zipf');
  assert.match(page, 'wrong answers: none');
});

function sample(system: string, connections: number, repetition: number, perSecond: number): PeerSample {
  return { what: 'write', system, connections, repetition, perSecond, mean: 1, p50: 1, p99: 2, failed: 0 };
}

const SAMPLES = [
  sample('a', 1, 0, 10),
  sample('b', 1, 0, 5),
  sample('b', 1, 1, 4),
  sample('a', 1, 1, 12),
  sample('a', 64, 0, 100),
  sample('b', 64, 0, 200),
  sample('a', 64, 1, 100),
];

test('compareSystems pairs runs of the same repetition and number of connections', () => {
  const compared = compareSystems(SAMPLES, 'write', 'a', 'b').filter(({ figure }) => figure === 'perSecond');
  assert.equal(
    compared.map(({ connections, ratio, pairs }) => [connections, ratio, pairs]),
    [
      [1, 2.5, 2],
      [64, 0.5, 1],
    ],
  );
  assert.is(samplesTable(SAMPLES).rows.length, SAMPLES.length);
});

function failover(system: string, repetition: number, untilServedMs: number | null): FailoverSample {
  const failures = untilServedMs === null ? { 'status 503': 4 } : {};
  return { system, repetition, untilServedMs, silenceMs: 10, longestMs: 10, failed: 4, failures };
}

test('failoverTable compares both systems, without figures that one side lacks', () => {
  const { rows } = failoverTable([failover('a', 0, 50), failover('b', 0, 100)], 'a', 'b');
  assert.equal(rows[0]?.slice(1), ['50.0', '100', '0.500', '0.500 to 0.500']);
  const ended = failoverTable([failover('a', 0, 50), failover('b', 0, null)], 'a', 'b');
  assert.is(ended.rows.length, rows.length - 1);
  assert.equal(ended.rows.at(-1)?.slice(1), ['none', '4 × status 503', null, null]);
});

test('failoverTable says of how many pairs a median is if a system did not recover in each', () => {
  const samples = [failover('a', 0, 50), failover('b', 0, 100), failover('a', 1, 50), failover('b', 1, null)];
  const { rows } = failoverTable(samples, 'a', 'b');
  assert.match(String(rows[0]?.[0]), /write \(ms\), 1 of 2 pairs$/);
  assert.match(String(rows[1]?.[0]), /acknowledgement \(ms\)$/);
});

test('peers page shows every comparison and the method', () => {
  const page = peersPage({
    machine: 'a machine',
    command: 'npm run bench -- peers',
    etcd: '3.4',
    tool: 'wrk',
    pairs: 2,
    seconds: 1,
    startSeconds: 7,
    orderBytes: 48,
    records: 10,
    failoverPerSecond: 300,
    ours: 'a',
    theirs: 'b',
    failed: 0,
    plot: null,
    compared: compareSystems(SAMPLES, 'write', 'a', 'b'),
    failovers: [failover('a', 0, 50), failover('b', 0, 100)],
  });
  assert.match(page, '| a / b | 1 | requests/s | 11.0 | 4.50 | 2.50 | 2.00 to 3.00 |');
  assert.match(page, 'wrk (one thread)');
  assert.match(page, 'wrk adds samples of the requests that it delayed');
  assert.match(page, '2 pairs of 1 s each, after 7 s');
});

function step(connections: number, perSecond: number): RampStep {
  return {
    kind: 'order',
    connections,
    perSecond,
    pacedPerSecond: perSecond / 2,
    latenessP99: 0.1,
    closed: latency(1),
    paced: latency(2),
    cpuUs: { 'frontend-1': 1e4 / perSecond },
    failures: {},
  };
}

const STEPS = [step(1, 100), step(2, 200), step(4, 150)];

test('rampTable marks the best step, and cpuTable shows its CPU', () => {
  const { columns, rows } = rampTable(STEPS);
  assert.equal(
    rows.map((row) => row[1]),
    ['100', '**200**', '150'],
  );
  assert.ok(rows.every((row) => row.length === columns.length));
  assert.equal(cpuTable(STEPS), {
    columns: ['process', 'order, 2 connections'],
    rows: [['frontend-1', '50.0']],
  });
});

test('load page shows the constant-rate requests', () => {
  const bursts: readonly Burst[] = [0, 1].map((repetition) => ({
    kind: 'lookup',
    repetition,
    requests: 1000,
    perSecond: 500,
    latenessP99: 0.2,
    latency: latency(1),
    failures: {},
  }));
  const about = {
    machine: 'a machine',
    command: 'npm run bench -- load',
    burstConnections: 32,
    repetitions: 2,
    seconds: 3,
    tool: 'wrk',
    pace: 0.5,
    pacedPerSecondMax: 10_000,
    plot: '![ramp](ramp.svg)',
  };
  const page = loadPage(bursts, STEPS, about);
  assert.match(page, '| lookup | 2 × 1000 | 500 | 1.00 ± 0 |');
  assert.match(page, 'at most 10,000/s');
});

test('soak page compares the end of the run with its start', () => {
  const thousands = Array.from({ length: 100 }, (_, i) => ({
    orders: 1000 * (i + 1),
    // The first one is slow (cold code), and so is one near the end (a pause).
    perSecond: i === 0 ? 1000 : i === 97 ? 10 : 5000 - 10 * i,
  }));
  const soak = {
    thousands,
    windows: [
      { orders: 50_000, perSecond: 5000, memoryMiB: { catalog: 85.2 } },
      { orders: 100_000, perSecond: 4500, memoryMiB: { catalog: 90.6 } },
    ],
    memoryBeforeMiB: { catalog: 80.4 },
  };
  assert.equal(soakRatios(thousands).rows, [
    ['one thousand orders', '1,000', '4,010', '4.01'],
    ['median of 5 thousands', '4,970', '4,020', '0.809'],
  ]);
  assert.equal(soakRatios([]).rows, []);
  assert.equal(soakMemoryTable(soak), {
    columns: ['process', 'before (MiB)', 'after 100,000 orders (MiB)'],
    rows: [['catalog', 80, 91]],
  });
  assert.equal(soakTable([]).rows, []);
  const about = {
    machine: 'a machine',
    command: 'npm run bench -- soak',
    connections: 256,
    plot: '![soak](soak.svg)',
  };
  const page = soakPage({ ...soak, ...about });
  for (const part of ['# 100,000 orders without a pause', '| 50000 | 5,000 | 85 |', '![soak](soak.svg)']) {
    assert.match(page, part);
  }
});

test('restart page shows restarts, disk usage and memory', () => {
  const restarts = [
    {
      replica: 'replica-2',
      after: 'SIGTERM' as const,
      readyMs: 1234.5,
      readyMiB: 100.4,
      peakMiB: null,
      ownMiB: 90,
    },
  ];
  const stored = [{ name: 'replica-2', bytes: { book: 200_000_000, log: 1024 * 1024 } }];
  assert.equal(restartTable(restarts).rows, [['replica-2', 'SIGTERM', 1235, 100, null, 90]]);
  assert.equal(storedTable(stored, 1_000_000).rows, [
    ['replica-2', 'book', '190.7', '200'],
    ['replica-2', 'log', '1.0', '1.05'],
  ]);
  const windows = [{ orders: 1_000_000, perSecond: 9000, memoryMiB: { 'replica-2': 90.2 } }];
  const page = restartPage({
    machine: 'a machine',
    command: 'npm run bench -- restart',
    orders: 1_000_000,
    windows,
    stored,
    restarts,
  });
  for (const part of [
    'with 1,000,000 orders',
    '| replica-2 | SIGTERM | 1235 | 100 | – | 90 |',
    '| 1000000 | 9,000 | 90 |',
  ]) {
    assert.match(page, part);
  }
});

test('raft page shows the medians over the rounds of each load', () => {
  const load = { payloadBytes: 128, inFlight: 64 };
  const rounds = [
    ...([
      [1_000, 3],
      [3_000, 1],
      [2_000, 2],
    ] as const),
  ].map(([rate, ms]) => {
    const latencies = new LatencyHistogram();
    for (const value of [ms, ms + 1]) latencies.record(value);
    return { ...load, rate, latency: latencies };
  });
  const row = summarizeRounds(load, [
    { ...load, inFlight: 1, rate: 9, latency: new LatencyHistogram() },
    ...rounds,
  ]);
  assert.equal(
    [row.rounds, row.rate, row.rateMin, row.rateMax, Math.round(row.p50Ms), Math.round(row.maxMs)],
    [3, 2_000, 1_000, 3_000, 2, 3],
  );
  assert.throws(() => summarizeRounds(load, []), RangeError);
  const page = raftPage([row], {
    machine: 'a machine',
    command: 'npm run bench -- raft',
    rounds: 3,
    seconds: 1,
  });
  assert.match(page, '| 128 B | 64 | 2,000 | 1,000 to 3,000 | 2.00 |');
  assert.match(page, 'medians over 3 rounds of 1 s');
});

test.run();
