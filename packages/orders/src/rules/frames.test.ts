import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { FRAME_ITEMS_MAX, FormatError, decodeBatch, encodeBatch, pack, unpack } from '@trireme/domain';
import { parseCatalogFrame, parseFrontendFrame } from './frames.js';

function assertBad(call: () => unknown): void {
  assert.throws(call, (error: unknown) => error instanceof FormatError);
}

test('parseFrontendFrame reads submit, get, list and report', () => {
  assert.equal(parseFrontendFrame({ t: 'submit', items: [[7, 0, 'k', 'A', 3]] }), {
    t: 'submit',
    items: [{ id: 7, command: { kind: 'buy', key: 'k', name: 'A', quantity: 3 }, requestId: null }],
    invalid: [],
  });
  const traced = parseFrontendFrame({ t: 'submit', items: [[7, 0, 'k', 'A', 3, 'r-1']] });
  assert.is(traced.t === 'submit' && traced.items[0]?.requestId, 'r-1');
  const get = { t: 'get', items: [[1, 9, true]] };
  assert.equal(parseFrontendFrame(get), { ...get, invalid: [] });
  const list = { t: 'list', id: 1, after: 0, limit: 5, name: null };
  assert.equal(parseFrontendFrame(list), list);
  assert.equal(parseFrontendFrame({ t: 'report' }), { t: 'report' });
  assert.equal(parseFrontendFrame({ ...list, name: 'A', limit: 1000 }), { ...list, name: 'A', limit: 1000 });
});

test('parseCatalogFrame reads valid frames and rejects all others', () => {
  const attach = {
    t: 'attach',
    term: 3,
    process: 'p',
    visible: 7,
    hadAuthority: true,
    life: null,
    lastIndex: 0,
    hash: 'f',
  };
  const frames = [
    attach,
    { ...attach, life: 'a0' },
    { t: 'hello', url: 'http://localhost:1' },
    { t: 'requestAuthority', id: 9 },
    { t: 'revoked', index: 7 },
  ];
  for (const frame of frames) assert.equal(parseCatalogFrame(frame), frame);
  for (const frame of [
    null,
    { t: 'x' },
    { t: 'hello', url: 'ftp://x' },
    { t: 'revoked', index: -1 },
    { ...attach, hadAuthority: 1 },
    { ...attach, term: 1.5 },
    { ...attach, process: 'p'.repeat(65) },
    { t: 'requestAuthority' },
  ]) {
    assert.throws(
      () => parseCatalogFrame(frame),
      (error: unknown) => error instanceof FormatError,
    );
  }
});

test('parseFrontendFrame reads lookup and listStocks, and separates items out of bounds', () => {
  assert.equal(
    parseFrontendFrame({
      t: 'lookup',
      items: [
        [1, 'A'],
        [2, 7],
      ],
    }),
    {
      t: 'lookup',
      items: [[1, 'A']],
      invalid: [{ id: 2, reason: 'stock name is not well-formed text of at most 64 characters' }],
    },
  );
  const list = { t: 'listStocks', id: 1, after: '', limit: 1000 };
  assert.equal(parseFrontendFrame(list), list);
  assert.is(parseFrontendFrame({ ...list, limit: 1001 }).t, 'invalidList');
  assert.is(parseFrontendFrame({ ...list, after: 7 }).t, 'invalidList');
});

test('parseFrontendFrame accepts only commands that encodeBatch can log and decodeBatch can read back', () => {
  const text = fc.oneof(
    fc.string({ maxLength: 70 }),
    fc.array(fc.nat(0xffff), { maxLength: 70 }).map((units) => String.fromCharCode(...units)),
  );
  const number = fc.oneof(
    fc.nat(4),
    fc.integer(),
    fc.constantFrom(-3, -4, 1.5, 1_000_000, 1_000_000_001, 2 ** 53),
  );
  const item = fc.tuple(fc.nat(), number, text, text, number);
  let read = 0;
  fc.assert(
    fc.property(item, (command) => {
      const submit = parseFrontendFrame(unpack(pack({ t: 'submit', items: [command] })));
      const commands = submit.t === 'submit' ? submit.items.map((one) => one.command) : [];
      const batch = { age: 1, time: 1, visibleOrders: 0, commands, seed: null };
      assert.equal(decodeBatch(encodeBatch(batch)), batch);
      if (commands.length > 0) read += 1;
    }),
    { numRuns: 3000 },
  );
  assert.ok(read > 20, `${read} commands were accepted`);
});

test('parseFrontendFrame separates an invalid item or list, and keeps the other items', () => {
  const good = [1, 0, 'k', 'A', 3];
  const bad: readonly unknown[][] = [
    [2, 9, 'k', 'A', 3],
    [2, 0, 'k', `${'x'.repeat(62)}\ufffd\ufffd\ufffd`, 3],
    [2, 0, 'k', '\ud83d', 3],
    [2, 0, 'k', '', 3],
    [2, 0, '', 'A', 3],
    [2, 0, 'k\u00e4', 'A', 3],
    [2, 0, 'k', 'A', 0],
    [2, 0, 'k', 'A', 3, 'r'.repeat(129)],
    [2, 0, 'k', 'A', 3, 7],
    [2],
  ];
  for (const item of bad) {
    const frame = parseFrontendFrame({ t: 'submit', items: [item, good] });
    assert.ok(frame.t === 'submit');
    assert.equal(
      frame.items.map(({ id }) => id),
      [1],
    );
    assert.equal(
      frame.invalid.map(({ id }) => id),
      [2],
    );
  }
  const get = parseFrontendFrame({
    t: 'get',
    items: [
      [1, 0, true],
      [2, 1, 1],
      [3, 1, true],
    ],
  });
  assert.ok(get.t === 'get');
  assert.equal(get.items, [[3, 1, true]]);
  assert.equal(
    get.invalid.map(({ id }) => id),
    [1, 2],
  );
  const list = { t: 'list', id: 1, after: 0, limit: 1, name: null };
  for (const field of [
    { limit: 0 },
    { limit: 1001 },
    { name: 5 },
    { name: '' },
    { name: 'x'.repeat(65) },
    { after: -1 },
  ]) {
    const frame = parseFrontendFrame({ ...list, ...field });
    assert.is(frame.t === 'invalidList' && frame.id, 1, JSON.stringify(field));
  }
});

test('parseFrontendFrame and parseCatalogFrame reject a malformed frame as a whole', () => {
  const bad: unknown[] = [
    null,
    [],
    { t: 'unknown' },
    { t: 'submit', items: [[-1, 0, 'k', 'A', 3]] },
    { t: 'submit', items: 'x' },
    { t: 'get', items: new Array(FRAME_ITEMS_MAX + 1).fill([1, 1, true]) },
    { t: 'get', items: [['1', 1, true]] },
    { t: 'list', id: -1, after: 0, limit: 1, name: null },
  ];
  for (const frame of bad) assertBad(() => parseFrontendFrame(frame));
  const badOfCatalog: unknown[] = [
    undefined,
    { t: 'standing', lastIndex: -1, hash: '' },
    { t: 'standing', lastIndex: 1 },
    { t: 'standing' },
    { t: 'revoked', index: -1 },
    { t: 'revoked', index: 1.5 },
    { t: 'revoked', lastIndex: 1 },
    { t: 'refused', lastIndex: '1' },
    { t: 'decided', items: [[1, [500]]] },
    { t: 'begin' },
  ];
  for (const frame of badOfCatalog) assertBad(() => parseCatalogFrame(frame));
});

const KINDS = ['submit', 'get', 'list', 'standing', 'revoked', 'refused'];

test('for random input the parsers throw FormatError and nothing else', () => {
  const frames = fc.oneof(
    fc.anything(),
    fc.record({
      t: fc.constantFrom(...KINDS),
      items: fc.anything(),
      id: fc.anything(),
      index: fc.anything(),
    }),
    fc.record({ t: fc.constantFrom(...KINDS), items: fc.array(fc.array(fc.anything())) }),
  );
  fc.assert(
    fc.property(frames, (frame) => {
      for (const parse of [parseFrontendFrame, parseCatalogFrame]) {
        try {
          parse(frame);
        } catch (error) {
          assert.instance(error, FormatError);
        }
      }
    }),
    { numRuns: 3000 },
  );
});

test.run();
