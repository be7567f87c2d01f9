/** The report page: its charts, and the escaping of all texts. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { StatusSample } from '../rules/process-checks.js';
import { create, init, read, trade } from '../rules/testing/histories.js';
import type { ScenarioResult } from '../run/run-scenario.js';
import { renderReport } from './page.js';
import { summarizeRun } from './run-summary.js';

const history = [
  init('AAPL', 10),
  read(1, 'AAPL', [0, 4], 10),
  read(1, 'AAPL', [10, 12], 10),
  read(1, 'AAPL', [20, 50], 10),
  read(1, 'AAPL', [55, 60], 'failed'),
  trade(2, 'AAPL', [10, 20], -1),
  create(3, 'k', [210, null], 1),
  trade(2, 'AAPL', [400, 1_000], -1),
];

const sample = (process: string, atMs: number, role: string, term = 1): StatusSample => {
  return { process, atMs, role, term, applied: 1, hash: 'h' };
};

test('pictureOf assigns requests to slices by the time at which they were sent, per kind', () => {
  const { slices, sliceMs, lengthMs } = summarizeRun(history, []);
  assert.is(sliceMs, 50);
  assert.is(lengthMs, 1_000);
  assert.equal(slices['look-ups'], [
    { atMs: 0, medianMs: 4, longestMs: 30, answered: 3, failed: 0, unknown: 0 },
    { atMs: 50, medianMs: null, longestMs: null, answered: 0, failed: 1, unknown: 0 },
  ]);
  assert.equal(
    slices.orders.map(({ atMs, longestMs, unknown }) => [atMs, longestMs, unknown]),
    [
      [0, 10, 0],
      [200, null, 1],
      [400, 600, 0],
    ],
  );
  assert.equal(slices['order reads'], []);
});

test('pictureOf limits the number of slices of a long run', () => {
  const { slices } = summarizeRun(
    Array.from({ length: 5_000 }, (_, i) => read(1, 'AAPL', [i * 200, i * 200 + 1], 1)),
    [],
  );
  assert.ok(slices['look-ups'].length <= 240);
  assert.is(
    slices['look-ups'].reduce((sum, { answered }) => sum + answered, 0),
    5_000,
  );
});

test('pictureOf extends a role until the next one, and ends it when a replica is silent', () => {
  const { replicas } = summarizeRun(history, [
    sample('replica-2', 0, 'follower'),
    sample('replica-1', 0, 'leader'),
    sample('replica-1', 250, 'leader'),
    sample('replica-1', 3_000, 'follower', 2),
    sample('replica-2', 250, 'candidate', 2),
    sample('replica-2', 500, 'leader', 2),
  ]);
  assert.equal(replicas, {
    'replica-1': [
      { fromMs: 0, toMs: 250, role: 'leader', term: 1 },
      { fromMs: 3_000, toMs: 3_000, role: 'follower', term: 2 },
    ],
    'replica-2': [
      { fromMs: 0, toMs: 250, role: 'follower', term: 1 },
      { fromMs: 250, toMs: 500, role: 'candidate', term: 2 },
      { fromMs: 500, toMs: 500, role: 'leader', term: 2 },
    ],
  });
});

const run = (name: string, problems: readonly string[]): ScenarioResult => {
  return {
    name,
    verdicts: [{ check: 'order book', examined: '3 orders', problems }],
    tookMs: 1_234,
    availability: {
      operations: 7,
      acknowledged: 3,
      failed: 1,
      unknown: 1,
      longestGapMs: 190,
      longestGapAtMs: 20,
      longestLookupGapMs: 190,
      longestLookupGapAtMs: 20,
    },
    timeline: [{ atMs: 100, what: 'kill <replica-1>' }],
    picture: summarizeRun(history, [sample('replica-1', 0, 'leader'), sample('replica-1', 500, 'leader')]),
    resources: '',
    folder: 'data/faults/x',
  };
};

test('page shows all scenarios, events, violations and skipped scenarios, with texts escaped', () => {
  const page = renderReport({
    played: [run('the leader & all', []), run('a follower', ['order 2 is <lost>'])],
    skipped: [{ name: 'clocks', reason: 'no libfaketime' }],
    broken: [],
    facts: { seed: '7' },
  });
  assert.match(page, /2 scenarios, <span class="bad">1 violated/);
  assert.match(page, /<td class="ok">ok<\/td>[^]*<td class="bad">FAIL<\/td>/);
  assert.match(page, /the leader &amp; all/);
  assert.match(page, /<title>1, 0\.10 s: kill &lt;replica-1&gt;<\/title>/);
  assert.match(page, /<title>replica-1: leader in term 1<\/title>/);
  assert.match(page, /order 2 is &lt;lost&gt;/);
  assert.match(page, /clocks: no libfaketime/);
  assert.match(page, /seed: 7/);
  assert.match(page, /data\/faults\/x\/history\.jsonl/);
  assert.not.match(page, /<lost>|<replica-1>|src=|https?:/);
});

test('page without violations says so', () => {
  const page = renderReport({ played: [run('a', [])], skipped: [], broken: [], facts: {} });
  assert.match(page, /1 scenario, <span class="ok">none violated/);
});

test('chart omits numbers of marks that would overlap, but keeps their tooltips', () => {
  const timeline = [100, 101, 102, 500].map((atMs) => ({ atMs, what: `done at ${atMs}` }));
  const page = renderReport({ played: [{ ...run('a', []), timeline }], skipped: [], broken: [], facts: {} });
  const numbers = [...page.matchAll(/<text[^>]*y="9"[^>]*>(\d+)<\/text>/g)].map(([, number]) => number);
  assert.equal(numbers, ['1', '4']);
  for (const { atMs } of timeline)
    assert.match(page, new RegExp(`<title>\\d, 0\\.\\d+ s: done at ${atMs}</title>`));
});

test.run();
