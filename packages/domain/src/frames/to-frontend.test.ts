import fc from 'fast-check';
import * as assert from 'uvu/assert';
import { test } from 'uvu';
import { pack, unpack } from '../codec.js';
import { FormatError } from '../errors.js';
import {
  CATALOG_TO_FRONTEND,
  type CatalogToFrontend,
  type ReceivedCatalogToFrontend,
} from './frontend-catalog.js';
import {
  REPLICA_TO_FRONTEND,
  type ReceivedReplicaToFrontend,
  type ReplicaToFrontend,
} from './frontend-replica.js';
import { REPORT_MEMBERS_MAX, type CatalogReport, type ReplicaReport } from './reports.js';
import { parseFrame } from './schema.js';
import { toOrder, toStock } from './values.js';

function parseReplicaFrame(message: unknown): ReceivedReplicaToFrontend {
  return parseFrame(REPLICA_TO_FRONTEND, message);
}

function parseCatalogFrame(message: unknown): ReceivedCatalogToFrontend {
  return parseFrame(CATALOG_TO_FRONTEND, message);
}

const ORDER = [1, 'AAPL', 'buy', 2, 5500, 0] as const;
const STOCK = ['AAPL', 5500, 100, 7] as const;

const REPLICA_REPORT: ReplicaReport = {
  role: 'leader',
  term: 3,
  leader: '1',
  leading: true,
  firstIndex: 1,
  lastIndex: 9,
  commit: 8,
  applied: 7,
  orders: 4,
  hash: '0'.repeat(64),
  learner: false,
  peers: [
    { id: '2', inbound: true, outbound: false, match: 9 },
    { id: '3', inbound: false, outbound: true, match: null },
  ],
};

const CATALOG_REPORT: CatalogReport = {
  lastIndex: 8,
  stocks: 2,
  ready: true,
  sessions: [{ peer: 'frontend-1', leaseMs: 400, names: ['AAPL'] }],
};

const FROM_REPLICA: readonly ReplicaToFrontend[] = [
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
      [8, 'invalid', 'key is not valid'],
    ],
  },
  {
    t: 'got',
    items: [
      [1, 'order', ORDER],
      [2, 'missing'],
      [3, 'refused', 'busy'],
      [4, 'invalid', 'number is not valid'],
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
  {
    t: 'catalogs',
    items: [
      ['catalog-1', 'http://127.0.0.1:8190'],
      ['catalog-2', null],
    ],
  },
  {
    t: 'stocks',
    life: '5f0c9a3100112233',
    items: [
      [1, 'stock', STOCK],
      [2, 'missing'],
      [3, 'refused', 'busy'],
      [4, 'invalid', 'name is not valid'],
    ],
  },
  {
    t: 'stocks',
    life: '',
    items: [
      [1, 'refused', 'busy'],
      [2, 'refused', 'notLeader'],
      [3, 'invalid', 'name is not valid'],
    ],
  },
  { t: 'stockPage', id: 1, stocks: [STOCK], next: 'AAPL' },
  { t: 'pageRefused', id: 1, why: 'notLeader' },
  { t: 'pageInvalid', id: 1, reason: 'limit is not valid' },
  { t: 'report', report: REPLICA_REPORT },
  { t: 'report', report: { ...REPLICA_REPORT, role: 'preCandidate', leader: null, peers: [] } },
];

const FROM_CATALOG: readonly CatalogToFrontend[] = [
  { t: 'life', life: '5f0c9a3100112233' },
  { t: 'lease', id: 1, ms: 500 },
  {
    t: 'stocks',
    items: [
      [1, 'stock', STOCK, true],
      [2, 'missing'],
      [3, 'unready'],
      [4, 'invalid', 'name is not valid'],
    ],
  },
  { t: 'page', id: 1, stocks: [STOCK], next: 'AAPL' },
  { t: 'page', id: 1, stocks: [], next: null },
  { t: 'pageUnready', id: 1 },
  { t: 'pageInvalid', id: 1, reason: 'limit is not valid' },
  { t: 'revoke', seq: 1, names: ['AAPL', 'B'] },
  { t: 'report', report: CATALOG_REPORT },
];

test('parsers return valid frames unchanged', () => {
  for (const frame of FROM_REPLICA) {
    const isOfItems = frame.t === 'submitted' || frame.t === 'got' || frame.t === 'stocks';
    const read = isOfItems ? { ...frame, invalid: [] } : frame;
    assert.equal(parseReplicaFrame(unpack(pack(frame))), read);
  }
  for (const frame of FROM_CATALOG) {
    const read = frame.t === 'stocks' ? { ...frame, invalid: [] } : frame;
    assert.equal(parseCatalogFrame(unpack(pack(frame))), read);
  }
});

const parseLeaderStocks = (frame: unknown): unknown =>
  parseReplicaFrame({ life: 'l1', ...(frame as object) });

const BAD_RESULTS: readonly (readonly [
  parse: (frame: unknown) => unknown,
  t: string,
  item: readonly unknown[],
])[] = [
  [parseReplicaFrame, 'submitted', [2, 'other']],
  [parseReplicaFrame, 'submitted', [2, 'filled', 0, 5500]],
  [parseReplicaFrame, 'submitted', [2, 'filled', 1, 0]],
  [parseReplicaFrame, 'submitted', [2, 'filled', 1, 1_000_000_001]],
  [parseReplicaFrame, 'submitted', [2, 'refused', 'tired']],
  [parseReplicaFrame, 'submitted', [2, 'rejected', 5]],
  [parseReplicaFrame, 'got', [2, 'other']],
  [parseReplicaFrame, 'got', [2, 'order', null]],
  [parseReplicaFrame, 'got', [2, 'order', [1, 'A', 'hold', 1, 1, 0]]],
  [parseReplicaFrame, 'got', [2, 'order', [1, 'A', 'buy', 0, 1, 0]]],
  [parseReplicaFrame, 'got', [2, 'order', [1, 'A', 'buy', 1, 1, 9e15]]],
  [parseLeaderStocks, 'stocks', [2, 'other']],
  [parseLeaderStocks, 'stocks', [2, 'stock', ['A', 0, 1, 0]]],
  [parseLeaderStocks, 'stocks', [2, 'refused', 'tired']],
  [parseCatalogFrame, 'stocks', [2, 'other']],
  [parseCatalogFrame, 'stocks', [2, 'stock', STOCK]],
  [parseCatalogFrame, 'stocks', [2, 'stock', ['A', 1, -1, 0], true]],
];

test('an invalid item is set apart with its id, and the other items are kept', () => {
  for (const [parse, t, item] of BAD_RESULTS) {
    const good = [1, t === 'submitted' ? 'done' : 'missing'];
    const frame = parse({ t, items: [item, good] }) as { items: unknown; invalid: readonly { id: number }[] };
    assert.equal(frame.items, [good], JSON.stringify(item));
    assert.equal(
      frame.invalid.map(({ id }) => id),
      [2],
    );
  }
});

const BAD_PAGES: readonly (readonly [parse: (frame: unknown) => unknown, frame: object])[] = [
  [parseReplicaFrame, { t: 'page', id: 7, orders: new Array(1001).fill(ORDER), next: null }],
  [parseReplicaFrame, { t: 'page', id: 7, orders: [], next: 'x' }],
  [parseReplicaFrame, { t: 'page', id: 7, orders: [[1, 'A', 'buy', 1, 1, 9e15]], next: null }],
  [parseReplicaFrame, { t: 'pageRefused', id: 7, why: 'tired' }],
  [parseReplicaFrame, { t: 'stockPage', id: 7, stocks: [], next: 5 }],
  [parseCatalogFrame, { t: 'page', id: 7, stocks: [], next: 5 }],
];

const BAD_REPORTS: readonly (readonly [parse: (frame: unknown) => unknown, report: unknown])[] = [
  [parseReplicaFrame, undefined],
  [parseReplicaFrame, { ...REPLICA_REPORT, role: 'king' }],
  [parseReplicaFrame, { ...REPLICA_REPORT, term: -1 }],
  [parseReplicaFrame, { ...REPLICA_REPORT, peers: [{ id: '2', inbound: 1, outbound: true, match: null }] }],
  [
    parseReplicaFrame,
    { ...REPLICA_REPORT, peers: Array(REPORT_MEMBERS_MAX + 1).fill(REPLICA_REPORT.peers[0]) },
  ],
  [parseCatalogFrame, { ...CATALOG_REPORT, ready: null }],
  [parseCatalogFrame, { ...CATALOG_REPORT, sessions: [{ peer: 'a', leaseMs: -1, names: [] }] }],
];

test('an invalid page or report does not throw', () => {
  for (const [parse, frame] of BAD_PAGES) {
    const { t, id } = parse(frame) as { t: string; id: number };
    assert.equal([t, id], ['invalidPage', 7], JSON.stringify(frame).slice(0, 80));
  }
  for (const [parse, report] of BAD_REPORTS) {
    assert.is((parse({ t: 'report', report }) as { t: string }).t, 'invalidReport');
  }
});

const NOT_FROM_REPLICA: readonly unknown[] = [
  null,
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
  { t: 'catalogs', items: new Array(17).fill(['catalog-1', null]) },
  { t: 'catalogs', items: [['replica-1', null]] },
  { t: 'catalogs', items: [['catalog-1', 'nowhere']] },
  { t: 'stocks', items: [] },
  { t: 'stocks', life: 'a"b', items: [] },
  { t: 'stocks', life: '', items: [[1, 'stock', STOCK]] },
  { t: 'stocks', life: '', items: [[1, 'missing']] },
  { t: 'submitted', items: {} },
  { t: 'submitted', items: [['1', 'done']] },
  { t: 'page', id: '1', orders: [], next: null },
];

const NOT_FROM_CATALOG: readonly unknown[] = [
  'lease',
  { t: 'other' },
  { t: 'life' },
  { t: 'life', life: '' },
  { t: 'life', life: 'a"b' },
  { t: 'life', life: 'x'.repeat(65) },
  { t: 'lease', id: 1, ms: -1 },
  { t: 'lease', id: 1, ms: NaN },
  { t: 'stocks', items: [[]] },
  { t: 'revoke', seq: 1, names: 'A' },
  { t: 'revoke', seq: 1, names: [1] },
];

test('any other invalid frame is a FormatError', () => {
  for (const frame of NOT_FROM_REPLICA) {
    assert.throws(
      () => parseReplicaFrame(frame),
      (error: unknown) => error instanceof FormatError,
      JSON.stringify(frame),
    );
  }
  for (const frame of NOT_FROM_CATALOG) {
    assert.throws(
      () => parseCatalogFrame(frame),
      (error: unknown) => error instanceof FormatError,
      JSON.stringify(frame),
    );
  }
});

test('a lease is capped at one minute', () => {
  assert.equal(parseCatalogFrame({ t: 'lease', id: 1, ms: 1e12 }), { t: 'lease', id: 1, ms: 60_000 });
});

test('toOrder and stockOf convert rows', () => {
  assert.equal(toOrder(ORDER), { number: 1, name: 'AAPL', type: 'buy', quantity: 2, price: 5500, time: 0 });
  assert.equal(toStock(STOCK), { name: 'AAPL', price: 5500, quantity: 100, version: 7 });
});

const KINDS = [
  'leader',
  'submitted',
  'got',
  'page',
  'pageRefused',
  'catalogs',
  'stockPage',
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
  'names',
];

test('property: the parsers throw nothing but FormatError', () => {
  const fields = Object.fromEntries(FIELDS.map((name) => [name, fc.anything()]));
  const lists = Object.fromEntries(FIELDS.map((name) => [name, fc.array(fc.array(fc.anything()))]));
  const t = fc.constantFrom(...KINDS);
  const frames = fc.oneof(fc.anything(), fc.record({ ...fields, t }), fc.record({ ...lists, t }));
  fc.assert(
    fc.property(frames, fc.uint8Array({ maxLength: 64 }), (frame, bytes) => {
      for (const parse of [parseReplicaFrame, parseCatalogFrame]) {
        for (const make of [() => frame, () => unpack(bytes)]) {
          try {
            parse(make());
          } catch (error) {
            assert.instance(error, FormatError);
          }
        }
      }
    }),
    { numRuns: 300 },
  );
});

test.run();
