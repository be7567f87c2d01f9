import fc from 'fast-check';
import * as assert from 'uvu/assert';
import { test } from 'uvu';
import {
  FormatError,
  pack,
  REPORT_MEMBERS_MAX,
  unpack,
  type CatalogReport,
  type CatalogToFrontend,
  type FromReplica,
  type ReplicaReport,
} from '@trireme/domain';
import { orderOf, parseFromCatalog, parseFromReplica, stockOf } from './frames.js';

const ORDER = [1, 'AAPL', 'buy', 2, 5500, 0] as const;
const STOCK = ['AAPL', 5500, 100, 7] as const;

const REPLICA_REPORT: ReplicaReport = {
  ...{ role: 'leader', term: 3, leader: '1', leading: true },
  ...{ firstIndex: 1, lastIndex: 9, commit: 8, applied: 7, orders: 4, hash: '0'.repeat(64) },
  learner: false,
  peers: [
    { id: '2', heard: true, told: false, match: 9 },
    { id: '3', heard: false, told: true, match: null },
  ],
};

const CATALOG_REPORT: CatalogReport = {
  ...{ lastIndex: 8, settled: 7, stocks: 2, ready: true },
  sessions: [{ peer: 'frontend-1', leaseMs: 400, names: ['AAPL'] }],
};

const FROM_REPLICA: readonly FromReplica[] = [
  { t: 'leader', self: '1', leader: null, term: 0 },
  { t: 'leader', self: '1', leader: '2', term: 9 },
  {
    t: 'submitted',
    items: [
      [1, 'filled', 10, 5500],
      [2, 'done'],
      [3, 'rejected', 'STOCK_NOT_FOUND'],
      [4, 'keyReused'],
      [5, 'refused', 'notLeader'],
      [6, 'refused', 'busy'],
      [7, 'lost'],
    ],
  },
  {
    t: 'got',
    items: [
      [1, 'order', ORDER],
      [2, 'missing'],
      [3, 'refused', 'busy'],
    ],
  },
  {
    t: 'members',
    index: 7,
    items: [
      ['1', 'http://127.0.0.1:8191'],
      ['2.5f0c9a31', null],
    ],
  },
  { t: 'page', id: 1, orders: [ORDER, [2, 'B', 'sell', 1, 1, 5]], next: 2 },
  { t: 'page', id: 1, orders: [], next: null },
  { t: 'pageRefused', id: 1, why: 'notLeader' },
  { t: 'report', report: REPLICA_REPORT },
  { t: 'report', report: { ...REPLICA_REPORT, role: 'preCandidate', leader: null, peers: [] } },
];

const FROM_CATALOG: readonly CatalogToFrontend[] = [
  { t: 'lease', id: 1, ms: 500 },
  {
    t: 'stocks',
    items: [
      [1, 'stock', STOCK, true],
      [2, 'missing'],
      [3, 'unready'],
    ],
  },
  { t: 'page', id: 1, stocks: [STOCK], next: 'AAPL' },
  { t: 'page', id: 1, stocks: [], next: null },
  { t: 'pageUnready', id: 1 },
  { t: 'revoke', seq: 1, version: 8, names: ['AAPL', 'B'] },
  { t: 'report', report: CATALOG_REPORT },
];

test('frames of the protocol are read as they were sent', () => {
  for (const frame of FROM_REPLICA) assert.equal(parseFromReplica(unpack(pack(frame))), frame);
  for (const frame of FROM_CATALOG) assert.equal(parseFromCatalog(unpack(pack(frame))), frame);
});

const NOT_FROM_REPLICA: readonly unknown[] = [
  null,
  { t: 'report' },
  { t: 'report', report: { ...REPLICA_REPORT, role: 'king' } },
  { t: 'report', report: { ...REPLICA_REPORT, term: -1 } },
  { t: 'report', report: { ...REPLICA_REPORT, peers: [{ id: '2', heard: 1, told: true, match: null }] } },
  {
    t: 'report',
    report: { ...REPLICA_REPORT, peers: Array(REPORT_MEMBERS_MAX + 1).fill(REPLICA_REPORT.peers[0]) },
  },
  [],
  {},
  { t: 'other' },
  { t: 'leader', self: 1, leader: null, term: 0 },
  { t: 'leader', self: '1', leader: '1', term: -1 },
  { t: 'leader', self: '1', term: 1 },
  { t: 'members', index: -1, items: [] },
  { t: 'members', index: 1, items: new Array(16).fill(['1', null]) },
  { t: 'members', index: 1, items: [['1']] },
  { t: 'members', index: 1, items: [['1', 'nowhere']] },
  { t: 'members', index: 1, items: [['1', 'file:///etc']] },
  { t: 'submitted', items: {} },
  { t: 'submitted', items: [[1, 'other']] },
  { t: 'submitted', items: [['1', 'done']] },
  { t: 'submitted', items: [[1, 'filled', 0, 5500]] },
  { t: 'submitted', items: [[1, 'filled', 1, 0]] },
  { t: 'submitted', items: [[1, 'filled', 1, 1_000_000_001]] },
  { t: 'submitted', items: [[1, 'refused', 'tired']] },
  { t: 'submitted', items: [[1, 'rejected', 5]] },
  { t: 'got', items: [[1, 'other']] },
  { t: 'got', items: [[1, 'order', null]] },
  { t: 'got', items: [[1, 'order', [1, 'A', 'hold', 1, 1, 0]]] },
  { t: 'got', items: [[1, 'order', [1, 'A', 'buy', 0, 1, 0]]] },
  { t: 'got', items: [[1, 'order', [1, 'A', 'buy', 1, 1, 9e15]]] },
  { t: 'page', id: 1, orders: new Array(1001).fill(ORDER), next: null },
  { t: 'page', id: 1, orders: [], next: 'x' },
];

const NOT_FROM_CATALOG: readonly unknown[] = [
  { t: 'report', report: { ...CATALOG_REPORT, ready: null } },
  { t: 'report', report: { ...CATALOG_REPORT, sessions: [{ peer: 'a', leaseMs: -1, names: [] }] } },
  'lease',
  { t: 'other' },
  { t: 'lease', id: 1, ms: -1 },
  { t: 'stocks', items: [[1, 'other']] },
  { t: 'stocks', items: [[1, 'stock', STOCK]] },
  { t: 'stocks', items: [[1, 'stock', ['A', 1, -1, 0], true]] },
  { t: 'page', id: 1, stocks: [], next: 5 },
  { t: 'revoke', seq: 1, version: 8, names: 'A' },
  { t: 'revoke', seq: 1, version: 8, names: [1] },
];

test('whatever else comes is refused', () => {
  for (const frame of NOT_FROM_REPLICA) {
    assert.throws(
      () => parseFromReplica(frame),
      (error: unknown) => error instanceof FormatError,
      JSON.stringify(frame),
    );
  }
  for (const frame of NOT_FROM_CATALOG) {
    assert.throws(
      () => parseFromCatalog(frame),
      (error: unknown) => error instanceof FormatError,
      JSON.stringify(frame),
    );
  }
});

test('a lease is a minute at most, whatever is granted', () => {
  assert.equal(parseFromCatalog({ t: 'lease', id: 1, ms: 1e12 }), { t: 'lease', id: 1, ms: 60_000 });
});

test('rows are orders and stocks', () => {
  assert.equal(orderOf(ORDER), { number: 1, name: 'AAPL', type: 'buy', quantity: 2, price: 5500, time: 0 });
  assert.equal(stockOf(STOCK), { name: 'AAPL', price: 5500, quantity: 100, version: 7 });
});

const KINDS = [
  'leader',
  'submitted',
  'got',
  'page',
  'pageRefused',
  'lease',
  'stocks',
  'pageUnready',
  'revoke',
];
const FIELDS = [
  'self',
  'leader',
  'term',
  'items',
  'id',
  'orders',
  'next',
  'why',
  'ms',
  'stocks',
  'seq',
  'version',
  'names',
];

test('whatever comes in, the parsers throw FormatError and nothing else', () => {
  const fields = Object.fromEntries(FIELDS.map((name) => [name, fc.anything()]));
  const lists = Object.fromEntries(FIELDS.map((name) => [name, fc.array(fc.array(fc.anything()))]));
  const t = fc.constantFrom(...KINDS);
  const frames = fc.oneof(fc.anything(), fc.record({ ...fields, t }), fc.record({ ...lists, t }));
  fc.assert(
    fc.property(frames, fc.uint8Array({ maxLength: 64 }), (frame, bytes) => {
      for (const parse of [parseFromReplica, parseFromCatalog]) {
        for (const make of [() => frame, () => unpack(bytes)]) {
          try {
            parse(make());
          } catch (error) {
            assert.instance(error, FormatError);
          }
        }
      }
    }),
    { numRuns: 2000 },
  );
});

test.run();
