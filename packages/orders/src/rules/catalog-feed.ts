/**
 * What a leader sends to catalogs, and what it learns from them. `CatalogAuthorities` decides who may hold authority and what is
 * visible; here is what its messages carry: batches as they are logged, the stock table for who lacks too much, and the
 * proof that a catalog follows this log and no other. Made anew each time that this replica begins to lead.
 */
import {
  CatalogAuthorities,
  electedState,
  type LeaderEffect,
  type LinkId,
  type ToCatalog,
} from '@trireme/coherence';
import {
  assertRule,
  FormatError,
  inParts,
  InvariantError,
  stockToWire,
  type ReplicaToCatalog,
} from '@trireme/domain';
import type { StockTable } from '@trireme/state-machine';
import type { CatalogFrame } from './frames.js';
import { Fifo } from './fifo.js';
import { VisibleStocks, type RecentBatches } from './recent-batches.js';
import type { BookMeta } from './state.js';

/** Stocks in one frame at most: less than 100 KiB. */
const SNAPSHOT_PART_STOCKS = 1000;

type AttachFrame = Extract<CatalogFrame, { readonly t: 'attach' }>;
/** Stands for the round after which a catalog is told to begin anew; ids of requests are from 1. */
const RESET_ROUND = 0;

type VisibleFrame = Extract<ReplicaToCatalog, { readonly t: 'visible' }>;

/** What the adapter has to do, in this order. */
export type FeedAction =
  | { readonly do: 'send'; readonly link: LinkId; readonly frame: ReplicaToCatalog }
  /** Have a majority confirm, in a round that begins now, that this replica leads; then call `confirmed`. */
  | { readonly do: 'confirm'; readonly link: LinkId; readonly id: number }
  /** Everything up to log index `index` is visible. */
  | { readonly do: 'visible'; readonly index: number };

/** A batch that is in the log. */
interface LoggedBatch {
  readonly index: number;
  readonly bytes: Uint8Array;
}

/** A catalog that is linked and attached, or lacks too much to be led on yet. */
interface Follower {
  /** Where it said that it is. */
  readonly attach: AttachFrame;
  /** Announcements up to here were sent. */
  toldVisible: number;
  /** It waits for the stock table until everything that the table holds may be visible. */
  isWaiting: boolean;
}

/** The book's stocks, with everything that was applied. */
interface FeedBook {
  readonly meta: BookMeta;
  readonly stocks: StockTable;
}

/** How a catalog of the set stands. */
export interface CatalogStanding {
  readonly id: string;
  /** Whether it follows this leader. */
  readonly isAttached: boolean;
  /** Whether the process that is attached may hold authority. */
  readonly hasAuthority: boolean;
}

export class CatalogFeed {
  readonly #term: number;
  readonly #book: FeedBook;
  readonly #recent: RecentBatches;
  readonly #authorities: CatalogAuthorities;
  /** Everything that the book had applied when this replica began to lead. */
  readonly #start: number;
  /** Logged and not decided. */
  readonly #logged = new Fifo<LoggedBatch>();
  readonly #followers = new Map<LinkId, Follower>();
  /** The catalog on each open link. */
  readonly #links = new Map<LinkId, string>();
  /** Links on which a catalog was told to attach and has not yet. It attaches as often as it is told. */
  readonly #awaited = new Set<LinkId>();
  /** Why catalogs have to begin anew, until it is confirmed that this replica leads. */
  readonly #resets = new Map<LinkId, string>();
  /** As the adapter was told last. */
  #visible = 0;
  /** Made once for all look-ups that are answered at the same state. */
  #stocks: { readonly visible: number; readonly applied: number; readonly stocks: VisibleStocks } | null =
    null;

  /**
   * @param recent the last batches that the book has applied, up to its last one
   * @param authorityMs for how long a catalog may answer under one grant
   * @param electedAt when this replica was elected: every round that confirmed an older leader ended before
   */
  constructor(options: {
    readonly term: number;
    readonly book: FeedBook;
    readonly recent: RecentBatches;
    readonly authorityMs: number;
    readonly electedAt: number;
  }) {
    const { term, book, recent, authorityMs, electedAt } = options;
    this.#term = term;
    this.#book = book;
    this.#recent = recent;
    this.#start = book.meta.applied;
    const state = electedState(this.#start, 0, book.meta.catalogs, authorityMs, electedAt);
    this.#authorities = new CatalogAuthorities(state, authorityMs);
  }

  /** Everything up to this log index is visible. */
  get visible(): number {
    return this.#authorities.state.visible;
  }

  /** Ids of the configured set. */
  get ids(): readonly string[] {
    return [...this.#authorities.state.catalogs.keys()];
  }

  get standings(): readonly CatalogStanding[] {
    return Array.from(this.#authorities.state.catalogs, ([id, { link, process, grants }]) => ({
      id,
      isAttached: link !== null,
      hasAuthority: link !== null && grants.some((grant) => grant.process === process),
    }));
  }

  /** When to call `tick` at the latest; null if nothing waits for time. */
  get wakeAt(): number | null {
    return this.#authorities.wakeAt;
  }

  /** The stocks as of `visible`. Right only once `visible` has reached what the book held when this replica began to lead. */
  get stocks(): VisibleStocks {
    const { visible } = this;
    const { applied } = this.#book.meta;
    if (this.#stocks?.visible !== visible || this.#stocks.applied !== applied) {
      const stocks = new VisibleStocks(this.#book.stocks, this.#recent.after(visible));
      this.#stocks = { visible, applied, stocks };
    }
    return this.#stocks.stocks;
  }

  /** This replica leads: what the book has applied is committed. */
  begin(now: number): readonly FeedAction[] {
    return this.#take(this.#authorities.onCommitted(this.#start, now), now);
  }

  /** A link to catalog `id` is open. @param isLed whether it was told already that this replica leads */
  linkOpened(link: LinkId, id: string, isLed: boolean): readonly FeedAction[] {
    this.#links.set(link, id);
    if (isLed) this.#awaited.add(link);
    return this.#lead(link);
  }

  linkClosed(link: LinkId): readonly FeedAction[] {
    const id = this.#links.get(link);
    const wasFollower = this.#followers.delete(link);
    this.#links.delete(link);
    this.#awaited.delete(link);
    this.#resets.delete(link);
    this.#authorities.onClosed(link);
    // Another process of this catalog may be there, which was refused while this one was.
    return wasFollower ? this.#leadAll((other) => other === id) : [];
  }

  #lead(link: LinkId): readonly FeedAction[] {
    if (this.#awaited.has(link) || this.#resets.has(link)) return [];
    this.#awaited.add(link);
    return [{ do: 'send', link, frame: { t: 'lead', term: this.#term } }];
  }

  #leadAll(isMeant: (id: string) => boolean): readonly FeedAction[] {
    return [...this.#links].flatMap(([link, id]) => (isMeant(id) ? this.#lead(link) : []));
  }

  /**
   * Takes a frame from the catalog on a link.
   * @throws FormatError if it says what cannot be: the link is to be closed.
   */
  received(link: LinkId, frame: CatalogFrame, now: number): readonly FeedAction[] {
    if (frame.t === 'attach') {
      // Else it answers an earlier lead of this replica.
      return frame.term === this.#term ? this.#attach(link, frame, now) : [];
    }
    if (!this.#followers.has(link)) return [];
    const { logged } = this.#authorities.state;
    if (frame.t === 'revoked' && frame.index > logged)
      throw new FormatError(`revoked up to ${frame.index}, and ${logged} was sent at most`);
    return this.#take(this.#authorities.onMessage(link, frame, now), now);
  }

  /** The next batch with commands stands in the log. @param names the stocks that it may change, each once */
  logged(index: number, bytes: Uint8Array, names: readonly string[], now: number): readonly FeedAction[] {
    this.#logged.push({ index, bytes });
    return this.#take(this.#authorities.onLogged(index, names), now);
  }

  /** The set of catalogs as of log index `index`; one that leaves was retired, and `mayRemove` said yes. */
  setLogged(index: number, ids: readonly string[], now: number): readonly FeedAction[] {
    const before = this.ids;
    const actions = this.#take(this.#authorities.onSetLogged(index, ids, now), now);
    const joined = ids.filter((id) => !before.includes(id));
    return [...actions, ...this.#leadAll((id) => joined.includes(id))];
  }

  /** Entries up to log index `index` are committed, were applied, and are among the recent batches. */
  applied(index: number, now: number): readonly FeedAction[] {
    while (this.#logged.first !== undefined && this.#logged.first.index <= index) this.#logged.shift();
    // Entries without commands: a catalog is asked to have revoked all that is visible, so it has to know of them.
    const isNews = index > this.#authorities.state.logged;
    const logged = isNews ? this.#authorities.onLogged(index, []) : [];
    return this.#take([...logged, ...this.#authorities.onCommitted(index, now)], now);
  }

  /** The round that began for request `id` is over. */
  confirmed(link: LinkId, id: number, isConfirmed: boolean, now: number): readonly FeedAction[] {
    if (id !== RESET_ROUND) return this.#take(this.#authorities.onRoundEnd(link, id, isConfirmed, now), now);
    const reason = this.#resets.get(link);
    this.#resets.delete(link);
    if (reason === undefined) return [];
    if (!isConfirmed) return this.#lead(link);
    this.#awaited.add(link);
    return [{ do: 'send', link, frame: { t: 'reset', reason } }];
  }

  tick(now: number): readonly FeedAction[] {
    return this.#take(this.#authorities.advance(now), now);
  }

  /** From now on catalog `id` gets no authority. */
  retire(id: string): void {
    this.#authorities.retire(id);
  }

  /** Whether a retired catalog surely holds no authority any more. */
  mayRemove(id: string, now: number): boolean {
    return this.#authorities.mayRemove(id, now);
  }

  #attach(link: LinkId, frame: AttachFrame, now: number): readonly FeedAction[] {
    const id = this.#links.get(link);
    if (id === undefined) return [];
    this.#awaited.delete(link);
    if (this.#followers.has(link)) throw new FormatError('a catalog attached twice on one link');
    if (frame.life === null && frame.visible > 0)
      throw new FormatError('a catalog without a life has nothing');
    const reason = this.#strangeness(frame);
    if (reason !== null) {
      // A leader that was deposed may lack what the catalog has: only one that surely leads may say that it is of another log.
      this.#resets.set(link, reason);
      return [{ do: 'confirm', link, id: RESET_ROUND }];
    }
    this.#followers.set(link, { attach: frame, toldVisible: frame.visible, isWaiting: false });
    const { process, visible, hadAuthority } = frame;
    const message = { t: 'attach', catalog: id, process, visible, hadAuthority } as const;
    return this.#take(this.#authorities.onMessage(link, message, now), now);
  }

  /** Why what the catalog has is not of this log, null if it is. */
  #strangeness({ life, lastIndex, hash, visible }: AttachFrame): string | null {
    const { meta } = this.#book;
    if (life === null) return null;
    if (life !== meta.life) return `the catalog follows life ${life}, this cluster has life ${meta.life}`;
    const isAhead = visible > this.#authorities.state.logged;
    const isElsewhere = this.#recent.whereIs({ index: lastIndex, hash }) === 'elsewhere';
    // By its own word it has applied everything up to `visible`.
    const [next] = this.#recent.after(lastIndex);
    const isMissed = next !== undefined && next.index <= visible;
    if (!isAhead && !isElsewhere && !isMissed) return null;
    return `log index ${lastIndex} with hash ${hash} is not of this log`;
  }

  #take(effects: readonly LeaderEffect[], now: number): readonly FeedAction[] {
    const told = this.#visible;
    const actions: FeedAction[] = [];
    for (const effect of effects) this.#do(effect, now, actions);
    if (this.visible >= this.#start) {
      for (const [link, follower] of this.#followers) {
        if (follower.isWaiting) this.#catchUp(link, follower, now, actions);
      }
    }
    if (this.visible > told) actions.push({ do: 'visible', index: this.visible });
    this.#visible = this.visible;
    return actions;
  }

  #do(effect: LeaderEffect, now: number, actions: FeedAction[]): void {
    switch (effect.do) {
      case 'send':
        actions.push({ do: 'send', link: effect.link, frame: this.#frameOf(effect.link, effect.message) });
        return;
      case 'catchUp': {
        const follower = this.#followers.get(effect.link);
        assertRule(follower !== undefined, 'a catalog catches up that did not attach');
        this.#catchUp(effect.link, follower, now, actions);
        return;
      }
      case 'confirm':
        actions.push(effect);
        return;
      case 'close':
        this.#followers.delete(effect.link);
        actions.push({ do: 'send', link: effect.link, frame: { t: 'refused', reason: effect.reason } });
    }
  }

  #frameOf(link: LinkId, message: ToCatalog): ReplicaToCatalog {
    switch (message.t) {
      case 'entry': {
        const last = this.#logged.at(this.#logged.size - 1);
        return { t: 'entry', index: message.index, batch: last?.index === message.index ? last.bytes : null };
      }
      case 'visible':
        return this.#visibleFrame(link, message.index);
      case 'authority':
        return message;
      case 'snapshot':
        throw new InvariantError('snapshots are sent while a catalog catches up');
    }
  }

  #visibleFrame(link: LinkId, index: number): VisibleFrame {
    const follower = this.#followers.get(link);
    const skips: [index: number, positions: readonly number[]][] = [];
    if (follower !== undefined) {
      for (const batch of this.#recent.after(follower.toldVisible)) {
        if (batch.index <= index && batch.skip.length > 0) skips.push([batch.index, batch.skip]);
      }
      follower.toldVisible = index;
    }
    return { t: 'visible', index, skips, hash: this.#recent.upTo(index).hash };
  }

  /** Sends all that the catalog lacks; where that is too much, or it begins, the stock table and what is logged after it. */
  #catchUp(link: LinkId, follower: Follower, now: number, actions: FeedAction[]): void {
    const send = (frame: ReplicaToCatalog): void => void actions.push({ do: 'send', link, frame });
    const { life, lastIndex, hash } = follower.attach;
    let after = lastIndex;
    if (life === null || this.#recent.whereIs({ index: lastIndex, hash }) !== 'here') {
      // What was there before the batches that older leaders logged is not known for certain.
      follower.isWaiting = this.visible < this.#start;
      if (follower.isWaiting) return;
      after = this.visible;
      for (const frame of this.#snapshotFrames()) send(frame);
      follower.toldVisible = after;
    }
    let last = after;
    for (const { index, bytes } of [...this.#recent.after(after), ...this.#logged.all]) {
      send({ t: 'entry', index, batch: bytes });
      last = index;
    }
    const { logged } = this.#authorities.state;
    if (last < logged) send({ t: 'entry', index: logged, batch: null });
    for (const effect of this.#authorities.onCaughtUp(link, now)) this.#do(effect, now, actions);
  }

  #snapshotFrames(): readonly ReplicaToCatalog[] {
    const { life } = this.#book.meta;
    const { index: lastIndex, hash } = this.#recent.upTo(this.visible);
    const parts = inParts(Array.from(this.stocks.all(), stockToWire), SNAPSHOT_PART_STOCKS);
    return parts.map((part, position) => ({
      ...{ t: 'snapshot', index: this.visible, life, lastIndex, hash, part: position, parts: parts.length },
      stocks: part,
    }));
  }
}
