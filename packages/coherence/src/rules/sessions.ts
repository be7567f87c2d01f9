/**
 * Which front-end may have which stock in its cache, and until when it may answer from it: leases over callback promises
 * (Howard et al., "Scale and Performance in a Distributed File System", 1988). A session is one link; a front-end that
 * comes back opens a new one with an empty cache.
 */
import { honouredMs, type Milliseconds } from './lease.js';
import type { CatalogToFrontend, LinkId } from './messages.js';

/** Stocks that one front-end may keep, at most. At the bound it is answered, and may not keep the answer. */
const HELD_MAX = 100_000;

export interface Session {
  readonly link: LinkId;
  /** A closed session counts until its lease is over: its front-end may be alive and cut off. */
  open: boolean;
  /** The lease is surely over at this time, on the catalog's clock. */
  leaseUntil: Milliseconds;
  /** Number of the last revocation, sent if the session was open, and of the last one that the front-end answered. */
  sent: number;
  dropped: number;
  /** `sent` when the last lease was given. */
  sentAtLease: number;
  /** Stocks that the front-end was told it may keep and was not told to drop since. */
  readonly held: Set<string>;
}

/** What the revocation of an entry still waits for: an answer, or the end of the lease as it was when it was sent. */
export interface RevocationWait {
  readonly link: LinkId;
  readonly seq: number;
  readonly leaseUntil: Milliseconds;
}

export interface Send {
  readonly link: LinkId;
  readonly message: CatalogToFrontend;
}

export type SessionsState = Map<LinkId, Session>;

export class Sessions {
  readonly state: SessionsState;
  readonly #sessionsMax: number;
  readonly #heldMax: number;

  /** @param sessionsMax sessions at most, those counted that are closed and whose lease still runs */
  constructor(state: SessionsState, sessionsMax: number, heldMax = HELD_MAX) {
    this.state = state;
    this.#sessionsMax = sessionsMax;
    this.#heldMax = heldMax;
  }

  /** Opens a session. Returns false at the bound. */
  open(link: LinkId, now: Milliseconds): boolean {
    this.#forgetExpired(now);
    if (this.state.size >= this.#sessionsMax) return false;
    const counts = { sent: 0, dropped: 0, sentAtLease: 0 };
    this.state.set(link, { link, open: true, leaseUntil: -Infinity, ...counts, held: new Set() });
    return true;
  }

  close(link: LinkId, now: Milliseconds): void {
    const session = this.state.get(link);
    if (session !== undefined) session.open = false;
    this.#forgetExpired(now);
  }

  isOpen(link: LinkId): boolean {
    return this.state.get(link)?.open === true;
  }

  /**
   * Gives a lease of `ms` on an open session. The grant must be sent now, behind every revocation sent before. Returns false
   * if there is none to give: a revocation that was sent before the last lease is unanswered, so the front-end renews its
   * lease and does not drop, and would hold up every entry for ever.
   */
  grant(link: LinkId, ms: Milliseconds, now: Milliseconds): boolean {
    const session = this.state.get(link);
    if (session?.open !== true || session.dropped < session.sentAtLease) return false;
    session.leaseUntil = Math.max(session.leaseUntil, now + honouredMs(ms));
    session.sentAtLease = session.sent;
    return true;
  }

  /** Notes that the front-end on `link` may keep the stock. Returns false at the bound: it may not. */
  keep(link: LinkId, name: string): boolean {
    const held = this.state.get(link)?.held;
    if (held === undefined || (held.size >= this.#heldMax && !held.has(name))) return false;
    held.add(name);
    return true;
  }

  /**
   * Takes stocks back from every cache that may hold one of them; from all caches all stocks if `names` is null. The
   * messages must be sent now.
   */
  revoke(names: readonly string[] | null, now: Milliseconds): { sends: Send[]; waits: RevocationWait[] } {
    this.#forgetExpired(now);
    const sends: Send[] = [];
    const waits: RevocationWait[] = [];
    for (const session of this.state.values()) {
      const { link, held, leaseUntil } = session;
      const revoked = names === null ? [...held] : names.filter((name) => held.has(name));
      if (revoked.length > 0) session.sent += 1;
      if (revoked.length > 0 && session.open) {
        for (const name of revoked) held.delete(name);
        sends.push({ link, message: { t: 'revoke', seq: session.sent, names: revoked } });
      }
      // A stock that an earlier revocation took back may still be in the cache: wait for that answer as well.
      const isWaiting = session.sent > session.dropped;
      if (isWaiting && leaseUntil > now) waits.push({ link, seq: session.sent, leaseUntil });
    }
    return { sends, waits };
  }

  /** The front-end has dropped what revocations up to `seq` name. Returns false if no such revocation was sent. */
  onDropped(link: LinkId, seq: number): boolean {
    const session = this.state.get(link);
    if (session === undefined) return true;
    if (seq > session.sent) return false;
    session.dropped = Math.max(session.dropped, seq);
    return true;
  }

  /** Whether a revocation waits no more. */
  isOver({ link, seq, leaseUntil }: RevocationWait, now: Milliseconds): boolean {
    if (leaseUntil <= now) return true;
    const session = this.state.get(link);
    return session === undefined || session.dropped >= seq;
  }

  #forgetExpired(now: Milliseconds): void {
    for (const { open, leaseUntil, link } of this.state.values()) {
      if (!open && leaseUntil <= now) this.state.delete(link);
    }
  }
}
