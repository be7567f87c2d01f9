/** Tests of latencies, rates, the journal, the report board and the snapshot. */
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { TriremeError, type CatalogReport, type ReplicaReport } from '@trireme/domain';
import { ReportStore } from '../report-store.js';
import { EVENTS_MAX, EventJournal, type ClusterView } from './journal.js';
import { DashboardHistogram, percentile } from './latency-histogram.js';
import { SILENT_AFTER_MS, createSnapshot, type SnapshotInput } from './snapshot.js';
import { OrderCounters, ratesBetween } from './traffic.js';

test('property: percentile is at least the exact value and at most 10% above it', () => {
  const samples = fc.array(fc.double({ min: 0.1, max: 70_000, noNaN: true }), {
    minLength: 1,
    maxLength: 50,
  });
  fc.assert(
    fc.property(samples, fc.double({ min: 0.01, max: 1, noNaN: true }), (all, share) => {
      const latencies = new DashboardHistogram();
      const before = latencies.counts();
      for (const ms of all) latencies.record(ms);
      const exact = all.toSorted((a, b) => a - b)[Math.ceil(all.length * share) - 1] ?? 0;
      const actual = percentile(before, latencies.counts(), share) ?? 0;
      assert.ok(actual >= exact * 0.9999 && actual <= exact * 1.1001, `${actual} for ${exact}`);
    }),
  );
});

test('percentile clamps latencies to the first and last bucket, and is null without samples', () => {
  const latencies = new DashboardHistogram();
  const before = latencies.counts();
  assert.is(percentile(before, before, 0.5), null);
  latencies.record(0);
  assert.is(percentile(before, latencies.counts(), 0.5), 0.1);
  latencies.record(1e9);
  assert.ok((percentile(before, latencies.counts(), 1) ?? 0) > 60_000);
});

test('ratesBetween divides the difference of two samples by the time between them', () => {
  const counters = new OrderCounters();
  const before = counters.sample({ hits: 10, misses: 5 }, 1_000);
  for (let i = 0; i < 8; i += 1) counters.recordFilled(2);
  counters.recordError(new TriremeError('INSUFFICIENT_STOCK', 'insufficient'));
  counters.recordError(new TriremeError('UNAVAILABLE', 'no leader'));
  counters.recordError(new Error('a bug'));
  const rates = ratesBetween(before, counters.sample({ hits: 16, misses: 7 }, 3_000));
  assert.equal([rates.filled, rates.refused, rates.failed, rates.lookups], [4, 0.5, 1, 4]);
  assert.is(rates.hitRatio, 0.75);
  assert.ok((rates.p99Ms ?? 0) >= 2);
  const none = ratesBetween(before, before);
  assert.equal([none.filled, none.hitRatio, none.p50Ms], [0, null, null]);
});

const VIEW: ClusterView = {
  replicas: [
    { id: '1', linked: true },
    { id: '2', linked: true },
  ],
  leader: { replica: '1', term: 3 },
  catalogs: [{ id: 'catalog-1', linked: true }],
};

function texts(journal: EventJournal): readonly string[] {
  return journal.events.map(({ text }) => text).toReversed();
}

test('the journal records changes of links and leaders, and nothing else', () => {
  const journal = new EventJournal();
  journal.update(VIEW, 0, 1);
  assert.equal(texts(journal), [
    'connected to replica 1',
    'connected to replica 2',
    'connected to catalog-1',
    'replica 1 leads in term 3',
  ]);
  journal.update(VIEW, 5, 2);
  assert.is(journal.events.length, 4);
  const disconnected = {
    ...VIEW,
    replicas: [{ id: '1', linked: false }],
    leader: null,
    catalogs: [{ id: 'catalog-1', linked: false }],
  };
  journal.update(disconnected, 10, 3);
  assert.equal(texts(journal).slice(4), [
    'lost the connection to replica 1',
    'lost the connection to catalog-1',
    'no leader known after term 3, waiting for an election',
  ]);
  assert.is(journal.leaderlessMs(60), 50);
  journal.update(disconnected, 61, 4);
  assert.is(journal.leaderlessMs(70), 60, 'the time counts from the loss of the leader');
  journal.update({ ...VIEW, leader: { replica: '2', term: 4 } }, 94.4, 5);
  assert.is(texts(journal).at(-1), 'replica 2 leads in term 4, after 84 ms without a leader');
  assert.is(journal.leaderlessMs(100), null);
});

test('the journal keeps the latest events, latest first', () => {
  const journal = new EventJournal();
  for (let term = 1; term <= EVENTS_MAX + 5; term += 1) {
    journal.update({ ...VIEW, replicas: [], catalogs: [], leader: { replica: '1', term } }, term, term);
  }
  assert.is(journal.events.length, EVENTS_MAX);
  assert.is(journal.events[0]?.text, `replica 1 leads in term ${EVENTS_MAX + 5}`);
});

test('ReportStore requests again only after an answer or a closed link, and keeps the last report', () => {
  const board = new ReportStore<string>();
  assert.is(board.last('1'), null);
  assert.ok(board.tryRequest('1'));
  assert.not(board.tryRequest('1'));
  board.onReport('1', 'here', 7);
  assert.equal(board.last('1'), { report: 'here', receivedAt: 7 });
  assert.ok(board.tryRequest('1'));
  board.onUnlinked('1');
  assert.ok(board.tryRequest('1'));
  assert.is(board.last('1')?.report, 'here');
});

function report(more: Partial<ReplicaReport>): ReplicaReport {
  return {
    role: 'follower',
    term: 3,
    leader: '1',
    leading: false,
    firstIndex: 1,
    lastIndex: 20,
    commit: 18,
    applied: 18,
    orders: 9,
    hash: 'abcdef0123456789',
    learner: false,
    peers: [],
    ...more,
  };
}

const CATALOG: CatalogReport = {
  lastIndex: 18,
  stocks: 700,
  ready: true,
  sessions: [
    { peer: 'frontend-1', leaseMs: 400, names: ['A'] },
    { peer: 'frontend-3', leaseMs: 400, names: ['A', 'B'] },
    { peer: 'frontend-2', leaseMs: 400, names: ['A'] },
    { peer: 'frontend-4', leaseMs: 0, names: ['A'] },
  ],
};

const INPUT: SnapshotInput = {
  now: 10_000,
  time: 5,
  servedBy: 'frontend-1',
  leader: { replica: '1', term: 3 },
  leaderlessMs: null,
  replicas: [
    {
      id: '1',
      linked: true,
      lastReport: {
        receivedAt: 9_900,
        report: report({
          role: 'leader',
          leading: true,
          lastIndex: 25,
          peers: [
            { id: '2', inbound: true, outbound: true, match: 20 },
            { id: '3', inbound: true, outbound: false, match: 25 },
          ],
        }),
      },
    },
    { id: '2', linked: true, lastReport: { receivedAt: 9_900, report: report({}) } },
    { id: '3', linked: true, lastReport: { receivedAt: 9_900, report: report({ learner: true }) } },
  ],
  catalogs: [
    { id: 'catalog-1', linked: true, current: true, lastReport: { receivedAt: 9_900, report: CATALOG } },
    {
      id: 'catalog-2',
      linked: true,
      current: false,
      lastReport: { receivedAt: 9_900, report: { ...CATALOG, sessions: CATALOG.sessions.slice(0, 2) } },
    },
  ],
  stocks: [
    { name: 'A', price: 5500, quantity: 3, version: 4 },
    { name: 'B', price: 1, quantity: 0, version: 0 },
  ],
  isCachedHere: (name) => name === 'B',
  orders: [{ number: 11, name: 'A', type: 'buy', quantity: 2, price: 5500, time: 99 }],
  traffic: ratesBetween(new OrderCounters().sample({ hits: 0, misses: 0 }, 0), {
    ...new OrderCounters().sample({ hits: 0, misses: 0 }, 1),
  }),
  requestsOpen: 1,
  events: [],
};

test('snapshotOf shows roles, lags as reported by the leader, and the front-ends that may cache a stock', () => {
  const shown = createSnapshot(INPUT);
  assert.equal(
    shown.replicas.map(({ id, role, lag }) => [id, role, lag]),
    [
      ['1', 'leader', 0],
      ['2', 'follower', 5],
      ['3', 'learner', 0],
    ],
  );
  assert.equal([shown.health, shown.verdict], ['good', 'Replica 1 leads in term 3; 3 of 3 replicas answer.']);
  assert.equal(
    shown.stocks.map(({ price, cachedHere, cachedBy }) => [price, cachedHere, cachedBy]),
    [
      ['55.00', false, ['frontend-2', 'frontend-3']],
      ['0.01', true, ['frontend-3']],
    ],
  );
  assert.equal(shown.frontends, ['frontend-2', 'frontend-3', 'frontend-4']);
  assert.equal([shown.stocksTotal, shown.ordersTotal, shown.orders[0]?.price], [700, 11, '55.00']);
  assert.is(shown.replicas[0]?.hash, 'abcdef01');
});

test('snapshotOf shows replicas that are unlinked, unknown or silent, and counts them in the verdict', () => {
  const late = { receivedAt: INPUT.now - SILENT_AFTER_MS - 1, report: report({}) };
  const replicas = [
    { id: '1', linked: true, lastReport: late },
    { id: '2', linked: false, lastReport: late },
    { id: '3', linked: true, lastReport: null },
  ];
  const shown = createSnapshot({ ...INPUT, replicas });
  assert.equal(
    shown.replicas.map(({ role, lag }) => [role, lag]),
    [
      ['silent', 0],
      ['unlinked', null],
      ['unknown', null],
    ],
  );
  assert.is(shown.health, 'degraded');
  const leaderless = createSnapshot({ ...INPUT, replicas, leader: null, leaderlessMs: 400 });
  assert.equal([leaderless.health, leaderless.leaderlessMs], ['down', 400]);
  assert.is(leaderless.verdict, 'No leader is known; 1 of 3 replicas answer. Orders wait for a leader.');
  assert.is(leaderless.replicas[1]?.lag, null);
  const [first, second] = INPUT.catalogs.map((catalog) => ({ ...catalog, linked: false, lastReport: null }));
  assert.ok(first !== undefined && second !== undefined);
  const withoutCatalogs = createSnapshot({ ...INPUT, catalogs: [first, second], stocks: [], orders: [] });
  assert.match(withoutCatalogs.verdict, /\. No catalog is ready; the leader answers look-ups\.$/);
  const { frontends, catalogs: shownCatalogs, ordersTotal } = withoutCatalogs;
  assert.equal([frontends, shownCatalogs[0]?.lastIndex, ordersTotal], [[], null, 9]);
});

test('snapshotOf shows the state of each catalog, and a silent one degrades the health', () => {
  const unready = { receivedAt: INPUT.now - 5, report: { ...CATALOG, ready: false } };
  const late = { receivedAt: INPUT.now - SILENT_AFTER_MS - 1, report: CATALOG };
  const [good] = INPUT.catalogs;
  assert.ok(good !== undefined);
  const catalogs = [
    good,
    { id: 'catalog-2', linked: true, current: false, lastReport: unready },
    { id: 'catalog-3', linked: true, current: false, lastReport: late },
    { id: 'catalog-4', linked: true, current: false, lastReport: null },
    { id: 'catalog-5', linked: false, current: false, lastReport: late },
  ];
  const shown = createSnapshot({ ...INPUT, catalogs });
  assert.equal(
    shown.catalogs.map(({ state, current }) => [state, current]),
    [
      ['ready', true],
      ['unready', false],
      ['silent', false],
      ['unknown', false],
      ['unlinked', false],
    ],
  );
  assert.is(shown.health, 'degraded');
  assert.is(shown.verdict, 'Replica 1 leads in term 3; 3 of 3 replicas answer, and 2 of 5 catalogs.');
});

test.run();
