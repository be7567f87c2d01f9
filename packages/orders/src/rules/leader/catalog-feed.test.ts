/** What a leader sends to a catalog that is new, lags, follows, or belongs to another log. */
import { grantorLeaseMs } from '@trireme/coherence';
import { FormatError, type Command, type ReplicaToCatalog } from '@trireme/domain';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Book } from '../book/book.js';
import { CatalogFeed, type FeedAction } from './catalog-feed.js';
import type { CatalogFrame } from '../frames.js';
import { RecentBatches } from './recent-batches.js';
import type { BookEntry } from '../book/state.js';
import { LIFE, STOCKS, buy, entry, seedEntry } from '../testing/batches.js';
import { MemoryStore } from '../testing/memory-store.js';

const AUTHORITY_MS = 100;
const OVER = grantorLeaseMs(AUTHORITY_MS);
const CATALOG = 'catalog-1';
const LINK = 5;

type AttachFrame = Extract<CatalogFrame, { readonly t: 'attach' }>;

const FRESH: AttachFrame = {
  t: 'attach',
  term: 3,
  process: 'p',
  visible: 0,
  hadAuthority: false,
  life: null,
  lastIndex: 0,
  hash: '',
};

class Leading {
  readonly book: Book = new MemoryStore().open();
  readonly recent = new RecentBatches({ seq: 0, index: 0, hash: '' }, { batchesMax: 3, bytesMax: 10_000 });
  readonly feed: CatalogFeed;
  /** Position of each batch, by its log index. */
  readonly places = new Map<number, { readonly lastIndex: number; readonly hash: string }>();
  #logged: BookEntry[] = [];
  readonly #open = new Set<number>();

  /** @param entries entries that earlier leaders logged after the seed at 1 */
  constructor(entries: readonly BookEntry[] = []) {
    this.#apply([seedEntry(1, STOCKS, {}, { catalogs: [CATALOG] })], -1);
    const { lastSeq: seq, lastIndex: index, hash } = this.book.meta;
    this.recent.restart({ seq, index, hash });
    this.#apply(entries, Infinity);
    this.feed = new CatalogFeed({
      term: 3,
      book: this.book,
      recent: this.recent,
      authorityMs: AUTHORITY_MS,
      electedAt: 0,
    });
  }

  #apply(entries: readonly BookEntry[], visible: number): void {
    for (const batch of this.book.apply(entries)) {
      this.recent.add(batch, visible);
      this.places.set(batch.index, { lastIndex: batch.index, hash: batch.hash });
    }
  }

  log(index: number, now: number, ...commands: readonly Command[]): readonly FeedAction[] {
    const logged = entry(index, commands);
    this.#logged.push(logged);
    return this.feed.onLogged(index, logged.bytes, ['A'], now);
  }

  commit(now: number): readonly FeedAction[] {
    this.#apply(this.#logged.splice(0), this.feed.visible);
    return this.feed.onApplied(this.book.meta.applied, now);
  }

  /** Receives a frame; its first frame opens the link. */
  receive(frame: CatalogFrame, now: number, link = LINK, id = CATALOG): readonly FeedAction[] {
    if (!this.#open.has(link)) this.feed.onLinkOpened(link, id, true);
    this.#open.add(link);
    return this.feed.onFrame(link, frame, now);
  }

  close(link: number): readonly FeedAction[] {
    this.#open.delete(link);
    return this.feed.onLinkClosed(link);
  }
}

/** A short form of the actions. */
function summary(actions: readonly FeedAction[]): readonly unknown[] {
  return actions.map((action) => {
    if (action.do !== 'send') return action.do === 'visible' ? ['VISIBLE', action.index] : [action.do];
    const { frame } = action;
    return 'index' in frame ? [frame.t, frame.index] : [frame.t];
  });
}

function frames(actions: readonly FeedAction[]): readonly ReplicaToCatalog[] {
  return actions.flatMap((action) => (action.do === 'send' ? [action.frame] : []));
}

/** A leader whose catalog has the stock table, follows, and holds authority from time 200 on. */
function following(): Leading {
  const leading = new Leading();
  leading.feed.start(200);
  leading.receive(FRESH, 200);
  leading.receive({ t: 'revoked', index: 1 }, 200);
  leading.receive({ t: 'requestAuthority', id: 1 }, 200);
  leading.feed.onRoundEnd(LINK, 1, true, 200);
  return leading;
}

test('onLinkOpened sends lead with the term, unless it was sent before', () => {
  const { feed } = new Leading();
  assert.equal(feed.onLinkOpened(8, CATALOG, true), [], 'lead was sent before');
  assert.equal(feed.onLinkOpened(LINK, CATALOG, false), [
    { do: 'send', link: LINK, frame: { t: 'lead', term: 3 } },
  ]);
});

test('attach of a new catalog waits for the stock table until everything in it is visible', () => {
  const leading = new Leading([entry(2, [buy('a', 10)])]);
  assert.equal(summary(leading.feed.start(10)), []);
  assert.equal(summary(leading.receive(FRESH, 10)), [], 'an older leader may have granted authority');
  assert.is(leading.feed.wakeAt, OVER);
  const actions = leading.feed.tick(OVER);
  assert.equal(summary(actions), [
    ['snapshot', 2],
    ['visible', 2],
    ['VISIBLE', 2],
  ]);
  const [snapshot] = frames(actions);
  assert.ok(snapshot?.t === 'snapshot');
  const place = leading.places.get(2);
  assert.equal([snapshot.life, snapshot.lastIndex, snapshot.hash], [LIFE, place?.lastIndex, place?.hash]);
  assert.equal(snapshot.stocks, [['A', 500, 99_990, 2]]);
});

test('attach of a new catalog is answered with the visible stock table and the entries after it', () => {
  const leading = following();
  leading.log(2, 200, buy('a', 10));
  leading.commit(200);
  leading.log(3, 200, buy('b', 10));
  assert.is(leading.feed.visible, 1, 'the catalog has not revoked it');
  leading.close(LINK);
  const actions = leading.receive({ ...FRESH, process: 'q' }, 210, 6);
  assert.equal(summary(actions), [
    ['snapshot', 1],
    ['entry', 2],
    ['entry', 3],
    ['visible', 1],
  ]);
  const [snapshot] = frames(actions);
  assert.equal(snapshot?.t === 'snapshot' && snapshot.stocks, [['A', 500, 100_000, 0]]);
  assert.equal(
    summary(leading.feed.tick(200 + OVER)),
    [
      ['visible', 2],
      ['VISIBLE', 2],
    ],
    'the authority of the other process is over',
  );
});

test('an entry is sent when it is logged, and is visible once committed and revoked', () => {
  const leading = following();
  const sent = leading.log(2, 200, buy('a'));
  assert.equal(summary(sent), [['entry', 2]]);
  assert.equal(summary(leading.receive({ t: 'revoked', index: 2 }, 201)), []);
  const actions = leading.commit(202);
  assert.equal(summary(actions), [
    ['visible', 2],
    ['VISIBLE', 2],
  ]);
  assert.equal(frames(actions), [{ t: 'visible', index: 2, skips: [], hash: leading.places.get(2)?.hash }]);
  leading.log(3, 203, buy('b'));
  assert.equal(summary(leading.commit(203)), [], 'the catalog has not revoked it');
  assert.equal(summary(leading.receive({ t: 'revoked', index: 3 }, 204)), [
    ['visible', 3],
    ['VISIBLE', 3],
  ]);
});

test('the feed sends entries without commands too, because authority requires their revocation', () => {
  const leading = following();
  leading.book.apply([entry(2, [])]);
  const actions = leading.feed.onApplied(2, 210);
  assert.equal(frames(actions).slice(0, 1), [{ t: 'entry', index: 2, batch: null }]);
  assert.equal(summary(leading.receive({ t: 'revoked', index: 2 }, 211)), [
    ['visible', 2],
    ['VISIBLE', 2],
  ]);
  assert.equal(summary(leading.receive({ t: 'requestAuthority', id: 2 }, 212)), [['confirm']]);
});

test('attach to a new leader continues at the position of the catalog, without waiting', () => {
  const entries = [2, 3, 4, 5].map((index) => entry(index, [buy(`k${index}`)]));
  const leading = new Leading(entries);
  leading.feed.start(10);
  const place = leading.places.get(3);
  assert.ok(place);
  const attach: AttachFrame = { ...FRESH, ...place, life: LIFE, visible: 3, hadAuthority: true };
  const actions = leading.receive(attach, 10);
  assert.equal(summary(actions), [
    ['entry', 4],
    ['entry', 5],
    ['visible', 3],
    ['VISIBLE', 3],
  ]);
  assert.equal(summary(leading.receive({ t: 'revoked', index: 5 }, 11)), [
    ['visible', 5],
    ['VISIBLE', 5],
  ]);
});

test('attach of a catalog that lags too far is answered with the stock table', () => {
  const leading = new Leading([2, 3, 4, 5, 6].map((index) => entry(index, [buy(`k${index}`)])));
  leading.feed.start(OVER);
  const place = leading.places.get(2);
  assert.ok(place);
  const actions = leading.receive({ ...FRESH, ...place, life: LIFE, visible: 2 }, OVER);
  assert.equal(summary(actions), [
    ['snapshot', 6],
    ['visible', 6],
  ]);
});

test('attach with a state of another log is answered with reset, once leadership is confirmed', () => {
  const leading = new Leading([entry(2, [buy('a')]), entry(3, [buy('b')])]);
  leading.feed.start(OVER);
  const [first, here] = [leading.places.get(2), leading.places.get(3)];
  assert.ok(first && here);
  const at = { ...FRESH, ...here, life: LIFE, visible: 3 };
  for (const [what, frame, reason] of [
    ['another life', { ...at, life: 'b0'.repeat(8) }, /the cluster has life/],
    ['another hash', { ...at, hash: 'f'.repeat(64) }, /does not belong to this log/],
    ['an unknown batch', { ...at, lastIndex: 9 }, /does not belong to this log/],
    ['ahead of the log', { ...at, visible: 99 }, /does not belong to this log/],
    ['past a batch that it lacks', { ...at, ...first, visible: 3 }, /does not belong to this log/],
  ] as const) {
    assert.equal(leading.receive(frame, OVER), [{ do: 'confirm', link: LINK, id: 0 }], what);
    const [again] = frames(leading.feed.onRoundEnd(LINK, 0, false, OVER));
    assert.is(again?.t, 'lead', 'an unconfirmed leader does not reset');
    leading.receive(frame, OVER);
    const [answer] = frames(leading.feed.onRoundEnd(LINK, 0, true, OVER));
    assert.ok(answer?.t === 'reset', what);
    assert.match(answer.reason, reason);
    assert.equal(
      summary(leading.receive({ t: 'requestAuthority', id: 1 }, OVER)),
      [],
      'the catalog is not attached',
    );
    assert.equal(leading.feed.onRoundEnd(LINK, 0, true, OVER), [], 'once');
  }
  assert.equal(summary(leading.receive(FRESH, OVER)), [
    ['snapshot', 3],
    ['visible', 3],
  ]);
});

test('the feed ignores frames of an earlier term, and throws FormatError for contradictions', () => {
  const leading = following();
  assert.equal(leading.receive({ ...FRESH, term: 2 }, 210), []);
  assert.equal(leading.receive({ t: 'revoked', index: 1 }, 210, 77), [], 'this link has not attached');
  assert.throws(
    () => leading.receive({ t: 'revoked', index: 2 }, 210),
    (error: unknown) => error instanceof FormatError,
  );
  for (const again of [FRESH, { ...FRESH, visible: 1 }]) {
    assert.throws(
      () => leading.receive(again, 210, again.visible === 0 ? LINK : 78),
      (error: unknown) => error instanceof FormatError,
      'attached twice, or visible entries without a life',
    );
  }
});

test('attach of an unlisted or replaced catalog is refused; lead follows when it may attach', () => {
  const leading = following();
  const [stranger] = frames(leading.receive(FRESH, 210, 8, 'catalog-9'));
  assert.ok(stranger?.t === 'refused' && stranger.reason.includes('is not in the catalog set'));
  const answers = leading.receive({ ...FRESH, process: 'q' }, 210, 9);
  assert.equal(answers[0], {
    do: 'send',
    link: LINK,
    frame: { t: 'refused', reason: 'catalog catalog-1 attached again on another link' },
  });
  const lead = { t: 'lead', term: 3 };
  assert.equal(leading.close(9), [{ do: 'send', link: LINK, frame: lead }], 'the replaced process');
  assert.equal(leading.close(LINK), [], 'it was not attached');
  const joined = leading.feed.onSetLogged(2, [CATALOG, 'catalog-9'], 210);
  assert.equal(joined, [{ do: 'send', link: 8, frame: lead }]);
});

test('lead is not sent again before the catalog has attached', () => {
  const leading = following();
  assert.equal(leading.feed.onLinkOpened(8, 'catalog-9', false), [
    { do: 'send', link: 8, frame: { t: 'lead', term: 3 } },
  ]);
  assert.equal(leading.feed.onLinkOpened(9, 'catalog-8', true), []);
  assert.equal(leading.feed.onSetLogged(2, [CATALOG, 'catalog-9', 'catalog-8'], 210), []);
  const [first] = frames(leading.receive(FRESH, 210, 8, 'catalog-9'));
  assert.is(first?.t, 'snapshot');
});

test('mayRemove is true once a retired catalog cannot hold authority', () => {
  const { feed } = following();
  assert.equal(feed.catalogStates, [{ id: CATALOG, isAttached: true, hasAuthority: true }]);
  feed.retire(CATALOG);
  assert.is(feed.mayRemove(CATALOG, 210), false);
  assert.is(feed.mayRemove(CATALOG, 200 + OVER), true);
  assert.equal(summary(feed.onSetLogged(2, ['catalog-2'], 200 + OVER)), [['refused']]);
  assert.equal(feed.catalogIds, ['catalog-2']);
});

test.run();
