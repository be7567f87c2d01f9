/** The page over a run: what is drawn of it, and that nothing on it is taken for markup. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { StatusSample } from '../rules/observations.js';
import { create, init, read, trade } from '../rules/testing/histories.js';
import type { RunResult } from '../run/play.js';
import { pageOf } from './page.js';
import { pictureOf } from './picture.js';

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

test('requests are counted in slices by when they were sent, each kind by itself', () => {
  const { slices, sliceMs, lengthMs } = pictureOf(history, []);
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

test('a long run has no more slices than a page shows', () => {
  const { slices } = pictureOf(
    Array.from({ length: 5_000 }, (_, i) => read(1, 'AAPL', [i * 200, i * 200 + 1], 1)),
    [],
  );
  assert.ok(slices['look-ups'].length <= 240);
  assert.is(
    slices['look-ups'].reduce((sum, { answered }) => sum + answered, 0),
    5_000,
  );
});

test('roles last until another is told, and a replica that says nothing is in no role', () => {
  const { replicas } = pictureOf(history, [
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

const run = (name: string, problems: readonly string[]): RunResult => {
  return {
    name,
    verdicts: [{ check: 'order book', examined: '3 orders', problems }],
    tookMs: 1_234,
    availability: {
      ...{ operations: 7, acknowledged: 3, failed: 1, unknown: 1, longestGapMs: 190, longestGapAtMs: 20 },
      ...{ longestLookupGapMs: 190, longestLookupGapAtMs: 20 },
    },
    timeline: [{ atMs: 100, what: 'kill <replica-1>' }],
    picture: pictureOf(history, [sample('replica-1', 0, 'leader'), sample('replica-1', 500, 'leader')]),
    resources: '',
    folder: 'data/faults/x',
  };
};

test('the page names every scenario, what was done, what broke and what was not played', () => {
  const page = pageOf({
    played: [run('the leader & all', []), run('a follower', ['order 2 is <lost>'])],
    skipped: [{ name: 'clocks', reason: 'no libfaketime' }],
    broken: [],
    facts: { seed: '7' },
  });
  assert.match(page, /2 scenarios, <span class="bad">1 violated/);
  assert.match(page, /<td class="ok">kept<\/td>[^]*<td class="bad">VIOLATED<\/td>/);
  assert.match(page, /the leader &amp; all/);
  assert.match(page, /<title>1, 0\.10 s: kill &lt;replica-1&gt;<\/title>/);
  assert.match(page, /<title>replica-1: leader in term 1<\/title>/);
  assert.match(page, /order 2 is &lt;lost&gt;/);
  assert.match(page, /clocks: no libfaketime/);
  assert.match(page, /seed: 7/);
  assert.match(page, /data\/faults\/x\/history\.jsonl/);
  assert.not.match(page, /<lost>|<replica-1>|src=|https?:/);
});

test('with nothing violated it says so', () => {
  const page = pageOf({ played: [run('a', [])], skipped: [], broken: [], facts: {} });
  assert.match(page, /1 scenario, <span class="ok">none violated/);
});

test('marks that stand close together are told apart by pointing: numbers do not overlap', () => {
  const timeline = [100, 101, 102, 500].map((atMs) => ({ atMs, what: `done at ${atMs}` }));
  const page = pageOf({ played: [{ ...run('a', []), timeline }], skipped: [], broken: [], facts: {} });
  const numbers = [...page.matchAll(/<text[^>]*y="9"[^>]*>(\d+)<\/text>/g)].map(([, number]) => number);
  assert.equal(numbers, ['1', '4']);
  for (const { atMs } of timeline)
    assert.match(page, new RegExp(`<title>\\d, 0\\.\\d+ s: done at ${atMs}</title>`));
});

test.run();
