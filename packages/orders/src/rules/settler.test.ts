import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  InvariantError,
  encodeBatch,
  outcomeToWire,
  type CatalogToLeader,
  type LeaderToCatalog,
  type Outcome,
} from '@trireme/domain';
import { Settler, type SettlerAction } from './settler.js';
import type { PendingBatch } from './state.js';
import { FILLED, NONE, REJECTED, buy, pendingBatch } from './testing/batches.js';

const EMPTY = { settledIndex: 0, settledSeq: 0 };

function batches(...seqs: readonly number[]): readonly PendingBatch[] {
  return seqs.map((seq) => pendingBatch(seq, [buy(`k${seq}`)]));
}

function standing(lastIndex: number): CatalogToLeader {
  return { t: 'standing', lastIndex };
}

function decided(...indexes: readonly number[]): CatalogToLeader {
  return { t: 'decided', items: indexes.map((index) => [index, [outcomeToWire(FILLED)]]) };
}

function sent(actions: readonly SettlerAction[]): readonly LeaderToCatalog[] {
  return actions.flatMap((action) => (action.do === 'send' ? [action.frame] : []));
}

/** Log indexes that were sent to be decided. */
function asked(actions: readonly SettlerAction[]): readonly number[] {
  return sent(actions).flatMap((frame) => (frame.t === 'decide' ? [frame.index] : []));
}

function told(actions: readonly SettlerAction[]): readonly number[] {
  return actions.flatMap((action) => (action.do === 'decided' ? [action.batch.index] : []));
}

/** Links, hears where the catalog stands, is confirmed. */
function converse(settler: Settler, lastIndex: number): readonly SettlerAction[] {
  assert.equal(sent(settler.linkOpened()), [{ t: 'begin' }]);
  const [confirm] = settler.received(standing(lastIndex));
  assert.is(confirm?.do, 'confirm');
  return confirm?.do === 'confirm' ? settler.confirmed(confirm.round) : [];
}

function assertBroken(call: () => unknown, message: RegExp): void {
  assert.throws(call, (error: unknown) => error instanceof InvariantError && message.test(error.message));
}

test('nothing is decided before the catalog said where it stands and the leader was confirmed after that', () => {
  const settler = new Settler(EMPTY, batches(1));
  assert.equal(settler.pending(pendingBatch(2, [buy('k2')])), []);
  settler.linkOpened();
  assert.equal(settler.pending(pendingBatch(3, [buy('k3')])), []);
  assert.equal(settler.confirmed(0), []);
  assert.equal(settler.received(standing(0)), [{ do: 'confirm', round: 1 }]);
  assert.equal(settler.confirmed(0), [], 'a confirmation from before proves nothing');
  const actions = settler.confirmed(1);
  assert.equal(sent(actions)[0], { t: 'attach', upTo: 30 });
  assert.equal(asked(actions), [10, 20, 30]);
  assert.is(settler.phase, 'deciding');
});

test('a batch goes out with its place, what came before it and what is settled', () => {
  const batch = pendingBatch(3, [buy('a'), buy('a')], [1]);
  const settler = new Settler({ settledIndex: 20, settledSeq: 2 }, []);
  converse(settler, 20);
  assert.equal(sent(settler.pending(batch)), [
    { t: 'decide', index: 30, prev: 20, settled: 20, skip: [1], batch: batch.bytes },
  ]);
  assert.equal(settler.received({ t: 'decided', items: [[30, [500, null]]] }), [
    { do: 'decided', batch, outcomes: [FILLED, NONE] },
  ]);
});

test('a catalog that is behind the book is brought up to it first, page by page', () => {
  const settler = new Settler({ settledIndex: 20, settledSeq: 2 }, batches(3));
  const actions = converse(settler, 5);
  assert.equal(actions, [
    { do: 'send', frame: { t: 'attach', upTo: 30 } },
    { do: 'readEffects', round: 2, after: 5 },
  ]);
  assert.equal(settler.effectsRead(1, { index: 9, effects: [] }), [], 'read for an earlier round');
  assert.equal(sent(settler.effectsRead(2, { index: 9, effects: [[9, 0, 'A', 1]] })), [
    { t: 'replay', prev: 5, index: 9, effects: [[9, 0, 'A', 1]] },
  ]);
  assert.equal(settler.received({ t: 'replayed', lastIndex: 9 }), [
    { do: 'readEffects', round: 3, after: 9 },
  ]);
  settler.effectsRead(3, { index: 20, effects: [] });
  assert.equal(asked(settler.received({ t: 'replayed', lastIndex: 20 })), [30]);
});

test('what was settled while a replay was under way is replayed as well', () => {
  const settler = new Settler(EMPTY, batches(1, 2));
  converse(settler, 0);
  settler.received(decided(10, 20));
  settler.linkClosed();
  settler.settled(10);
  assert.equal(converse(settler, 0).at(-1), { do: 'readEffects', round: 3, after: 0 });
  settler.effectsRead(3, { index: 10, effects: [] });
  settler.settled(20);
  assert.equal(settler.received({ t: 'replayed', lastIndex: 10 }), [
    { do: 'readEffects', round: 4, after: 10 },
  ]);
});

test('a new link to a catalog that kept everything asks only for what was not answered', () => {
  const settler = new Settler(EMPTY, batches(1, 2, 3));
  assert.equal(asked(converse(settler, 0)), [10, 20, 30]);
  assert.equal(told(settler.received(decided(10, 20))), [10, 20]);
  settler.linkClosed();
  assert.equal(asked(converse(settler, 30)), [30]);
  assert.equal(told(settler.received(decided(30))), [30]);
});

test('a catalog that lost what it had decided decides it again, and nobody is told twice', () => {
  const settler = new Settler(EMPTY, batches(1, 2, 3));
  converse(settler, 0);
  settler.received(decided(10, 20));
  settler.linkClosed();
  assert.equal(asked(converse(settler, 10)), [20, 30]);
  assert.equal(told(settler.received(decided(20, 30))), [30]);
});

test('a catalog that decides again, and otherwise, breaks the rules', () => {
  const settler = new Settler(EMPTY, batches(1));
  converse(settler, 0);
  settler.received(decided(10));
  settler.linkClosed();
  converse(settler, 0);
  const other: CatalogToLeader = { t: 'decided', items: [[10, [outcomeToWire(REJECTED)]]] };
  assertBroken(() => settler.received(other), /decided 10 again, and otherwise/);
});

test('a batch that is settled while the catalog is asked for it again is not told again', () => {
  const settler = new Settler(EMPTY, batches(1, 2));
  converse(settler, 0);
  settler.received(decided(10));
  settler.linkClosed();
  assert.equal(asked(converse(settler, 0)), [10, 20]);
  settler.settled(10);
  assert.equal(told(settler.received(decided(10, 20))), [20]);
});

test('a settlement between two links moves what is asked next', () => {
  const settler = new Settler(EMPTY, batches(1, 2, 3));
  converse(settler, 0);
  settler.received(decided(10));
  settler.linkClosed();
  settler.linkOpened();
  settler.settled(10);
  settler.received(standing(10));
  assert.equal(asked(settler.confirmed(2)), [20, 30]);
  assert.equal(asked(settler.pending(pendingBatch(4, [buy('k4')]))), [40]);
});

test('at most 64 batches are in flight, and each answer lets another go', () => {
  const many = Array.from({ length: 70 }, (_, i) => i + 1);
  const settler = new Settler(EMPTY, batches(...many));
  assert.is(asked(converse(settler, 0)).length, 64);
  assert.equal(asked(settler.received(decided(10))), [650]);
  assert.equal(asked(settler.pending(pendingBatch(71, [buy('k71')]))), []);
});

test('bytes in flight are bounded, and a batch that is larger by itself still goes', () => {
  const large = (seq: number): PendingBatch => {
    const { commands, ...batch } = pendingBatch(seq, [buy(`k${seq}`)]);
    const filler = new Uint8Array(5 * 1024 * 1024);
    return {
      ...batch,
      commands,
      bytes: Buffer.concat([encodeBatch({ age: 0, time: 0, commands, settlements: [] }), filler]),
    };
  };
  const settler = new Settler(EMPTY, [1, 2, 3, 4].map(large));
  assert.equal(asked(converse(settler, 0)), [10, 20]);
  assert.equal(asked(settler.received(decided(10))), [30]);
  assert.equal(asked(settler.received(decided(20, 30))), [40]);
  settler.linkClosed();
  assert.equal(asked(converse(settler, 0)), [10, 20], 'what was in flight on the broken link counts no more');
});

test('a refusal begins the conversation anew, once for all that was in flight', () => {
  const settler = new Settler(EMPTY, batches(1, 2));
  converse(settler, 0);
  const refused: CatalogToLeader = { t: 'refused', why: 'gap', lastIndex: 0 };
  assert.equal(sent(settler.received(refused)), [{ t: 'begin' }]);
  assert.equal(settler.received(refused), []);
  assert.is(settler.phase, 'asking');
});

test('answers that belong to an earlier conversation are passed over', () => {
  const settler = new Settler(EMPTY, batches(1));
  assert.equal(settler.received({ t: 'refused', why: 'settled', lastIndex: 1 }), []);
  settler.linkOpened();
  assert.equal(settler.received(decided(10)), []);
  assert.equal(settler.received({ t: 'replayed', lastIndex: 10 }), []);
  settler.received(standing(0));
  assert.equal(settler.received(standing(0)), []);
  settler.linkClosed();
  assert.equal(settler.confirmed(1), [], 'confirmed for a link that is gone');
  assert.is(settler.phase, 'unlinked');
});

test('a catalog that is ahead of the log is not used, until another one comes', () => {
  const settler = new Settler(EMPTY, batches(1));
  assert.equal(converse(settler, 11), [{ do: 'catalogAhead', decided: 11, logged: 10 }]);
  assert.equal(settler.pending(pendingBatch(2, [buy('k2')])), []);
  assert.equal(settler.received({ t: 'refused', why: 'gap', lastIndex: 11 }), []);
  assert.is(settler.phase, 'ahead');
  settler.linkClosed();
  // Batch 20 was logged here since, and never sent: what that catalog decided is not of it.
  assert.equal(converse(settler, 20), [{ do: 'catalogAhead', decided: 20, logged: 10 }]);
  settler.linkClosed();
  assert.equal(asked(converse(settler, 0)), [10, 20]);
});

test('answers out of order, or of a kind that a command cannot have, break the rules before anything is logged', () => {
  const linked = (): Settler => {
    const settler = new Settler(EMPTY, batches(1, 2));
    converse(settler, 0);
    return settler;
  };
  const answer = (...outcomes: readonly Outcome[]): CatalogToLeader => ({
    t: 'decided',
    items: [[10, outcomes.map(outcomeToWire)]],
  });
  assertBroken(() => linked().received(decided(20)), /20 is decided, but 10 was asked/);
  assertBroken(() => linked().received(decided(10, 20, 30)), /30 is decided, but undefined/);
  assertBroken(() => linked().received(answer(FILLED, FILLED)), /2 outcomes for the 1 commands/);
  assertBroken(() => linked().received(answer(NONE)), /cannot become none/);
  assertBroken(() => linked().received(answer({ kind: 'done' })), /cannot become done/);
});

test('batches that come out of order break the rules', () => {
  assertBroken(() => new Settler(EMPTY, batches(2)), /batch 2 is pending, 1 is the next/);
  assertBroken(() => new Settler(EMPTY, batches(1, 2)).settled(20), /settled 20, oldest is 10/);
  assertBroken(() => new Settler(EMPTY, []).settled(20), /oldest is undefined/);
});

test.run();
