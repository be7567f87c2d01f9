/** Frames as the protocol has them pass; whatever else comes is refused with a reason. */
import { FRAME_ITEMS_MAX, FormatError, pack, unpack } from '@trireme/domain';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { parseFrontendFrame, parseLeaderFrame } from './frames.js';
import { buy, decideFrame, sell } from './testing/frames.js';

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
  const decide = decideFrame(2, 0, [buy('A'), sell('A')]);
  assert.equal(parseLeaderFrame({ ...decide, traces: [[1, 'r']] }), {
    ...parseLeaderFrame(decide),
    traces: [[1, 'r']],
  });
  const trace = [0, 'r'];
  for (const traces of [null, [1], [[0]], [[0, 'r'.repeat(129)]], [trace, trace, trace]]) {
    assert.throws(() => parseLeaderFrame({ ...decide, traces }), /is not|more traces/);
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
  const replay = parseLeaderFrame({
    t: 'replay',
    prev: 2,
    index: 5,
    effects: [
      [3, 0, 'A', 4],
      [3, 2, 'B', 9],
    ],
  });
  assert.is(replay.kind === 'replay' && replay.effects[1]?.command.kind, 'list');
  const decide = parseLeaderFrame(decideFrame(5, 2, [buy('A'), sell('B', 3)], { settled: 1, skip: [1] }));
  assert.equal(decide.kind === 'decide' && [decide.index, decide.prev, decide.settled, [...decide.skip]], [
    5,
    2,
    1,
    [1],
  ]);
  assert.equal(decide.kind === 'decide' && decide.commands[1], sell('B', 3));
});

const DECIDE = { ...decideFrame(5, 2, [buy('A')]) };

const BAD_LEADER: readonly unknown[] = [
  null,
  { t: 'lookup', items: [] },
  { t: 'attach' },
  { t: 'replay', prev: 2, index: 2, effects: [] },
  { t: 'replay', prev: 2, index: 5, effects: [[2, 0, 'A', 1]] },
  { t: 'replay', prev: 2, index: 5, effects: [[6, 0, 'A', 1]] },
  {
    t: 'replay',
    prev: 2,
    index: 5,
    effects: [
      [4, 0, 'A', 1],
      [3, 0, 'A', 1],
    ],
  },
  { t: 'replay', prev: 2, index: 5, effects: [[3, 4, 'A', 1]] },
  { t: 'replay', prev: 2, index: 5, effects: [[3, 0, 'A', 0]] },
  { ...DECIDE, index: 2 },
  { ...DECIDE, settled: -1 },
  { ...DECIDE, skip: [1] },
  { ...DECIDE, skip: 0 },
  { ...DECIDE, batch: 'text' },
  { ...DECIDE, batch: pack('no batch') },
  { ...DECIDE, batch: Buffer.of(0xc1) },
];

test('anything else of a leader is refused', () => {
  for (const frame of BAD_LEADER) assert.throws(() => parseLeaderFrame(frame), isFormatError);
});

function isFormatError(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'BAD_FORMAT';
}

const KINDS = ['renew', 'lookup', 'list', 'dropped', 'begin', 'attach', 'replay', 'decide'];
const FIELDS = [
  'id',
  'items',
  'after',
  'limit',
  'seq',
  'upTo',
  'prev',
  'index',
  'effects',
  'settled',
  'skip',
  'batch',
];

test('whatever comes in, the parsers throw FormatError and nothing else', () => {
  const fields = Object.fromEntries(FIELDS.map((name) => [name, fc.anything()]));
  const lists = Object.fromEntries(FIELDS.map((name) => [name, fc.array(fc.array(fc.anything()))]));
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
