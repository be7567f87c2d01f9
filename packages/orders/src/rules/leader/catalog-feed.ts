/**
 * What a leader sends to catalogs, and what it learns from them. `AuthorityManager` decides which catalogs
 * may hold authority and what is visible. This class adds the contents of the messages: batches as they are
 * logged, the stock table for a catalog that lags too far, and the check that a catalog follows this log. One
 * instance per leader session.
 */
import {
  AuthorityManager,
  initialLeaderState,
  type AuthorityEffect,
  type LinkId,
  type LeaderToCatalog,
} from '@trireme/coherence';
import {
  assertInvariant,
  FormatError,
  splitIntoParts,
  InvariantError,
  stockToWire,
  type ReplicaToCatalog,
} from '@trireme/domain';
import type { StockTable } from '@trireme/state-machine';
import type { CatalogFrame } from '../frames.js';
import { Fifo } from './fifo.js';
import { VisibleStocks, type RecentBatches } from './recent-batches.js';
import type { BookMeta } from '../book/state.js';

/** Maximum number of stocks per frame: less than 100 KiB. */
const SNAPSHOT_PART_STOCKS = 1000;

type AttachFrame = Extract<CatalogFrame, { readonly t: 'attach' }>;
/** Round id for the confirmation that precedes a reset; ids of authority requests start at 1. */
const RESET_ROUND = 0;

type VisibleFrame = Extract<ReplicaToCatalog, { readonly t: 'visible' }>;

/** What the caller has to do, in this order. */
export type FeedAction =
  | { readonly do: 'send'; readonly link: LinkId; readonly frame: ReplicaToCatalog }
  /** Confirm leadership with a majority, in a round that begins now; then call `confirmed`. */
  | { readonly do: 'confirm'; readonly link: LinkId; readonly id: number }
  /** All entries up to log index `index` are visible. */
  | { readonly do: 'visible'; readonly index: number };

/** A logged batch. */
interface LoggedBatch {
  readonly index: number;
  readonly bytes: Uint8Array;
}

/** A catalog that is attached, or that waits for the stock table. */
interface Follower {
  /** Its attach frame, which says what it has applied. */
  readonly attach: AttachFrame;
  /** Log index up to which visibility was announced to it. */
  announcedVisible: number;
  /** Whether it waits for the stock table, until everything in the table is visible. */
  isWaiting: boolean;
}

/** The book with all applied entries. */
interface FeedBook {
  readonly meta: BookMeta;
  readonly stocks: StockTable;
}

/** State of a configured catalog. */
export interface CatalogState {
  readonly id: string;
  /** Whether it is attached to this leader. */
  readonly isAttached: boolean;
  /** Whether the attached process may hold authority. */
  readonly hasAuthority: boolean;
}

export class CatalogFeed {
  readonly #term: number;
  readonly #book: FeedBook;
  readonly #recent: RecentBatches;
  readonly #authorities: AuthorityManager;
  /** Log index that the book had applied when this replica became leader. */
  readonly #startIndex: number;
  /** Batches that are logged and not applied. */
  readonly #logged = new Fifo<LoggedBatch>();
  readonly #followers = new Map<LinkId, Follower>();
  /** Catalog id of each open link. */
  readonly #links = new Map<LinkId, string>();
  /** Links on which `lead` was sent and not answered by `attach` yet; a catalog attaches once per `lead`. */
  readonly #awaitingAttach = new Set<LinkId>();
  /** Reason of each pending reset, until leadership is confirmed. */
  readonly #resets = new Map<LinkId, string>();
  /** The visible index last returned to the caller. */
  #visible = 0;
  /** Cache for look-ups that are answered in the same state. */
  #stocks: {
    readonly visibleIndex: number;
    readonly onApplied: number;
    readonly stocks: VisibleStocks;
  } | null = null;

  /**
   * @param recent the last batches that the book has applied, including the very last
   * @param authorityMs duration of a grant of authority, in milliseconds
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
    this.#startIndex = book.meta.applied;
    const state = initialLeaderState(this.#startIndex, 0, book.meta.catalogs, authorityMs, electedAt);
    this.#authorities = new AuthorityManager(state, authorityMs);
  }

  /** All entries up to this log index are visible. */
  get visible(): number {
    return this.#authorities.state.visible;
  }

  /** Ids of the configured catalog set. */
  get catalogIds(): readonly string[] {
    return [...this.#authorities.state.catalogs.keys()];
  }

  get catalogStates(): readonly CatalogState[] {
    return Array.from(this.#authorities.state.catalogs, ([id, { link, process, grants }]) => ({
      id,
      isAttached: link !== null,
      hasAuthority: link !== null && grants.some((grant) => grant.process === process),
    }));
  }

  /** The latest time at which to call `tick`; null if no deadline is pending. */
  get wakeAt(): number | null {
    return this.#authorities.wakeAt;
  }

  /**
   * The stocks as of `visible`. Valid only once `visible` has reached the index that the book had when this
   * replica became leader.
   */
  get stocks(): VisibleStocks {
    const { visible } = this;
    const { applied } = this.#book.meta;
    if (this.#stocks?.visibleIndex !== visible || this.#stocks.onApplied !== applied) {
      const stocks = new VisibleStocks(this.#book.stocks, this.#recent.after(visible));
      this.#stocks = { visibleIndex: visible, onApplied: applied, stocks };
    }
    return this.#stocks.stocks;
  }

  /** Call when this replica starts to lead: everything that the book has applied is committed. */
  start(now: number): readonly FeedAction[] {
    return this.#toActions(this.#authorities.onCommitted(this.#startIndex, now), now);
  }

  /** A link to catalog `id` opened. @param isLeaderAnnounced whether this replica was already announced as leader on it */
  onLinkOpened(link: LinkId, id: string, isLeaderAnnounced: boolean): readonly FeedAction[] {
    this.#links.set(link, id);
    if (isLeaderAnnounced) this.#awaitingAttach.add(link);
    return this.#sendLead(link);
  }

  onLinkClosed(link: LinkId): readonly FeedAction[] {
    const id = this.#links.get(link);
    const wasFollower = this.#followers.delete(link);
    this.#links.delete(link);
    this.#awaitingAttach.delete(link);
    this.#resets.delete(link);
    this.#authorities.onLinkClosed(link);
    // Another process of this catalog may be linked that was refused because of this one.
    return wasFollower ? this.#sendLeadToAll((other) => other === id) : [];
  }

  #sendLead(link: LinkId): readonly FeedAction[] {
    if (this.#awaitingAttach.has(link) || this.#resets.has(link)) return [];
    this.#awaitingAttach.add(link);
    return [{ do: 'send', link, frame: { t: 'lead', term: this.#term } }];
  }

  #sendLeadToAll(matches: (id: string) => boolean): readonly FeedAction[] {
    return [...this.#links].flatMap(([link, id]) => (matches(id) ? this.#sendLead(link) : []));
  }

  /**
   * Handles a frame of the catalog on a link.
   * @throws FormatError if the frame contradicts what was sent: the link must be closed.
   */
  onFrame(link: LinkId, frame: CatalogFrame, now: number): readonly FeedAction[] {
    if (frame.t === 'attach') {
      // With another term it answers an earlier leadership of this replica.
      return frame.term === this.#term ? this.#attach(link, frame, now) : [];
    }
    if (!this.#followers.has(link)) return [];
    const { lastIndex } = this.#authorities.state;
    if (frame.t === 'revoked' && frame.index > lastIndex)
      throw new FormatError(`the catalog revoked up to ${frame.index}, but was sent at most ${lastIndex}`);
    return this.#toActions(this.#authorities.onMessage(link, frame, now), now);
  }

  /** The next batch with commands was logged. @param names the stocks that it may change, each once */
  onLogged(index: number, bytes: Uint8Array, names: readonly string[], now: number): readonly FeedAction[] {
    this.#logged.push({ index, bytes });
    return this.#toActions(this.#authorities.onLogged(index, names), now);
  }

  /** The catalog set as of log index `index`. A removed catalog must be retired, and `mayRemove` true. */
  onSetLogged(index: number, ids: readonly string[], now: number): readonly FeedAction[] {
    const before = this.catalogIds;
    const actions = this.#toActions(this.#authorities.onCatalogSetLogged(index, ids, now), now);
    const joined = ids.filter((id) => !before.includes(id));
    return [...actions, ...this.#sendLeadToAll((id) => joined.includes(id))];
  }

  /** Entries up to log index `index` are committed, applied and added to the recent batches. */
  onApplied(index: number, now: number): readonly FeedAction[] {
    while (this.#logged.first !== undefined && this.#logged.first.index <= index) this.#logged.shift();
    // Catalogs also need to know of entries without commands: authority requires that all visible entries are
    // revoked.
    const isUnknown = index > this.#authorities.state.lastIndex;
    const logged = isUnknown ? this.#authorities.onLogged(index, []) : [];
    return this.#toActions([...logged, ...this.#authorities.onCommitted(index, now)], now);
  }

  /** The confirmation round that began for request `id` ended. */
  onRoundEnd(link: LinkId, id: number, isConfirmed: boolean, now: number): readonly FeedAction[] {
    if (id !== RESET_ROUND)
      return this.#toActions(this.#authorities.onRoundEnd(link, id, isConfirmed, now), now);
    const reason = this.#resets.get(link);
    this.#resets.delete(link);
    if (reason === undefined) return [];
    if (!isConfirmed) return this.#sendLead(link);
    this.#awaitingAttach.add(link);
    return [{ do: 'send', link, frame: { t: 'reset', reason } }];
  }

  tick(now: number): readonly FeedAction[] {
    return this.#toActions(this.#authorities.advance(now), now);
  }

  /** Grants catalog `id` no authority from now on. */
  retire(id: string): void {
    this.#authorities.retire(id);
  }

  /** Whether a retired catalog cannot hold authority any more. */
  mayRemove(id: string, now: number): boolean {
    return this.#authorities.mayRemove(id, now);
  }

  #attach(link: LinkId, frame: AttachFrame, now: number): readonly FeedAction[] {
    const id = this.#links.get(link);
    if (id === undefined) return [];
    this.#awaitingAttach.delete(link);
    if (this.#followers.has(link)) throw new FormatError('the catalog attached twice on one link');
    if (frame.life === null && frame.visible > 0)
      throw new FormatError('the catalog reports visible entries without a life');
    const reason = this.#mismatch(frame);
    if (reason !== null) {
      // A deposed leader may lack entries that the catalog has: only a confirmed leader may reset a catalog.
      this.#resets.set(link, reason);
      return [{ do: 'confirm', link, id: RESET_ROUND }];
    }
    this.#followers.set(link, { attach: frame, announcedVisible: frame.visible, isWaiting: false });
    const { process, visible, hadAuthority } = frame;
    const message = { t: 'attach', catalog: id, process, visible, hadAuthority } as const;
    return this.#toActions(this.#authorities.onMessage(link, message, now), now);
  }

  /** Why the catalog's state does not belong to this log; null if it does. */
  #mismatch({ life, lastIndex, hash, visible }: AttachFrame): string | null {
    const { meta } = this.#book;
    if (life === null) return null;
    if (life !== meta.life)
      return `the catalog belongs to life ${life}, but the cluster has life ${meta.life}`;
    const isAhead = visible > this.#authorities.state.lastIndex;
    const isElsewhere = this.#recent.locate({ index: lastIndex, hash }) === 'elsewhere';
    // It claims to have applied everything up to `visible`.
    const [next] = this.#recent.after(lastIndex);
    const isMissed = next !== undefined && next.index <= visible;
    if (!isAhead && !isElsewhere && !isMissed) return null;
    return `log index ${lastIndex} with hash ${hash} does not belong to this log`;
  }

  #toActions(effects: readonly AuthorityEffect[], now: number): readonly FeedAction[] {
    const before = this.#visible;
    const actions: FeedAction[] = [];
    for (const effect of effects) this.#addAction(effect, now, actions);
    if (this.visible >= this.#startIndex) {
      for (const [link, follower] of this.#followers) {
        if (follower.isWaiting) this.#catchUp(link, follower, now, actions);
      }
    }
    if (this.visible > before) actions.push({ do: 'visible', index: this.visible });
    this.#visible = this.visible;
    return actions;
  }

  #addAction(effect: AuthorityEffect, now: number, actions: FeedAction[]): void {
    switch (effect.do) {
      case 'send':
        actions.push({ do: 'send', link: effect.link, frame: this.#frameOf(effect.link, effect.message) });
        return;
      case 'catchUp': {
        const follower = this.#followers.get(effect.link);
        assertInvariant(follower !== undefined, 'catch-up of a catalog that is not attached');
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

  #frameOf(link: LinkId, message: LeaderToCatalog): ReplicaToCatalog {
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
        throw new InvariantError('snapshots are sent only during catch-up');
    }
  }

  #visibleFrame(link: LinkId, index: number): VisibleFrame {
    const follower = this.#followers.get(link);
    const skips: [index: number, positions: readonly number[]][] = [];
    if (follower !== undefined) {
      for (const batch of this.#recent.after(follower.announcedVisible)) {
        if (batch.index <= index && batch.skip.length > 0) skips.push([batch.index, batch.skip]);
      }
      follower.announcedVisible = index;
    }
    return { t: 'visible', index, skips, hash: this.#recent.lastUpTo(index).hash };
  }

  /**
   * Sends the entries that the catalog lacks; if these are not all available, the stock table and the entries
   * after it.
   */
  #catchUp(link: LinkId, follower: Follower, now: number, actions: FeedAction[]): void {
    const send = (frame: ReplicaToCatalog): void => void actions.push({ do: 'send', link, frame });
    const { life, lastIndex, hash } = follower.attach;
    let after = lastIndex;
    if (life === null || this.#recent.locate({ index: lastIndex, hash }) !== 'here') {
      // Until the entries of older leaders are visible, the visible state is not known.
      follower.isWaiting = this.visible < this.#startIndex;
      if (follower.isWaiting) return;
      after = this.visible;
      for (const frame of this.#snapshotFrames()) send(frame);
      follower.announcedVisible = after;
    }
    let last = after;
    for (const { index, bytes } of [...this.#recent.after(after), ...this.#logged.toArray]) {
      send({ t: 'entry', index, batch: bytes });
      last = index;
    }
    const { lastIndex: logged } = this.#authorities.state;
    if (last < logged) send({ t: 'entry', index: logged, batch: null });
    for (const effect of this.#authorities.onCaughtUp(link, now)) this.#addAction(effect, now, actions);
  }

  #snapshotFrames(): readonly ReplicaToCatalog[] {
    const { life } = this.#book.meta;
    const { index: lastIndex, hash } = this.#recent.lastUpTo(this.visible);
    const parts = splitIntoParts(Array.from(this.stocks.all(), stockToWire), SNAPSHOT_PART_STOCKS);
    return parts.map((part, position) => ({
      t: 'snapshot',
      index: this.visible,
      life,
      lastIndex,
      hash,
      part: position,
      parts: parts.length,
      stocks: part,
    }));
  }
}
