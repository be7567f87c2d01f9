import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { FormatError, type CatalogToLeader, type LeaderToCatalog } from '@trireme/domain';
import { CatalogFeed, type FeedAction } from './catalog-feed.js';
import type { DecidedBatch } from './state.js';
import { buy, decidedBatch } from './testing/batches.js';

function batch(seq: number, bytes?: Uint8Array): DecidedBatch {
  return decidedBatch(seq, [buy(`k${seq}`)], bytes === undefined ? {} : { bytes });
}

function sent(actions: readonly FeedAction[]): readonly LeaderToCatalog[] {
  return actions.flatMap((action) => (action.do === 'send' ? [action.frame] : []));
}

/** Log indexes of the entries that were sent. */
function entries(actions: readonly FeedAction[]): readonly number[] {
  return sent(actions).flatMap((frame) => (frame.t === 'entry' ? [frame.index] : []));
}

const kinds = (actions: readonly FeedAction[]): readonly string[] =>
  actions.map((action) => (action.do === 'send' ? action.frame.t : action.do));

/** Where a log is after the batch at this index, as `decidedBatch` makes them. */
const place = (index: number): { readonly index: number; readonly hash: string } => ({
  index,
  hash: String(index / 10).padStart(64, '0'),
});

const standing = (lastIndex: number, { hash } = place(lastIndex)): CatalogToLeader => ({
  t: 'standing',
  lastIndex,
  hash,
});
const revoked = (index: number): CatalogToLeader => ({ t: 'revoked', index });
const refused: CatalogToLeader = { t: 'refused', lastIndex: 0 };

/** Links, hears how far the catalog is, is confirmed. */
function converse(feed: CatalogFeed, lastIndex: number): readonly FeedAction[] {
  assert.equal(sent(feed.linkOpened()), [{ t: 'begin' }]);
  const [confirm] = feed.received(standing(lastIndex));
  assert.is(confirm?.do, 'confirm');
  return confirm?.do === 'confirm' ? feed.confirmed(confirm.round) : [];
}

/** A feed of a leader that began at log index 0 and has decided these batches since. */
function feedOf(...seqs: readonly number[]): CatalogFeed {
  const feed = new CatalogFeed(place(0));
  for (const seq of seqs) feed.decided(batch(seq));
  return feed;
}

/** One whose catalog has everything up to log index 10 and follows. */
function following(): CatalogFeed {
  const feed = new CatalogFeed(place(10));
  assert.equal(kinds(converse(feed, 10)), ['attach', 'revoked']);
  return feed;
}

test('nothing is sent before the catalog said how far it is and the leader was confirmed after that', () => {
  const feed = new CatalogFeed(place(10));
  assert.equal(feed.decided(batch(2)), []);
  feed.linkOpened();
  assert.equal(feed.decided(batch(3)), []);
  assert.equal(feed.confirmed(0), []);
  assert.equal(feed.received(standing(10)), [{ do: 'confirm', round: 1 }]);
  assert.equal(feed.decided(batch(4)), []);
  assert.equal(feed.confirmed(0), [], 'a confirmation from before proves nothing');
  const actions = feed.confirmed(1);
  assert.equal(sent(actions)[0], { t: 'attach', upTo: 40 });
  assert.equal(actions[1], { do: 'revoked', index: 10 }, 'what it has is revoked');
  assert.equal(entries(actions), [20, 30, 40]);
  assert.is(feed.phase, 'following');
});

test('a batch goes out with its place, what came before it, what it skips and the hash', () => {
  const feed = following();
  const two = decidedBatch(2, [buy('a'), buy('a')], { skip: [1] });
  assert.equal(sent(feed.decided(two)), [
    { t: 'entry', index: 20, prev: 10, skip: [1], hash: two.hash, batch: two.bytes },
  ]);
  assert.equal(feed.received(revoked(20)), [{ do: 'revoked', index: 20 }]);
});

test('a catalog with nothing takes the stock table first, also where the log has no batch yet', () => {
  const actions = converse(feedOf(1, 2), 0);
  assert.equal(actions, [{ do: 'sendSnapshot' }, { do: 'send', frame: { t: 'attach', upTo: 20 } }]);
  assert.equal(kinds(converse(new CatalogFeed(place(0)), 0)), ['sendSnapshot', 'attach']);
});

test('a catalog that lacks batches of an earlier leader takes the stock table, and what comes then follows it', () => {
  const feed = new CatalogFeed(place(20));
  feed.decided(batch(3));
  assert.equal(kinds(converse(feed, 10)), ['sendSnapshot', 'attach']);
  assert.equal(entries(feed.decided(batch(4))), [40], 'with everything that was handed in before');
  assert.equal(feed.received(revoked(30)), [{ do: 'revoked', index: 30 }]);
  assert.equal(feed.received(revoked(40)), [{ do: 'revoked', index: 40 }]);
});

test('a catalog that is at no batch of this log takes the stock table, as it would refuse every entry', () => {
  for (const index of [5, 15, 25]) {
    const feed = new CatalogFeed(place(10));
    for (const seq of [2, 3]) feed.decided(batch(seq));
    assert.equal(kinds(converse(feed, index)), ['sendSnapshot', 'attach'], `at ${index}`);
  }
});

test('a table that did not arrive is sent again on the next link, and one that did is gone on from', () => {
  const feed = new CatalogFeed(place(20));
  feed.decided(batch(3));
  converse(feed, 10);
  feed.linkClosed();
  assert.equal(kinds(converse(feed, 10)), ['sendSnapshot', 'attach']);
  feed.linkClosed();
  feed.decided(batch(4));
  const actions = converse(feed, 30);
  assert.equal([kinds(actions), entries(actions)], [['attach', 'revoked', 'entry'], [40]]);
});

test('a new link to a catalog that kept everything sends only what it does not have', () => {
  const feed = following();
  for (const seq of [2, 3, 4]) feed.decided(batch(seq));
  assert.equal(feed.received(revoked(20)), [{ do: 'revoked', index: 20 }]);
  feed.linkClosed();
  assert.is(feed.phase, 'unlinked');
  const actions = converse(feed, 30);
  assert.equal(entries(actions), [40]);
  assert.ok(
    actions.some((action) => action.do === 'revoked' && action.index === 30),
    'what it applied on the link before is revoked',
  );
  assert.equal(feed.received(revoked(40)), [{ do: 'revoked', index: 40 }]);
});

test('a catalog that restarted with nothing takes the table, whatever was revoked before', () => {
  const feed = following();
  feed.decided(batch(2));
  feed.received(revoked(20));
  feed.decided(batch(3));
  feed.linkClosed();
  const actions = converse(feed, 0);
  assert.equal(actions, [{ do: 'sendSnapshot' }, { do: 'send', frame: { t: 'attach', upTo: 30 } }]);
});

test('one answer may be for many entries', () => {
  const feed = following();
  for (const seq of [2, 3, 4]) feed.decided(batch(seq));
  assert.equal(feed.received(revoked(40)), [{ do: 'revoked', index: 40 }]);
  feed.linkClosed();
  assert.equal(entries(converse(feed, 40)), []);
});

test('at most 64 entries are in flight, and each answer lets others go', () => {
  const feed = following();
  for (let seq = 2; seq <= 65; seq += 1) assert.equal(entries(feed.decided(batch(seq))), [seq * 10]);
  assert.equal(entries(feed.decided(batch(66))), []);
  assert.equal(entries(feed.decided(batch(67))), []);
  assert.equal(entries(feed.received(revoked(20))), [660]);
  assert.equal(entries(feed.received(revoked(40))), [670]);
});

test('bytes in flight are bounded, a batch that is larger by itself still goes, and a broken link frees them', () => {
  const large = new Uint8Array(3 * 1024 * 1024);
  const feed = following();
  assert.equal(entries(feed.decided(batch(2, large))), [20]);
  assert.equal(entries(feed.decided(batch(3, large))), [30]);
  assert.equal(entries(feed.decided(batch(4, large))), []);
  feed.linkClosed();
  assert.equal(entries(converse(feed, 10)), [20, 30], 'what was in flight on the broken link counts no more');
  assert.equal(entries(feed.received(revoked(20))), [40]);
  assert.equal(entries(feed.decided(batch(5, new Uint8Array(9 * 1024 * 1024)))), []);
  assert.equal(entries(feed.received(revoked(40))), [50]);
});

test('what a stock table holds does not count among the bytes in flight', () => {
  const large = new Uint8Array(3 * 1024 * 1024);
  const feed = new CatalogFeed(place(0));
  for (const seq of [1, 2]) feed.decided(batch(seq, large));
  assert.equal(kinds(converse(feed, 0)), ['sendSnapshot', 'attach']);
  assert.equal(entries(feed.decided(batch(3, large))), [30]);
  assert.equal(entries(feed.decided(batch(4, large))), [40]);
  assert.equal(entries(feed.decided(batch(5, large))), []);
  assert.equal(entries(feed.received(revoked(20))), [], 'the table is no entry in flight');
  assert.equal(entries(feed.received(revoked(30))), [50]);
});

test('a refusal begins the conversation again, once for all that was in flight', () => {
  const feed = following();
  for (const seq of [2, 3]) feed.decided(batch(seq));
  assert.equal(sent(feed.received(refused)), [{ t: 'begin' }]);
  assert.equal(feed.received(refused), []);
  assert.is(feed.phase, 'asking');
  const [confirm] = feed.received(standing(10));
  assert.equal(confirm, { do: 'confirm', round: 2 });
  assert.equal(feed.received(refused), [], 'attach will be refused then, and that counts');
  assert.equal(entries(feed.confirmed(2)), [20, 30]);
});

test('answers that belong to an earlier conversation are passed over', () => {
  const feed = feedOf(1);
  assert.equal(feed.received(refused), []);
  feed.linkOpened();
  assert.equal(feed.received(revoked(10)), []);
  feed.received(standing(0));
  assert.equal([feed.received(standing(0)), feed.received(revoked(10))], [[], []]);
  feed.linkClosed();
  assert.equal(feed.confirmed(1), [], 'confirmed for a link that is gone');
  assert.is(feed.phase, 'unlinked');
});

test('a catalog that says to have revoked what it was not sent loses its link', () => {
  const isBad = (error: unknown): boolean =>
    error instanceof FormatError && /^revoked up to (30, and 20|660, and 650) was sent$/.test(error.message);
  const feed = following();
  feed.decided(batch(2));
  assert.throws(() => feed.received(revoked(30)), isBad);
  // What was decided and waits for room is not sent either.
  const busy = following();
  for (let seq = 2; seq <= 66; seq += 1) busy.decided(batch(seq));
  assert.throws(() => busy.received(revoked(660)), isBad);
});

test('a catalog that has followed another log takes the stock table, however far it is', () => {
  const feed = feedOf(1, 2);
  for (const index of [10, 20]) {
    feed.linkOpened();
    feed.received(standing(index, place(index + 10)));
    assert.equal(kinds(feed.confirmed(index / 10)), ['sendSnapshot', 'attach'], `at ${index}`);
    feed.linkClosed();
  }
  assert.equal(kinds(converse(feed, 990)), ['sendSnapshot', 'attach'], 'ahead of the log');
  assert.equal(entries(feed.decided(batch(3))), [30]);
});

test.run();
