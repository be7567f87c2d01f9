/**
 * The leader's part: which catalogs may hold authority, and from when on a committed entry is *visible*, so that its
 * outcome may be told to clients and shown to readers. One instance for one term of leadership.
 *
 * A leader grants authority only in answer to a request, after a majority confirmed its leadership in a round that began
 * after the request had arrived (the ReadIndex rule, Raft thesis 6.4). A leader lease, by which a leader answers reads on
 * its own clock, never confirms a grant: with fail-over by broken connections a newer leader may be elected while that
 * lease runs. So authority granted under an older leader is over one lease after the election of a newer one, even if the
 * older one still believes that it leads.
 *
 * Of one catalog only one process at a time may hold authority. A leader begins a round for a process only once every
 * grant to another process of the same id is over.
 */
import { assertRule } from '@trireme/domain';
import { honouredMs, type Milliseconds } from './lease.js';
import type { LinkId, LogIndex, ProcessId, ToCatalog, ToLeader } from './messages.js';

/** Unexpired grants of one catalog, at most. At the bound it gets no further one until the oldest is over. */
const GRANTS_MAX = 8;

/** Authority that a catalog may hold. */
export interface Grant {
  /** The process that it was given to; null for the one, whichever it is, that older leaders gave it to. */
  readonly process: ProcessId | null;
  /** Last entry that was logged when the grant was given. The leader waits for the catalog with every later entry. */
  readonly logged: LogIndex;
  /** The catalog's authority is surely over at this time, on the leader's clock. */
  readonly until: Milliseconds;
}

/** A request for authority whose round has not begun. */
export interface AuthorityRequest {
  readonly id: number;
  /**
   * What was visible when it arrived, or the first one that it takes the place of. A catalog that has not revoked that much
   * holds up everybody and gets nothing.
   */
  readonly visible: LogIndex;
}

export interface CatalogRecord {
  /** The link that the catalog attached on; null while it is not attached. */
  link: LinkId | null;
  /** The process that attached last. */
  process: ProcessId | null;
  /** It has not been sent yet what the log held when it attached. Later entries come after that. */
  isCatchingUp: boolean;
  /** No reader can get a value from this process that an entry up to here has changed. */
  revoked: LogIndex;
  /** No authority before the leader knows that this entry, which put the catalog into the set, is committed. */
  readonly memberFrom: LogIndex;
  /** Set once the catalog is to be removed: it gets no authority any more. */
  isRetired: boolean;
  /** The last request on this link, until its round begins. */
  request: AuthorityRequest | null;
  /** Id of the request whose round is under way: one at a time. */
  round: number | null;
  /** Unexpired grants, oldest first, by any leader: the first may stand for what older leaders granted. */
  grants: Grant[];
}

export interface LeaderState {
  logged: LogIndex;
  committed: LogIndex;
  visible: LogIndex;
  /**
   * The first entry of the leader's own term. Until it is committed the leader does not know which entries are (Raft 5.4.2),
   * the set of catalogs in its log may be one that never comes to be, and it grants no authority.
   */
  readonly readyFrom: LogIndex;
  /** By id. The catalogs of the configured set as of the last entry of the log, committed or not. */
  readonly catalogs: Map<string, CatalogRecord>;
}

/** What the adapter has to do, in this order. */
export type LeaderEffect =
  | { readonly do: 'send'; readonly link: LinkId; readonly message: ToCatalog }
  /**
   * Send all entries of the log after `after`, or a snapshot of visible state and the entries after that. Then, in the turn
   * in which the last entry of the log was sent, call `onCaughtUp`.
   */
  | { readonly do: 'catchUp'; readonly link: LinkId; readonly after: LogIndex }
  /** Begin a round now, and call `onRoundEnd` once a majority has confirmed it or it has failed. */
  | { readonly do: 'confirm'; readonly link: LinkId; readonly id: number }
  | { readonly do: 'close'; readonly link: LinkId; readonly reason: string };

export class CatalogAuthorities {
  readonly state: LeaderState;
  readonly #authorityMs: Milliseconds;

  /**
   * @param state of `electedState`, or one that an instance had before
   * @param authorityMs how long a catalog may answer under one grant, in milliseconds; the same at every leader
   */
  constructor(state: LeaderState, authorityMs: Milliseconds) {
    this.state = state;
    this.#authorityMs = authorityMs;
  }

  /** An entry was appended to the leader's log. It goes to every attached catalog before it is committed. */
  onLogged(index: LogIndex, names: readonly string[]): LeaderEffect[] {
    assertRule(index > this.state.logged, 'entries are logged in order');
    this.state.logged = index;
    return this.#toAttached({ t: 'entry', index, names });
  }

  /**
   * The set of catalogs as of log entry `index`. A catalog may leave it only after `retire`, once `mayRemove` says so:
   * a later leader, which finds the new set in its log, does not wait for that catalog.
   */
  onSetLogged(index: LogIndex, ids: readonly string[], now: Milliseconds): LeaderEffect[] {
    const { catalogs } = this.state;
    const effects: LeaderEffect[] = [];
    for (const [id, { link }] of catalogs) {
      if (ids.includes(id)) continue;
      assertRule(this.mayRemove(id, now), 'a catalog leaves the set only once it surely holds no authority');
      catalogs.delete(id);
      if (link !== null)
        effects.push({ do: 'close', link, reason: `catalog ${id} left the set of catalogs` });
    }
    for (const id of ids) if (!catalogs.has(id)) catalogs.set(id, newRecord(index, []));
    return effects;
  }

  /** The leader knows that entries up to `index` are committed. */
  onCommitted(index: LogIndex, now: Milliseconds): LeaderEffect[] {
    this.state.committed = Math.max(this.state.committed, index);
    return this.advance(now);
  }

  /** @param now on the leader's clock */
  onMessage(link: LinkId, message: ToLeader, now: Milliseconds): LeaderEffect[] {
    if (message.t === 'attach') return [...this.#attach(link, message), ...this.advance(now)];
    const record = this.#recordOf(link);
    if (record === null) return [];
    switch (message.t) {
      case 'requestAuthority':
        record.request = { id: message.id, visible: record.request?.visible ?? this.state.visible };
        break;
      case 'revoked':
        record.revoked = Math.max(record.revoked, message.index);
    }
    return this.advance(now);
  }

  /** The catalog on `link` was sent everything up to the last entry of the log. */
  onCaughtUp(link: LinkId, now: Milliseconds): LeaderEffect[] {
    const record = this.#recordOf(link);
    if (record === null) return [];
    record.isCatchingUp = false;
    const visible: LeaderEffect = {
      do: 'send',
      link,
      message: { t: 'visible', index: this.state.visible },
    };
    return [visible, ...this.advance(now)];
  }

  onClosed(link: LinkId): void {
    const record = this.#recordOf(link);
    if (record !== null) detach(record);
  }

  /** The round that began for request `id` on this link has ended. @param isConfirmed whether a majority confirmed it */
  onRoundEnd(link: LinkId, id: number, isConfirmed: boolean, now: Milliseconds): LeaderEffect[] {
    const record = this.#recordOf(link);
    if (record?.round !== id) return [];
    record.round = null;
    const effects: LeaderEffect[] = [];
    if (isConfirmed && !record.isRetired) {
      const { logged } = this.state;
      const until = now + honouredMs(this.#authorityMs);
      record.grants.push({ process: record.process, logged, until });
      effects.push({ do: 'send', link, message: { t: 'authority', id, logged } });
    }
    return [...effects, ...this.advance(now)];
  }

  /** Makes visible what may be, and begins the rounds that may begin. To be called at `wakeAt` at the latest. */
  advance(now: Milliseconds): LeaderEffect[] {
    const effects: LeaderEffect[] = [];
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

  /** When `advance` may find something new by time alone; null if time alone changes nothing. */
  get wakeAt(): Milliseconds | null {
    let wakeAt: Milliseconds | null = null;
    for (const record of this.state.catalogs.values()) {
      const first = record.grants[0];
      const isWaiting = record.request !== null || visibleFor(record) < this.state.committed;
      if (first !== undefined && isWaiting) wakeAt = Math.min(wakeAt ?? Infinity, first.until);
    }
    return wakeAt;
  }

  /** From now on catalog `id` gets no authority. */
  retire(id: string): void {
    const record = this.state.catalogs.get(id);
    if (record === undefined) return;
    record.isRetired = true;
    record.request = null;
  }

  /** Whether a retired catalog surely holds no authority any more, so that an entry may take it out of the set. */
  mayRemove(id: string, now: Milliseconds): boolean {
    const record = this.state.catalogs.get(id);
    if (record === undefined) return true;
    dropExpired(record, now);
    return record.isRetired && record.grants.length === 0;
  }

  #mayGrant(record: CatalogRecord, request: AuthorityRequest): boolean {
    const { committed, readyFrom } = this.state;
    const isReady = committed >= readyFrom && committed >= record.memberFrom;
    if (!isReady || record.isRetired || record.isCatchingUp) return false;
    if (record.revoked < request.visible || record.grants.length >= GRANTS_MAX) return false;
    return record.grants.every(({ process }) => process === record.process);
  }

  #attach(link: LinkId, message: ToLeader & { readonly t: 'attach' }): LeaderEffect[] {
    const { catalog: id, process, visible, hadAuthority } = message;
    const record = this.state.catalogs.get(id);
    if (record === undefined) {
      return [{ do: 'close', link, reason: `catalog ${id} is not in the set of catalogs` }];
    }
    const effects: LeaderEffect[] = [];
    if (record.link !== null) {
      const reason = `catalog ${id} attached again on another link`;
      effects.push({ do: 'close', link: record.link, reason });
    }
    detach(record);
    record.link = link;
    record.process = process;
    // What it had received and not applied it has forgotten: its reports of that count no more.
    record.revoked = visible;
    record.isCatchingUp = true;
    if (hadAuthority) {
      record.grants = record.grants.map((grant) => (grant.process === null ? { ...grant, process } : grant));
    }
    effects.push({ do: 'catchUp', link, after: visible });
    return effects;
  }

  #recordOf(link: LinkId): CatalogRecord | null {
    for (const record of this.state.catalogs.values()) if (record.link === link) return record;
    return null;
  }

  #toAttached(message: ToCatalog): LeaderEffect[] {
    const effects: LeaderEffect[] = [];
    for (const { link, isCatchingUp } of this.state.catalogs.values()) {
      if (link !== null && !isCatchingUp) effects.push({ do: 'send', link, message });
    }
    return effects;
  }
}

/**
 * The state of a leader that was elected at `now` and has appended the first entry of its term. It does not know what older
 * leaders granted, so it waits for every catalog of the set, with every entry, until the process that held that
 * authority has revoked the entry or one lease has passed.
 * @param logged index of the first entry of its term, the last one of its log
 * @param visible an index known to be visible, 0 if none is
 * @param ids the set of catalogs as of the last entry of the leader's log
 */
export function electedState(
  logged: LogIndex,
  visible: LogIndex,
  ids: readonly string[],
  authorityMs: Milliseconds,
  now: Milliseconds,
): LeaderState {
  const older: Grant = { process: null, logged: 0, until: now + honouredMs(authorityMs) };
  return {
    logged,
    committed: visible,
    visible,
    readyFrom: logged,
    catalogs: new Map(ids.map((id) => [id, newRecord(0, [older])])),
  };
}

function newRecord(memberFrom: LogIndex, grants: Grant[]): CatalogRecord {
  return {
    link: null,
    process: null,
    isCatchingUp: false,
    revoked: 0,
    memberFrom,
    isRetired: false,
    request: null,
    round: null,
    grants,
  };
}

function detach(record: CatalogRecord): void {
  record.link = null;
  record.isCatchingUp = false;
  record.request = null;
  record.round = null;
}

/**
 * How far entries may be visible as far as one catalog is concerned, its expired grants being dropped. What the process that
 * is attached has revoked says nothing of another process.
 */
function visibleFor({ grants, process, revoked }: CatalogRecord): LogIndex {
  let visible = Infinity;
  for (const grant of grants) {
    const reached = grant.process === process ? Math.max(revoked, grant.logged) : grant.logged;
    visible = Math.min(visible, reached);
  }
  return visible;
}

function dropExpired(record: CatalogRecord, now: Milliseconds): void {
  while (record.grants[0] !== undefined && record.grants[0].until <= now) record.grants.shift();
}
