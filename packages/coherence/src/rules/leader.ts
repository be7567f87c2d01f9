/**
 * The leader's rules: which catalogs may hold authority, and when a committed entry is *visible*, so that its
 * outcome may be acknowledged to clients and shown to readers. One instance serves one term of leadership.
 *
 * A leader grants authority only in answer to a request, after a majority has confirmed its leadership in a
 * round that began after the request arrived (the ReadIndex rule, Raft thesis 6.4). A leader lease, by which a
 * leader answers reads on its own clock, never confirms a grant: with fail-over by broken connections a newer
 * leader may be elected while that lease is valid. So authority granted under an older leader ends at most one
 * lease after the election of a newer one, even if the older one still believes that it leads.
 *
 * Only one process of a catalog at a time may hold authority. A leader begins a round for a process only once
 * every grant to another process of the same id has expired.
 */
import { assertInvariant } from '@trireme/domain';
import { grantorLeaseMs, type Milliseconds } from './lease.js';
import type { LinkId, LogIndex, CatalogProcessId, LeaderToCatalog, CatalogToLeader } from './messages.js';

/** Maximum number of unexpired grants of one catalog. A further request waits until the oldest one has expired. */
const GRANTS_MAX = 8;

/** Authority that a catalog may hold. */
export interface AuthorityGrant {
  /** The process that holds the grant; null for the unknown process that got it from older leaders. */
  readonly process: CatalogProcessId | null;
  /** Last entry of the log at the time of the grant. The leader waits for the catalog with every later entry. */
  readonly lastIndex: LogIndex;
  /** The catalog's authority has expired by this time, on the leader's clock. */
  readonly until: Milliseconds;
}

/** A request for authority whose round has not begun. */
export interface AuthorityRequest {
  readonly id: number;
  /**
   * What was visible when this request arrived, or the first request that it replaces. A catalog that has not
   * revoked entries up to here would delay all orders, so it gets no authority.
   */
  readonly visible: LogIndex;
}

export interface CatalogProgress {
  /** The link on which the catalog is attached; null while it is not attached. */
  link: LinkId | null;
  /** The process that attached last. */
  process: CatalogProcessId | null;
  /** The entries that the log held when the catalog attached are still being sent. Later entries follow them. */
  isCatchingUp: boolean;
  /** No reader can get a value from this process that an entry up to here replaced. */
  revokedIndex: LogIndex;
  /** The entry that added the catalog to the set. The catalog gets no authority before this entry is committed. */
  readonly addedAt: LogIndex;
  /** Whether the catalog is being removed: it gets no further authority. */
  isRetired: boolean;
  /** The last request on this link, until its round begins. */
  request: AuthorityRequest | null;
  /** Id of the request whose round is in progress, one at a time. */
  round: number | null;
  /** Unexpired grants, oldest first, by any leader: the first may stand for what older leaders granted. */
  grants: AuthorityGrant[];
}

export interface AuthorityState {
  lastIndex: LogIndex;
  committed: LogIndex;
  visible: LogIndex;
  /**
   * The first entry of the leader's own term. Until it is committed the leader does not know which entries are
   * committed (Raft 5.4.2), and the catalog set in its log may never be committed. So the leader grants no
   * authority before.
   */
  readonly firstIndexOfTerm: LogIndex;
  /** The catalog set as of the last entry of the log, committed or not, by catalog id. */
  readonly catalogs: Map<string, CatalogProgress>;
}

/** An action for the adapter. Actions must be executed in order. */
export type AuthorityEffect =
  | { readonly do: 'send'; readonly link: LinkId; readonly message: LeaderToCatalog }
  /**
   * Send all log entries after `after`, or a snapshot of visible state and the entries after it. Call
   * `onCaughtUp` in the same turn in which the last entry of the log is sent.
   */
  | { readonly do: 'catchUp'; readonly link: LinkId; readonly after: LogIndex }
  /** Begin a round now. Call `onRoundEnd` once a majority has confirmed it, or once it has failed. */
  | { readonly do: 'confirm'; readonly link: LinkId; readonly id: number }
  | { readonly do: 'close'; readonly link: LinkId; readonly reason: string };

export class AuthorityManager {
  readonly state: AuthorityState;
  readonly #authorityMs: Milliseconds;

  /**
   * @param state result of `initialLeaderState`, or the state of an earlier instance
   * @param authorityMs milliseconds for which a catalog may answer under one grant; equal at all leaders
   */
  constructor(state: AuthorityState, authorityMs: Milliseconds) {
    this.state = state;
    this.#authorityMs = authorityMs;
  }

  /** An entry was appended to the leader's log. Every attached catalog gets it before it is committed. */
  onLogged(index: LogIndex, names: readonly string[]): AuthorityEffect[] {
    assertInvariant(index > this.state.lastIndex, 'entries must be logged in order');
    this.state.lastIndex = index;
    return this.#toAttached({ t: 'entry', index, names });
  }

  /**
   * Log entry `index` sets the catalog set to `ids`. A catalog may be removed only after `retire`, once
   * `mayRemove` is true: a later leader, which reads the new set from its log, does not wait for that catalog.
   */
  onCatalogSetLogged(index: LogIndex, ids: readonly string[], now: Milliseconds): AuthorityEffect[] {
    const { catalogs } = this.state;
    const effects: AuthorityEffect[] = [];
    for (const [id, { link }] of catalogs) {
      if (ids.includes(id)) continue;
      assertInvariant(
        this.mayRemove(id, now),
        'a catalog may leave the set only once its authority has expired',
      );
      catalogs.delete(id);
      if (link !== null) effects.push({ do: 'close', link, reason: `catalog ${id} left the catalog set` });
    }
    for (const id of ids) if (!catalogs.has(id)) catalogs.set(id, newRecord(index, []));
    return effects;
  }

  /** The leader knows that entries up to `index` are committed. */
  onCommitted(index: LogIndex, now: Milliseconds): AuthorityEffect[] {
    this.state.committed = Math.max(this.state.committed, index);
    return this.advance(now);
  }

  /** @param now on the leader's clock */
  onMessage(link: LinkId, message: CatalogToLeader, now: Milliseconds): AuthorityEffect[] {
    if (message.t === 'attach') return [...this.#attach(link, message), ...this.advance(now)];
    const record = this.#recordOf(link);
    if (record === null) return [];
    switch (message.t) {
      case 'requestAuthority':
        record.request = { id: message.id, visible: record.request?.visible ?? this.state.visible };
        break;
      case 'revoked':
        record.revokedIndex = Math.max(record.revokedIndex, message.index);
    }
    return this.advance(now);
  }

  /** The catalog on `link` was sent all entries up to the last one of the log. */
  onCaughtUp(link: LinkId, now: Milliseconds): AuthorityEffect[] {
    const record = this.#recordOf(link);
    if (record === null) return [];
    record.isCatchingUp = false;
    const visible: AuthorityEffect = {
      do: 'send',
      link,
      message: { t: 'visible', index: this.state.visible },
    };
    return [visible, ...this.advance(now)];
  }

  onLinkClosed(link: LinkId): void {
    const record = this.#recordOf(link);
    if (record !== null) detach(record);
  }

  /**
   * The round that began for request `id` on this link has ended.
   * @param isConfirmed whether a majority confirmed it
   */
  onRoundEnd(link: LinkId, id: number, isConfirmed: boolean, now: Milliseconds): AuthorityEffect[] {
    const record = this.#recordOf(link);
    if (record?.round !== id) return [];
    record.round = null;
    const effects: AuthorityEffect[] = [];
    if (isConfirmed && !record.isRetired) {
      const { lastIndex } = this.state;
      const until = now + grantorLeaseMs(this.#authorityMs);
      record.grants.push({ process: record.process, lastIndex, until });
      effects.push({ do: 'send', link, message: { t: 'authority', id, logged: lastIndex } });
    }
    return [...effects, ...this.advance(now)];
  }

  /** Advances the visible index and begins all rounds that may begin. Must be called at `wakeAt` at the latest. */
  advance(now: Milliseconds): AuthorityEffect[] {
    const effects: AuthorityEffect[] = [];
    let visible = this.state.committed;
    for (const record of this.state.catalogs.values()) {
      dropExpired(record, now);
      visible = Math.min(visible, visibleFor(record));
    }
    if (visible > this.state.visible) {
      this.state.visible = visible;
      effects.push(...this.#toAttached({ t: 'visible', index: visible }));
    }
    for (const record of this.state.catalogs.values()) {
      const { link, request, round } = record;
      if (link === null || request === null || round !== null || !this.#mayGrant(record, request)) continue;
      record.request = null;
      record.round = request.id;
      effects.push({ do: 'confirm', link, id: request.id });
    }
    return effects;
  }

  /** Earliest time at which `advance` may have an effect without further input; null if there is none. */
  get wakeAt(): Milliseconds | null {
    let wakeAt: Milliseconds | null = null;
    for (const record of this.state.catalogs.values()) {
      const first = record.grants[0];
      const isWaiting = record.request !== null || visibleFor(record) < this.state.committed;
      if (first !== undefined && isWaiting) wakeAt = Math.min(wakeAt ?? Infinity, first.until);
    }
    return wakeAt;
  }

  /** Stops granting authority to catalog `id`. */
  retire(id: string): void {
    const record = this.state.catalogs.get(id);
    if (record === undefined) return;
    record.isRetired = true;
    record.request = null;
  }

  /** Whether the authority of a retired catalog has expired, so that an entry may remove it from the set. */
  mayRemove(id: string, now: Milliseconds): boolean {
    const record = this.state.catalogs.get(id);
    if (record === undefined) return true;
    dropExpired(record, now);
    return record.isRetired && record.grants.length === 0;
  }

  #mayGrant(record: CatalogProgress, request: AuthorityRequest): boolean {
    const { committed, firstIndexOfTerm } = this.state;
    const isReady = committed >= firstIndexOfTerm && committed >= record.addedAt;
    if (!isReady || record.isRetired || record.isCatchingUp) return false;
    if (record.revokedIndex < request.visible || record.grants.length >= GRANTS_MAX) return false;
    return record.grants.every(({ process }) => process === record.process);
  }

  #attach(link: LinkId, message: CatalogToLeader & { readonly t: 'attach' }): AuthorityEffect[] {
    const { catalog: id, process, visible, hadAuthority } = message;
    const record = this.state.catalogs.get(id);
    if (record === undefined) {
      return [{ do: 'close', link, reason: `catalog ${id} is not in the catalog set` }];
    }
    const effects: AuthorityEffect[] = [];
    if (record.link !== null) {
      const reason = `catalog ${id} attached again on another link`;
      effects.push({ do: 'close', link: record.link, reason });
    }
    detach(record);
    record.link = link;
    record.process = process;
    // The catalog has dropped entries that it received but did not apply, so earlier reports of them do not
    // count.
    record.revokedIndex = visible;
    record.isCatchingUp = true;
    if (hadAuthority) {
      record.grants = record.grants.map((grant) => (grant.process === null ? { ...grant, process } : grant));
    }
    effects.push({ do: 'catchUp', link, after: visible });
    return effects;
  }

  #recordOf(link: LinkId): CatalogProgress | null {
    for (const record of this.state.catalogs.values()) if (record.link === link) return record;
    return null;
  }

  #toAttached(message: LeaderToCatalog): AuthorityEffect[] {
    const effects: AuthorityEffect[] = [];
    for (const { link, isCatchingUp } of this.state.catalogs.values()) {
      if (link !== null && !isCatchingUp) effects.push({ do: 'send', link, message });
    }
    return effects;
  }
}

/**
 * The state of a leader that was elected at `now` and has appended the first entry of its term. It does not
 * know which authority older leaders granted. With every entry it waits for every catalog of the set until the
 * process with that authority has revoked the entry, or one lease has passed since the election.
 * @param logged index of the first entry of the leader's term, which is the last one of its log
 * @param visible an index known to be visible, 0 if none is
 * @param ids the catalog set as of the last entry of the leader's log
 */
export function initialLeaderState(
  logged: LogIndex,
  visible: LogIndex,
  ids: readonly string[],
  authorityMs: Milliseconds,
  now: Milliseconds,
): AuthorityState {
  const older: AuthorityGrant = { process: null, lastIndex: 0, until: now + grantorLeaseMs(authorityMs) };
  return {
    lastIndex: logged,
    committed: visible,
    visible,
    firstIndexOfTerm: logged,
    catalogs: new Map(ids.map((id) => [id, newRecord(0, [older])])),
  };
}

function newRecord(memberFrom: LogIndex, grants: AuthorityGrant[]): CatalogProgress {
  return {
    link: null,
    process: null,
    isCatchingUp: false,
    revokedIndex: 0,
    addedAt: memberFrom,
    isRetired: false,
    request: null,
    round: null,
    grants,
  };
}

function detach(record: CatalogProgress): void {
  record.link = null;
  record.isCatchingUp = false;
  record.request = null;
  record.round = null;
}

/**
 * The last index that may be visible as far as one catalog is concerned. Expired grants must have been dropped.
 * The reports of the attached process say nothing about other processes of the catalog.
 */
function visibleFor({ grants, process, revokedIndex }: CatalogProgress): LogIndex {
  let visible = Infinity;
  for (const grant of grants) {
    const reached = grant.process === process ? Math.max(revokedIndex, grant.lastIndex) : grant.lastIndex;
    visible = Math.min(visible, reached);
  }
  return visible;
}

function dropExpired(record: CatalogProgress, now: Milliseconds): void {
  while (record.grants[0] !== undefined && record.grants[0].until <= now) record.grants.shift();
}
