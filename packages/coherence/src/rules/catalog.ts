/**
 * The catalog's rules. A catalog follows the log of one leader, answers look-ups while it holds authority, and
 * revokes stocks from the caches of its front-ends before it reports an entry as revoked. It stores nothing on
 * disk.
 *
 * An entry is *received* when the leader sends it, committed or not, and *visible* when the leader announces
 * that. A stock is *pending* while a received entry that names it is not visible. A look-up of a pending stock
 * waits until that entry is visible, so every answer was visible at some moment between request and answer.
 */
import { assertInvariant } from '@trireme/domain';
import { Lease, type LeaseState, type Milliseconds } from './lease.js';
import type {
  CatalogToFrontend,
  FrontendToCatalog,
  LinkId,
  LogIndex,
  CatalogProcessId,
  LeaderToCatalog,
  CatalogToLeader,
} from './messages.js';
import {
  FrontendSessions,
  type RevocationWait,
  type FrontendSend,
  type FrontendSessionsState,
} from './sessions.js';

/**
 * Maximum number of waiting look-ups. Further ones are answered `unready`, and the front-end asks another
 * process.
 */
export const WAITING_LOOKUPS_MAX = 10_000;

export interface CatalogTiming {
  /** How long a catalog may answer under one grant of authority. */
  readonly authorityMs: Milliseconds;
  /** The longest lease of a front-end. */
  readonly leaseMs: Milliseconds;
  /** Maximum time that a look-up waits for a pending stock. After it the look-up is answered `unready`. */
  readonly lookupWaitMs: Milliseconds;
}

export interface CatalogOptions {
  /** Maximum number of front-end sessions, 1024 by default. */
  readonly sessionsMax?: number;
  /** Whether a visible stock has this name. Only listed stocks may be cached. By default every name is listed. */
  readonly isListed?: (name: string) => boolean;
}

/** An entry that is not visible yet, or that a front-end has not dropped yet. */
interface ReceivedEntry {
  readonly index: LogIndex;
  readonly names: readonly string[];
  waits: RevocationWait[];
}

interface WaitingLookup {
  readonly link: LinkId;
  readonly id: number;
  /** Null for a list. */
  readonly name: string | null;
  /** Answered once this entry is visible. */
  readonly visibleFrom: LogIndex;
  /** Answered `unready` at this time. */
  readonly until: Milliseconds;
}

export interface CatalogState {
  readonly id: string;
  readonly process: CatalogProcessId;
  /** The link to the leader that it is attached to. */
  leader: LinkId | null;
  readonly authority: LeaseState;
  /** The stock table has the state as of entry `visible`. */
  visibleIndex: LogIndex;
  receivedIndex: LogIndex;
  /** The last index that was reported as revoked on this link. */
  reportedIndex: LogIndex;
  /** In log order. */
  readonly entries: ReceivedEntry[];
  readonly sessions: FrontendSessionsState;
  readonly waiting: WaitingLookup[];
}

/** An action for the adapter. Actions must be executed in order. */
export type CatalogEffect =
  | { readonly do: 'toLeader'; readonly message: CatalogToLeader }
  | { readonly do: 'toFrontend'; readonly link: LinkId; readonly message: CatalogToFrontend }
  /** Apply the received entries up to `index` to the stock table. */
  | { readonly do: 'apply'; readonly index: LogIndex }
  /** Replace the stock table with that of the snapshot. */
  | { readonly do: 'install'; readonly index: LogIndex }
  | { readonly do: 'closeFrontend'; readonly link: LinkId; readonly reason: string };

export class CatalogRules {
  readonly state: CatalogState;
  readonly #timing: CatalogTiming;
  readonly #isListed: (name: string) => boolean;
  readonly #authority: Lease;
  readonly #sessions: FrontendSessions;

  constructor(state: CatalogState, timing: CatalogTiming, options: CatalogOptions = {}) {
    const { sessionsMax = 1024, isListed = () => true } = options;
    this.state = state;
    this.#timing = timing;
    this.#isListed = isListed;
    this.#authority = new Lease(state.authority);
    this.#sessions = new FrontendSessions(state.sessions, sessionsMax);
  }

  /**
   * A link to a leader has opened. All older authority ends here. Entries that were received but are not
   * visible are dropped, because this leader's log may not contain them. Leases of front-ends continue: none is
   * longer than the authority was.
   */
  onLeaderOpened(link: LinkId, now: Milliseconds): CatalogEffect[] {
    const { state } = this;
    const hadAuthority = this.#authority.isValid(now);
    state.leader = link;
    this.#authority.end();
    state.entries.length = 0;
    state.receivedIndex = state.visibleIndex;
    state.reportedIndex = state.visibleIndex;
    const { id: catalog, process, visibleIndex } = state;
    return [
      { do: 'toLeader', message: { t: 'attach', catalog, process, visible: visibleIndex, hadAuthority } },
      ...this.#refuseWaiting(),
    ];
  }

  /** The link to the leader has closed. Authority continues: every leader waits until it has expired. */
  onLeaderClosed(link: LinkId): void {
    if (link === this.state.leader) this.state.leader = null;
  }

  /** Requests authority. The adapter calls this several times during one grant. */
  requestAuthority(now: Milliseconds): CatalogEffect[] {
    if (this.state.leader === null) return [];
    return [{ do: 'toLeader', message: { t: 'requestAuthority', id: this.#authority.recordRequest(now) } }];
  }

  /**
   * Ignores messages of an older link, whose indexes may refer to entries that this leader's log does not
   * contain.
   */
  onLeaderMessage(link: LinkId, message: LeaderToCatalog, now: Milliseconds): CatalogEffect[] {
    const { state } = this;
    if (link !== state.leader) return [];
    switch (message.t) {
      case 'entry':
        // The log of a deposed leader may be shorter than what this catalog received from its successor.
        if (message.index <= state.receivedIndex) return [];
        return this.#receive(message.index, message.names, message.names, now);
      case 'snapshot': {
        if (message.index <= state.visibleIndex) return [];
        state.visibleIndex = message.index;
        return [
          { do: 'install', index: message.index },
          // It is unknown which stocks the skipped entries changed, so revoke all.
          ...this.#receive(message.index, [], null, now),
        ];
      }
      case 'visible':
        return this.#advance(Math.min(message.index, state.receivedIndex), now);
      case 'authority':
        assertInvariant(
          message.logged <= state.receivedIndex,
          'a grant of authority must follow every entry that was logged before it',
        );
        this.#authority.onGranted(message.id, this.#timing.authorityMs);
        return [];
    }
  }

  onFrontendOpened(link: LinkId, now: Milliseconds): CatalogEffect[] {
    if (this.#sessions.open(link, now)) return [];
    return [{ do: 'closeFrontend', link, reason: 'too many front-ends' }];
  }

  onFrontendClosed(link: LinkId, now: Milliseconds): void {
    this.#sessions.close(link, now);
    const { waiting } = this.state;
    for (let i = waiting.length - 1; i >= 0; i -= 1) if (waiting[i]?.link === link) waiting.splice(i, 1);
  }

  onFrontendMessage(link: LinkId, message: FrontendToCatalog, now: Milliseconds): CatalogEffect[] {
    if (!this.#sessions.isOpen(link)) return [];
    switch (message.t) {
      case 'requestLease': {
        if (!this.hasAuthority(now)) return [];
        const ms = Math.min(this.#timing.leaseMs, this.#authority.remainingMs(now));
        if (!this.#sessions.grant(link, ms, now)) return [];
        return [{ do: 'toFrontend', link, message: { t: 'lease', id: message.id, ms } }];
      }
      case 'lookup':
        return this.#lookUp(link, message.id, message.name, now);
      case 'list':
        return this.#lookUp(link, message.id, null, now);
      case 'dropped':
        if (!this.#sessions.onDropped(link, message.seq)) {
          return [{ do: 'closeFrontend', link, reason: 'acknowledged a revocation that was not sent' }];
        }
        return this.#report(now);
    }
  }

  /**
   * The clock jumped by `ms` that may not have passed, for example because the wall clock was set forward.
   * Authority then expires too early, which is safe. Granted leases must not, so their expiry moves by the same
   * amount.
   */
  onClockSkipped(ms: Milliseconds): void {
    for (const session of this.state.sessions.values()) session.leaseUntil += ms;
    for (const entry of this.state.entries) {
      entry.waits = entry.waits.map((wait) => ({ ...wait, leaseUntil: wait.leaseUntil + ms }));
    }
  }

  /** Whether the catalog holds authority, so that it may answer look-ups. */
  hasAuthority(now: Milliseconds): boolean {
    return this.#authority.isValid(now);
  }

  /** Handles expired leases, authority and look-ups. Must be called at `wakeAt` at the latest. */
  tick(now: Milliseconds): CatalogEffect[] {
    const effects = this.#report(now);
    if (!this.hasAuthority(now)) return [...effects, ...this.#refuseWaiting()];
    const { waiting } = this.state;
    const inTime = waiting.findIndex(({ until }) => until > now);
    const refused = waiting.splice(0, inTime === -1 ? waiting.length : inTime);
    return [...effects, ...refused.map(({ link, id }) => unready(link, id))];
  }

  /** Earliest time at which `tick` may have an effect without further input; null if there is none. */
  get wakeAt(): Milliseconds | null {
    const { waiting, entries, authority } = this.state;
    const [lookup] = waiting;
    let wakeAt = lookup === undefined ? Infinity : Math.min(lookup.until, authority.until);
    // Entries are reported in order, so only the first one that waits counts.
    const blocked = entries.find(({ waits }) => waits.length > 0);
    if (blocked !== undefined) {
      wakeAt = Math.min(wakeAt, Math.max(...blocked.waits.map(({ leaseUntil }) => leaseUntil)));
    }
    return Number.isFinite(wakeAt) ? wakeAt : null;
  }

  /** @param revoked the stocks to revoke from caches, null for all */
  #receive(
    index: LogIndex,
    names: readonly string[],
    revoked: readonly string[] | null,
    now: Milliseconds,
  ): CatalogEffect[] {
    const { sends, waits } = this.#sessions.revoke(revoked, now);
    this.state.receivedIndex = index;
    this.state.entries.push({ index, names, waits });
    return [...sends.map(toFrontend), ...this.#report(now)];
  }

  /** Reports the last index up to which all entries are revoked, if it has advanced. */
  #report(now: Milliseconds): CatalogEffect[] {
    const { state } = this;
    let revoked = state.reportedIndex;
    for (const entry of state.entries) {
      entry.waits = entry.waits.filter((wait) => !this.#sessions.isRevocationDone(wait, now));
      if (entry.waits.length > 0) break;
      revoked = entry.index;
    }
    this.#dropCompleted();
    if (revoked <= state.reportedIndex || state.leader === null) return [];
    state.reportedIndex = revoked;
    return [{ do: 'toLeader', message: { t: 'revoked', index: revoked } }];
  }

  #advance(index: LogIndex, now: Milliseconds): CatalogEffect[] {
    const { state } = this;
    if (index <= state.visibleIndex) return [];
    state.visibleIndex = index;
    this.#dropCompleted();
    const effects: CatalogEffect[] = [{ do: 'apply', index }];
    if (!this.hasAuthority(now)) return [...effects, ...this.#refuseWaiting()];
    const waiting = state.waiting.splice(0);
    for (const lookup of waiting) {
      if (lookup.visibleFrom <= index) effects.push(this.#answer(lookup.link, lookup.id, lookup.name));
      else state.waiting.push(lookup);
    }
    return effects;
  }

  /** @param name null for a list of stocks */
  #lookUp(link: LinkId, id: number, name: string | null, now: Milliseconds): CatalogEffect[] {
    const { waiting, receivedIndex, visibleIndex } = this.state;
    if (!this.hasAuthority(now)) return [unready(link, id)];
    const last = receivedIndex > visibleIndex ? receivedIndex : null;
    const visibleFrom = name === null ? last : this.#lastNaming(name);
    if (visibleFrom === null) return [this.#answer(link, id, name)];
    if (waiting.length >= WAITING_LOOKUPS_MAX) return [unready(link, id)];
    waiting.push({ link, id, name, visibleFrom, until: now + this.#timing.lookupWaitMs });
    return [];
  }

  #answer(link: LinkId, id: number, name: string | null): CatalogEffect {
    if (name === null) return { do: 'toFrontend', link, message: { t: 'page', id } };
    const isKept = this.#lastNaming(name) === null && this.#isListed(name);
    const cacheable = isKept && this.#sessions.recordCacheable(link, name);
    return { do: 'toFrontend', link, message: { t: 'stock', id, name, cacheable } };
  }

  /** Index of the last entry that names the stock and is not visible yet; null if the stock is not pending. */
  #lastNaming(name: string): LogIndex | null {
    const { entries, visibleIndex } = this.state;
    for (let i = entries.length - 1; i >= 0; i -= 1) {
      const entry = entries[i];
      if (entry === undefined || entry.index <= visibleIndex) return null;
      if (entry.names.includes(name)) return entry.index;
    }
    return null;
  }

  #refuseWaiting(): CatalogEffect[] {
    return this.state.waiting.splice(0).map(({ link, id }) => unready(link, id));
  }

  #dropCompleted(): void {
    const { entries, visibleIndex } = this.state;
    let completed = 0;
    for (const { index, waits } of entries) {
      if (index > visibleIndex || waits.length > 0) break;
      completed += 1;
    }
    entries.splice(0, completed);
  }
}

/** The state of a catalog process that has just started. */
export function initialCatalogState(id: string, process: CatalogProcessId): CatalogState {
  return {
    id,
    process,
    leader: null,
    authority: new Lease().state,
    visibleIndex: 0,
    receivedIndex: 0,
    reportedIndex: 0,
    entries: [],
    sessions: new Map(),
    waiting: [],
  };
}

function unready(link: LinkId, id: number): CatalogEffect {
  return { do: 'toFrontend', link, message: { t: 'unready', id } };
}

function toFrontend({ link, message }: FrontendSend): CatalogEffect {
  return { do: 'toFrontend', link, message };
}
