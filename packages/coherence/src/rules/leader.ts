/**
 * The leader's part: which catalogs may hold authority, and from when on a committed entry is *visible*, so that its
 * outcome may be told to clients and shown to readers. One instance for one term of leadership.
 *
 * A leader grants authority only in answer to a request, after a majority confirmed its leadership in a round that began
 * after the request had arrived (the ReadIndex rule, Raft thesis 6.4). So authority granted under an older leader is over
 * one lease after the election of a newer one, even if the older one still believes that it leads.
 */
import { assertRule } from '@trireme/domain';
import { honouredMs, type Milliseconds } from './lease.js';
import type { LinkId, LogIndex, ToCatalog, ToLeader } from './messages.js';

/** Unexpired grants kept for one catalog, at most. At the bound the two oldest are merged, which only waits longer. */
const GRANTS_MAX = 8;

/** Authority that a catalog may hold. */
export interface Grant {
  /** Last entry that was logged when the grant was given. The leader waits for the catalog with every later entry. */
  readonly logged: LogIndex;
  /** The catalog's authority is surely over at this time, on the leader's clock. */
  readonly until: Milliseconds;
}

export interface CatalogRecord {
  /** The link that the catalog attached on; null while it is not attached. */
  link: LinkId | null;
  /** It has not been sent yet what the log held when it attached. Later entries come after that. */
  isCatchingUp: boolean;
  /** No reader can get a value from this catalog that an entry up to here has changed. */
  revoked: LogIndex;
  /** No authority before the leader knows that this entry, which put the catalog into the set, is committed. */
  readonly memberFrom: LogIndex;
  /** Set once the catalog is to be removed: it gets no authority any more. */
  retired: boolean;
  /** Unexpired grants, oldest first, by any leader: the first may stand for what older leaders granted. */
  grants: Grant[];
}

export interface LeaderState {
  logged: LogIndex;
  committed: LogIndex;
  visible: LogIndex;
  /** By id. The catalogs of the configured set as of the last entry of the log, committed or not. */
  readonly catalogs: Map<string, CatalogRecord>;
}

/** What the adapter has to do, in this order. */
export type LeaderEffect =
  | { readonly do: 'send'; readonly link: LinkId; readonly message: ToCatalog }
  /**
   * Send all entries of the log after `after`, or a snapshot of visible state and the entries after that. Then, in the turn
   * in which the last entry of the log was sent, call `caughtUp`.
   */
  | { readonly do: 'catchUp'; readonly link: LinkId; readonly after: LogIndex }
  /** Begin a round now; call `confirmed` if a majority confirms it. */
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
  logged(index: LogIndex, names: readonly string[]): LeaderEffect[] {
    assertRule(index > this.state.logged, 'entries are logged in order');
    this.state.logged = index;
    return this.#toAttached({ t: 'entry', index, names });
  }

  /**
   * The set of catalogs as of log entry `index`. A catalog may leave it only after `retire`, once `mayRemove` says so:
   * a later leader, which finds the new set in its log, does not wait for that catalog.
   */
  setLogged(index: LogIndex, ids: readonly string[]): void {
    const { catalogs } = this.state;
    for (const id of catalogs.keys()) if (!ids.includes(id)) catalogs.delete(id);
    for (const id of ids) if (!catalogs.has(id)) catalogs.set(id, newRecord(index, []));
  }

  /** The leader knows that entries up to `index` are committed. Followed by `advance`. */
  committed(index: LogIndex): void {
    this.state.committed = Math.max(this.state.committed, index);
  }

  /** @param now on the leader's clock */
  received(link: LinkId, message: ToLeader, now: Milliseconds): LeaderEffect[] {
    switch (message.t) {
      case 'attach':
        return this.#attach(link, message.catalog, message.visible);
      case 'requestAuthority':
        return this.#recordOf(link) === null ? [] : [{ do: 'confirm', link, id: message.id }];
      case 'revoked': {
        const record = this.#recordOf(link);
        if (record === null) return [];
        record.revoked = Math.max(record.revoked, message.index);
        return this.advance(now);
      }
    }
  }

  /** The catalog on `link` was sent everything up to the last entry of the log. */
  caughtUp(link: LinkId): LeaderEffect[] {
    const record = this.#recordOf(link);
    if (record === null) return [];
    record.isCatchingUp = false;
    return [{ do: 'send', link, message: { t: 'visible', index: this.state.visible } }];
  }

  closed(link: LinkId): void {
    const record = this.#recordOf(link);
    if (record !== null) record.link = null;
  }

  /** A majority confirmed the round that began for request `id` on this link. */
  confirmed(link: LinkId, id: number, now: Milliseconds): LeaderEffect[] {
    const record = this.#recordOf(link);
    if (record === null || record.retired || record.memberFrom > this.state.committed) return [];
    const { logged } = this.state;
    addGrant(record, { logged, until: now + honouredMs(this.#authorityMs) }, now);
    return [{ do: 'send', link, message: { t: 'authority', id, logged } }];
  }

  /** Makes visible what may be. Called after anything that may have changed the answer, and at `wakeAt`. */
  advance(now: Milliseconds): LeaderEffect[] {
    let visible = this.state.committed;
    for (const record of this.state.catalogs.values()) {
      dropExpired(record, now);
      visible = Math.min(visible, visibleFor(record));
    }
    if (visible <= this.state.visible) return [];
    this.state.visible = visible;
    return this.#toAttached({ t: 'visible', index: visible });
  }

  /** When `advance` may find something new by time alone; null if time alone changes nothing. */
  get wakeAt(): Milliseconds | null {
    let wakeAt: Milliseconds | null = null;
    for (const record of this.state.catalogs.values()) {
      const first = record.grants[0];
      if (first === undefined || visibleFor(record) >= this.state.committed) continue;
      wakeAt = wakeAt === null ? first.until : Math.min(wakeAt, first.until);
    }
    return wakeAt;
  }

  /** From now on catalog `id` gets no authority. */
  retire(id: string): void {
    const record = this.state.catalogs.get(id);
    if (record !== undefined) record.retired = true;
  }

  /** Whether a retired catalog surely holds no authority any more, so that an entry may take it out of the set. */
  mayRemove(id: string, now: Milliseconds): boolean {
    const record = this.state.catalogs.get(id);
    if (record === undefined) return true;
    dropExpired(record, now);
    return record.retired && record.grants.length === 0;
  }

  #attach(link: LinkId, id: string, visible: LogIndex): LeaderEffect[] {
    const record = this.state.catalogs.get(id);
    if (record === undefined) {
      return [{ do: 'close', link, reason: `catalog ${id} is not in the set of catalogs` }];
    }
    const effects: LeaderEffect[] = [];
    if (record.link !== null)
      effects.push({
        do: 'close',
        link: record.link,
        reason: `catalog ${id} attached again on another link`,
      });
    record.link = link;
    // What it had received and not applied it has forgotten: its reports of that count no more.
    record.revoked = visible;
    record.isCatchingUp = true;
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
 * The state of a leader that was elected at `now`. It does not know what older leaders granted, so it waits for every
 * catalog of the set, with every entry, until the catalog has revoked it or one lease has passed.
 * @param logged last index of the leader's log
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
  const older: Grant = { logged: 0, until: now + honouredMs(authorityMs) };
  return {
    logged,
    committed: visible,
    visible,
    catalogs: new Map(ids.map((id) => [id, newRecord(0, [older])])),
  };
}

function newRecord(memberFrom: LogIndex, grants: Grant[]): CatalogRecord {
  return { link: null, isCatchingUp: false, revoked: 0, memberFrom, retired: false, grants };
}

/** How far entries may be visible as far as one catalog is concerned, its expired grants being dropped. */
function visibleFor({ grants, revoked }: CatalogRecord): LogIndex {
  const first = grants[0];
  return first === undefined ? Infinity : Math.max(revoked, first.logged);
}

function dropExpired(record: CatalogRecord, now: Milliseconds): void {
  while (record.grants[0] !== undefined && record.grants[0].until <= now) record.grants.shift();
}

function addGrant(record: CatalogRecord, grant: Grant, now: Milliseconds): void {
  dropExpired(record, now);
  const { grants } = record;
  const [first, second] = grants;
  if (grants.length >= GRANTS_MAX && first !== undefined && second !== undefined) {
    grants.splice(0, 2, { logged: first.logged, until: second.until });
  }
  grants.push(grant);
}
