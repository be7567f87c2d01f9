import fc from 'fast-check';
import { Packr } from 'msgpackr';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { makeEntry } from '../core/entry.js';
import type { Entry } from '../core/types.js';
import { APPEND_ENTRIES_MAX } from '../core/config.js';
import { MessageError, decodeMessage, encodeMessage } from './codec.js';
import { sampleMessages } from './conformance.js';

const packr = new Packr({ useRecords: false });
const pack = (value: unknown): Buffer => Buffer.from(packr.pack(value));

const noop = (index: number, term: number): Uint8Array =>
  makeEntry(index, term, 'noop', new Uint8Array()).record;

test('decodeMessage returns every type of message as it was encoded', () => {
  for (const message of sampleMessages('a', 'b')) {
    assert.equal(decodeMessage(encodeMessage(message)), message);
  }
});

test('decodeMessage returns numbers up to 2^53 - 1', () => {
  const most = Number.MAX_SAFE_INTEGER;
  const message = { type: 'heartbeat', from: 'a', to: 'b', term: most, commit: most, round: most } as const;
  assert.equal(decodeMessage(encodeMessage(message)), message);
});

/** [the problem, the decoded wire format of the message] */
const BAD: readonly [string, unknown][] = [
  ['a value that is not a list', { type: 9 }],
  ['an empty list', []],
  ['an unknown type', [10, 'a', 'b', 1]],
  ['a negative type', [-1, 'a', 'b', 1]],
  ['a sender that is not an id', [9, 'a b', 'b', 1]],
  ['a sender that is not a string', [9, 1, 'b', 1]],
  ['a recipient that is too long', [9, 'a', 'b'.repeat(65), 1]],
  ['a negative term', [9, 'a', 'b', -1]],
  ['a fractional term', [9, 'a', 'b', 1.5]],
  ['a term beyond 2^53', [9, 'a', 'b', 2n ** 60n]],
  ['a term that is NaN', [9, 'a', 'b', NaN]],
  ['a missing field', [7, 'a', 'b', 1, 1]],
  ['an additional field', [9, 'a', 'b', 1, 1]],
  ['a number instead of a boolean', [1, 'a', 'b', 1, 1]],
  ['a last term above the requested term', [0, 'a', 'b', 1, 5, 2]],
  ['a hint above the term', [6, 'a', 'b', 1, 5, 4, 2]],
  ['entries that are not a list', [4, 'a', 'b', 1, 0, 0, 0, null]],
  ['an entry that is not bytes', [4, 'a', 'b', 1, 0, 0, 0, ['entry']]],
  ['a truncated entry', [4, 'a', 'b', 1, 0, 0, 0, [noop(1, 1).subarray(0, 20)]]],
  ['an entry that leaves a gap', [4, 'a', 'b', 1, 0, 0, 0, [noop(2, 1)]]],
  ['entries out of order', [4, 'a', 'b', 1, 0, 0, 0, [noop(1, 1), noop(1, 1)]]],
  ['an entry with a later term than the message', [4, 'a', 'b', 1, 0, 0, 0, [noop(1, 2)]]],
  ['an entry with an earlier term than the previous one', [4, 'a', 'b', 5, 1, 3, 0, [noop(2, 2)]]],
  ['a previous term above the term of the message', [4, 'a', 'b', 1, 1, 2, 0, []]],
  ['too many entries', [4, 'a', 'b', 1, 0, 0, 0, Array(APPEND_ENTRIES_MAX + 1).fill(0)]],
];

for (const [what, wire] of BAD) {
  test(`decodeMessage refuses ${what}`, () => {
    assert.throws(
      () => decodeMessage(pack(wire)),
      (error: unknown) => error instanceof MessageError,
    );
  });
}

test('property: decodeMessage refuses an entry with a flipped bit as a bad message, not as a damaged log', () => {
  const entry = makeEntry(1, 1, 'command', Buffer.from('some data'));
  fc.assert(
    fc.property(fc.nat({ max: entry.record.length * 8 - 1 }), (bit) => {
      const record = Buffer.from(entry.record);
      record.writeUInt8(record.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
      assert.throws(
        () => decodeMessage(pack([4, 'a', 'b', 1, 0, 0, 0, [record]])),
        (error: unknown) => error instanceof MessageError,
      );
    }),
  );
});

test('property: decodeMessage returns a message or throws a MessageError for any bytes', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      try {
        decodeMessage(Buffer.from(bytes));
      } catch (error) {
        assert.instance(error, MessageError);
      }
    }),
  );
});

test('decodeMessage refuses a message that is truncated anywhere', () => {
  for (const message of sampleMessages('a', 'b')) {
    const bytes = encodeMessage(message);
    for (let length = 0; length < bytes.length; length++) {
      assert.throws(
        () => decodeMessage(bytes.subarray(0, length)),
        (error: unknown) => error instanceof MessageError,
      );
    }
  }
});

test('decodeMessage copies entries out of a much larger buffer, and keeps views of one that they fill', () => {
  const entriesIn = (frame: Buffer): readonly Entry[] => {
    const message = decodeMessage(frame);
    return message.type === 'appendRequest' ? message.entries : [];
  };
  const append = (bytes: number): Buffer =>
    encodeMessage({
      type: 'appendRequest',
      from: 'a',
      to: 'b',
      term: 1,
      prevIndex: 0,
      prevTerm: 0,
      commit: 0,
      entries: [1, 2].map((index) => makeEntry(index, 1, 'command', Buffer.alloc(bytes, index))),
    });
  const chunk = Buffer.alloc(65_536);
  const small = append(100);
  small.copy(chunk);
  const [first, second] = entriesIn(chunk.subarray(0, small.length));
  assert.ok(first !== undefined && second !== undefined);
  assert.equal([first.data, second.data], [Buffer.alloc(100, 1), Buffer.alloc(100, 2)]);
  // They share a buffer that contains nothing else, so that they keep nothing else alive.
  assert.is(first.record.buffer, second.record.buffer);
  assert.is(first.record.buffer.byteLength, first.record.byteLength + second.record.byteLength);
  const large = append(25_000);
  large.copy(chunk);
  assert.is(entriesIn(chunk.subarray(0, large.length))[0]?.record.buffer, chunk.buffer);
});

test.run();
