/**
 * A catalog's part: follows the log of one leader, answers look-ups while it holds authority, and takes stocks back from
 * the caches of its front-ends before it reports an entry as revoked. It keeps nothing on disk.
 *
 * An entry is *received* when the leader sends it, committed or not, and *visible* when the leader says so. A stock that
 * an entry in between names is in doubt: a look-up that arrives then waits until that entry is visible. So what is
 * answered was visible at some moment between question and answer.
 */
import { assertRule } from '@trireme/domain';
import { Lease, type LeaseState, type Milliseconds } from './lease.js';
import type {
  CatalogToFrontend,
  FrontendToCatalog,
  LinkId,
  LogIndex,
  ProcessId,
  ToCatalog,
  ToLeader,
} from './messages.js';
import { Sessions, type RevocationWait, type Send, type SessionsState } from './sessions.js';

/** Look-ups that wait, at most. At the bound a look-up is answered `unready`, and the front-end asks elsewhere. */
export const WAITING_MAX = 10_000;

export interface CatalogTiming {
  /** How long a catalog may answer under one grant of authority. */
  readonly authorityMs: Milliseconds;
  /** The longest lease of a front-end. */
  readonly leaseMs: Milliseconds;
  /** How long a look-up waits for a stock in doubt, at most. Then it is answered `unready`. */
  readonly lookupMs: Milliseconds;
}

export interface CatalogOptions {
  /** Front-ends at most. */
  readonly sessionsMax?: number;
  /** Whether there is a stock of this name, visible: only then is it noted that a front-end may keep it. Every name unless set. */
  readonly isListed?: (name: string) => boolean;
}

/** An entry that is not visible yet, or whose revocation waits for a front-end. */
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
  readonly process: ProcessId;
  /** The link to the leader that it is attached to. */
  leader: LinkId | null;
  readonly authority: LeaseState;
  /** Its table of stocks is that of entry `visible`. */
  visible: LogIndex;
  received: LogIndex;
  /** The last index that was reported as revoked on this link. */
  reported: LogIndex;
  /** In log order. */
  readonly entries: ReceivedEntry[];
  readonly sessions: SessionsState;
  readonly waiting: WaitingLookup[];
}

/** What the adapter has to do, in this order. */
export type CatalogEffect =
  | { readonly do: 'toLeader'; readonly message: ToLeader }
  | { readonly do: 'toFrontend'; readonly link: LinkId; readonly message: CatalogToFrontend }
  /** Apply the received entries up to `index` to the table of stocks. */
  | { readonly do: 'apply'; readonly index: LogIndex }
  /** Replace the table of stocks by that of the snapshot. */
  | { readonly do: 'install'; readonly index: LogIndex }
  | { readonly do: 'closeFrontend'; readonly link: LinkId; readonly reason: string };

export class CatalogRules {
  readonly state: CatalogState;
  readonly #timing: CatalogTiming;
  readonly #isListed: (name: string) => boolean;
  readonly #authority: Lease;
  readonly #sessions: Sessions;

  constructor(state: CatalogState, timing: CatalogTiming, options: CatalogOptions = {}) {
    const { sessionsMax = 1024, isListed = () => true } = options;
    this.state = state;
    this.#timing = timing;
    this.#isListed = isListed;
    this.#authority = new Lease(state.authority);
    this.#sessions = new Sessions(state.sessions, sessionsMax);
  }

  /**
   * A link to a leader is open. All older authority ends here, and what was received but is not visible is forgotten: it
   * may be missing from this leader's log. Leases of front-ends go on; they are no longer than the authority was.
   */
  onLeaderOpened(link: LinkId, now: Milliseconds): CatalogEffect[] {
    const { state } = this;
    const hadAuthority = this.#authority.holds(now);
    state.leader = link;
    this.#authority.end();
    state.entries.length = 0;
    state.received = state.visible;
    state.reported = state.visible;
    const { id: catalog, process, visible } = state;
    return [
      { do: 'toLeader', message: { t: 'attach', catalog, process, visible, hadAuthority } },
      ...this.#refuseWaiting(),
    ];
  }

  /** The link to the leader is closed. Authority lasts on: whoever leads waits for it to end. */
  onLeaderClosed(link: LinkId): void {
    if (link === this.state.leader) this.state.leader = null;
  }

  /** Asks for authority. To be called several times within one grant. */
  requestAuthority(now: Milliseconds): CatalogEffect[] {
    if (this.state.leader === null) return [];
    return [{ do: 'toLeader', message: { t: 'requestAuthority', id: this.#authority.request(now) } }];
  }

  /** A message of an older link is ignored: its indexes may mean entries that this leader's log does not hold. */
  onLeaderMessage(link: LinkId, message: ToCatalog, now: Milliseconds): CatalogEffect[] {
    const { state } = this;
    if (link !== state.leader) return [];
    switch (message.t) {
      case 'entry':
        // A leader that was deposed may have less than this catalog has seen of its successor's log.
        if (message.index <= state.received) return [];
        return this.#receive(message.index, message.names, message.names, now);
      case 'snapshot': {
        if (message.index <= state.visible) return [];
        state.visible = message.index;
        return [
          { do: 'install', index: message.index },
          // Which stocks the skipped entries changed is unknown: take back all.
          ...this.#receive(message.index, [], null, now),
        ];
      }
      case 'visible':
        return this.#advance(Math.min(message.index, state.received), now);
      case 'authority':
        assertRule(
          message.logged <= state.received,
          'authority arrives after every entry that was logged before it',
        );
        this.#authority.grant(message.id, this.#timing.authorityMs);
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
        if (!this.mayAnswer(now)) return [];
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
          return [{ do: 'closeFrontend', link, reason: 'answered a revocation that was not sent' }];
        }
        return this.#report(now);
    }
  }

  /**
   * The clock went on by `ms` that may not have passed, as where the wall clock was set forward. Authority ends that much earlier,
   * which is safe. Leases that were given must not: their ends are put off.
   */
  onClockSkipped(ms: Milliseconds): void {
    for (const session of this.state.sessions.values()) session.leaseUntil += ms;
    for (const entry of this.state.entries) {
      entry.waits = entry.waits.map((wait) => ({ ...wait, leaseUntil: wait.leaseUntil + ms }));
    }
  }

  /** Whether look-ups are answered. */
  mayAnswer(now: Milliseconds): boolean {
    return this.#authority.holds(now);
  }

  /** Lets time pass. To be called at `wakeAt` at the latest. */
  tick(now: Milliseconds): CatalogEffect[] {
    const effects = this.#report(now);
    if (!this.mayAnswer(now)) return [...effects, ...this.#refuseWaiting()];
    const { waiting } = this.state;
    const inTime = waiting.findIndex(({ until }) => until > now);
    const refused = waiting.splice(0, inTime === -1 ? waiting.length : inTime);
    return [...effects, ...refused.map(({ link, id }) => unready(link, id))];
  }

  /** When `tick` may find something new by time alone; null if time alone changes nothing. */
  get wakeAt(): Milliseconds | null {
    const { waiting, entries, authority } = this.state;
    const [lookup] = waiting;
    let wakeAt = lookup === undefined ? Infinity : Math.min(lookup.until, authority.until);
    // Entries are reported in order: those after the first that waits change nothing before it is done.
    const blocked = entries.find(({ waits }) => waits.length > 0);
    if (blocked !== undefined) {
      wakeAt = Math.min(wakeAt, Math.max(...blocked.waits.map(({ leaseUntil }) => leaseUntil)));
    }
    return Number.isFinite(wakeAt) ? wakeAt : null;
  }

  /** @param revoked the stocks to take back from caches, null for all */
  #receive(
    index: LogIndex,
    names: readonly string[],
    revoked: readonly string[] | null,
    now: Milliseconds,
  ): CatalogEffect[] {
    const { sends, waits } = this.#sessions.revoke(revoked, now);
    this.state.received = index;
    this.state.entries.push({ index, names, waits });
    return [...sends.map(toFrontend), ...this.#report(now)];
  }

  /** Reports how far entries are revoked, if that is further than was reported. */
  #report(now: Milliseconds): CatalogEffect[] {
    const { state } = this;
    let revoked = state.reported;
    for (const entry of state.entries) {
      entry.waits = entry.waits.filter((wait) => !this.#sessions.isOver(wait, now));
      if (entry.waits.length > 0) break;
      revoked = entry.index;
    }
    this.#forgetDone();
    if (revoked <= state.reported || state.leader === null) return [];
    state.reported = revoked;
    return [{ do: 'toLeader', message: { t: 'revoked', index: revoked } }];
  }

  #advance(index: LogIndex, now: Milliseconds): CatalogEffect[] {
    const { state } = this;
    if (index <= state.visible) return [];
    state.visible = index;
    this.#forgetDone();
    const effects: CatalogEffect[] = [{ do: 'apply', index }];
    if (!this.mayAnswer(now)) return [...effects, ...this.#refuseWaiting()];
    const waiting = state.waiting.splice(0);
    for (const lookup of waiting) {
      if (lookup.visibleFrom <= index) effects.push(this.#answer(lookup.link, lookup.id, lookup.name));
      else state.waiting.push(lookup);
    }
    return effects;
  }

  /** @param name null for a list, which may show every stock */
  #lookUp(link: LinkId, id: number, name: string | null, now: Milliseconds): CatalogEffect[] {
    const { waiting, received, visible } = this.state;
    if (!this.mayAnswer(now)) return [unready(link, id)];
    const last = received > visible ? received : null;
    const visibleFrom = name === null ? last : this.#lastNaming(name);
    if (visibleFrom === null) return [this.#answer(link, id, name)];
    if (waiting.length >= WAITING_MAX) return [unready(link, id)];
    waiting.push({ link, id, name, visibleFrom, until: now + this.#timing.lookupMs });
    return [];
  }

  #answer(link: LinkId, id: number, name: string | null): CatalogEffect {
    if (name === null) return { do: 'toFrontend', link, message: { t: 'page', id } };
    const isKept = this.#lastNaming(name) === null && this.#isListed(name);
    const cacheable = isKept && this.#sessions.keep(link, name);
    return { do: 'toFrontend', link, message: { t: 'stock', id, name, cacheable } };
  }

  /** The last entry that names the stock and is not visible yet. */
  #lastNaming(name: string): LogIndex | null {
    const { entries, visible } = this.state;
    for (let i = entries.length - 1; i >= 0; i -= 1) {
      const entry = entries[i];
      if (entry === undefined || entry.index <= visible) return null;
      if (entry.names.includes(name)) return entry.index;
    }
    return null;
  }

  #refuseWaiting(): CatalogEffect[] {
    return this.state.waiting.splice(0).map(({ link, id }) => unready(link, id));
  }

  #forgetDone(): void {
    const { entries, visible } = this.state;
    let done = 0;
    for (const { index, waits } of entries) {
      if (index > visible || waits.length > 0) break;
      done += 1;
    }
    entries.splice(0, done);
  }
}

/** The state of a catalog process that has just started. */
export function startedState(id: string, process: ProcessId): CatalogState {
  return {
    id,
    process,
    leader: null,
    authority: new Lease().state,
    visible: 0,
    received: 0,
    reported: 0,
    entries: [],
    sessions: new Map(),
    waiting: [],
  };
}

function unready(link: LinkId, id: number): CatalogEffect {
  return { do: 'toFrontend', link, message: { t: 'unready', id } };
}

function toFrontend({ link, message }: Send): CatalogEffect {
  return { do: 'toFrontend', link, message };
}
