/** Frames as the protocol has them pass; whatever else comes is refused with a reason. */
import { encodeBatch, FRAME_ITEMS_MAX, FormatError, pack, PRICE_CENTS_MAX, unpack } from '@trireme/domain';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { parseFrontendFrame, parseLeaderFrame } from './frames.js';
import { batchOf, buy, entryFrame, LIFE, sell, snapshotFrames, stock } from './testing/frames.js';

test('frames of a front-end pass', () => {
  for (const frame of [
    { t: 'renew', id: 0 },
    { t: 'lookup', items: [] },
    {
      t: 'lookup',
      items: [
        [1, 'A'],
        [2, ''],
      ],
    },
    { t: 'list', id: 1, after: '', limit: 1000 },
    { t: 'dropped', seq: 1 },
    { t: 'report' },
  ]) {
    assert.equal(parseFrontendFrame(frame), frame.t === 'lookup' ? { ...frame, invalid: [] } : frame);
  }
});

test('traces of a batch are read, and bounded', () => {
  const entry = entryFrame(2, 0, [buy('A'), sell('A')]);
  assert.equal(parseLeaderFrame({ ...entry, traces: [[1, 'r']] }), {
    ...parseLeaderFrame(entry),
    traces: [[1, 'r']],
  });
  const trace = [0, 'r'];
  for (const traces of [null, [1], [[0]], [[0, 'r'.repeat(129)]], [trace, trace, trace]]) {
    assert.throws(() => parseLeaderFrame({ ...entry, traces }), /is not|more traces/);
  }
});

const BAD_FRONTEND: readonly unknown[] = [
  null,
  'renew',
  [],
  new Error('decoded'),
  { t: 'other' },
  { t: 'renew', id: -1 },
  { t: 'renew', id: 1.5 },
  { t: 'lookup', items: null },
  { t: 'lookup', items: [1] },
  { t: 'lookup', items: Array.from({ length: FRAME_ITEMS_MAX + 1 }, () => [1, 'A']) },
  { t: 'list', id: 1.5, after: '', limit: 10 },
  { t: 'dropped', seq: 0 },
];

test('anything else of a front-end is refused', () => {
  for (const frame of BAD_FRONTEND) assert.throws(() => parseFrontendFrame(frame), isFormatError);
});

test('a lookup or a list that is not valid is refused by itself, and the others count', () => {
  const items = [[1, 2], [2, 'A'.repeat(65)], [3, '\ud83d'], [4], [5, 'A']];
  const frame = parseFrontendFrame({ t: 'lookup', items });
  assert.ok(frame.t === 'lookup');
  assert.equal(frame.items, [[5, 'A']]);
  assert.equal(
    frame.invalid.map(({ id }) => id),
    [1, 2, 3, 4],
  );
  const list = { t: 'list', id: 1, after: '', limit: 10 };
  for (const field of [{ after: 1 }, { after: 'x'.repeat(65) }, { limit: 0 }, { limit: 1001 }]) {
    const refused = parseFrontendFrame({ ...list, ...field });
    assert.is(refused.t === 'invalidList' && refused.id, 1, JSON.stringify(field));
  }
});

test('frames of a leader pass', () => {
  assert.equal(parseLeaderFrame({ t: 'begin' }), { kind: 'begin', bytes: 0 });
  assert.equal(parseLeaderFrame({ t: 'attach', upTo: 0 }), { kind: 'attach', upTo: 0 });
  const batch = batchOf([buy('A'), sell('B', 3)]);
  assert.equal(parseLeaderFrame(entryFrame(5, 2, [buy('A'), sell('B', 3)], { skip: [1] })), {
    kind: 'entry',
    index: 5,
    prev: 2,
    skip: new Set([1]),
    hash: HASH,
    batch,
    commands: [buy('A'), sell('B', 3)],
    traces: [],
    bytes: batch.byteLength,
  });
  const [first, second] = snapshotFrames(4, [stock('A', 1), stock('B', 2)], { parts: 2 });
  const part = { kind: 'snapshot', index: 4, life: LIFE, hash: HASH, parts: 2 };
  assert.equal(parseLeaderFrame(first), { ...part, part: 0, stocks: [stock('A', 1)] });
  assert.equal(parseLeaderFrame(second), { ...part, part: 1, stocks: [stock('B', 2)] });
});

const HASH = '0'.repeat(64);
const ENTRY = { ...entryFrame(5, 2, [buy('A')]) };
const SNAPSHOT = { ...snapshotFrames(4, [])[0] };
const SEED = encodeBatch({
  ...{ age: 0, time: 0, visibleOrders: 0, commands: [] },
  seed: { life: LIFE, part: 0, parts: 1, stocks: [] },
});

const BAD_LEADER: readonly unknown[] = [
  null,
  { t: 'lookup', items: [] },
  { t: 'attach' },
  { ...ENTRY, index: 2 },
  { ...ENTRY, prev: -1 },
  { ...ENTRY, skip: [1] },
  { ...ENTRY, skip: 0 },
  { ...ENTRY, hash: '0' },
  { ...ENTRY, hash: 'A'.repeat(64) },
  { ...ENTRY, batch: 'text' },
  { ...ENTRY, batch: pack('no batch') },
  { ...ENTRY, batch: Buffer.of(0xc1) },
  { ...ENTRY, batch: SEED },
  { ...SNAPSHOT, index: -1 },
  { ...SNAPSHOT, life: 'life' },
  { ...SNAPSHOT, life: 7 },
  { ...SNAPSHOT, hash: null },
  { ...SNAPSHOT, part: 1 },
  { ...SNAPSHOT, part: -1 },
  { ...SNAPSHOT, parts: 0 },
  { ...SNAPSHOT, stocks: null },
  { ...SNAPSHOT, stocks: [1] },
  { ...SNAPSHOT, stocks: [['a b', 1, 1, 0]] },
  { ...SNAPSHOT, stocks: [['A', 0, 1, 0]] },
  { ...SNAPSHOT, stocks: [['A', PRICE_CENTS_MAX + 1, 1, 0]] },
  { ...SNAPSHOT, stocks: [['A', 1, -1, 0]] },
  { ...SNAPSHOT, stocks: [['A', 1, 1, -1]] },
  { ...SNAPSHOT, stocks: [['A', 1, 1, 5]] },
];

test('anything else of a leader is refused', () => {
  for (const frame of BAD_LEADER) assert.throws(() => parseLeaderFrame(frame), isFormatError);
});

function isFormatError(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'BAD_FORMAT';
}

const KINDS = ['renew', 'lookup', 'list', 'dropped', 'begin', 'attach', 'snapshot', 'entry'];
const FIELDS = [
  'id',
  'items',
  'after',
  'limit',
  'seq',
  'upTo',
  'prev',
  'index',
  'skip',
  'hash',
  'batch',
  'life',
  'part',
  'parts',
  'stocks',
];

test('whatever comes in, the parsers throw FormatError and nothing else', () => {
  const value = fc.anything({ maxDepth: 1, maxKeys: 3 });
  const list = fc.array(fc.array(value, { maxLength: 5 }), { maxLength: 3 });
  const fields = Object.fromEntries(FIELDS.map((name) => [name, value]));
  const lists = Object.fromEntries(FIELDS.map((name) => [name, list]));
  const t = fc.constantFrom(...KINDS);
  const frames = fc.oneof(fc.anything(), fc.record({ ...fields, t }), fc.record({ ...lists, t }));
  fc.assert(
    fc.property(frames, fc.uint8Array({ maxLength: 64 }), (frame, bytes) => {
      for (const parse of [parseFrontendFrame, parseLeaderFrame]) {
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
