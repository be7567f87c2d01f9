/**
 * Which stocks each front-end may have in its cache, and how long it may answer from it: leases over callback
 * promises (Howard et al., "Scale and Performance in a Distributed File System", 1988). A session is one link;
 * a front-end that reconnects opens a new session with an empty cache.
 */
import { grantorLeaseMs, type Milliseconds } from './lease.js';
import type { CatalogToFrontend, LinkId } from './messages.js';

/** Maximum number of stocks that one front-end may cache. Beyond it look-ups are answered but may not be cached. */
const HELD_MAX = 100_000;

export interface FrontendSession {
  readonly link: LinkId;
  /** A closed session counts until its lease has expired: its front-end may be running without a connection. */
  open: boolean;
  /** The front-end's lease has expired by this time, on the catalog's clock. */
  leaseUntil: Milliseconds;
  /** Number of the last revocation, which was sent if the session was open, and of the last one acknowledged. */
  sentSeq: number;
  droppedSeq: number;
  /** `sent` at the time of the last grant. */
  sentAtLease: number;
  /** Stocks that the front-end may cache and that were not revoked since. */
  readonly cachedStocks: Set<string>;
}

/**
 * A revocation that waits for a front-end: until it acknowledges, or until the lease that it had at the time
 * expires.
 */
export interface RevocationWait {
  readonly link: LinkId;
  readonly seq: number;
  readonly leaseUntil: Milliseconds;
}

export interface FrontendSend {
  readonly link: LinkId;
  readonly message: CatalogToFrontend;
}

export type FrontendSessionsState = Map<LinkId, FrontendSession>;

export class FrontendSessions {
  readonly state: FrontendSessionsState;
  readonly #sessionsMax: number;
  readonly #heldMax: number;

  /** @param sessionsMax maximum number of sessions, including closed ones whose lease has not expired */
  constructor(state: FrontendSessionsState, sessionsMax: number, heldMax = HELD_MAX) {
    this.state = state;
    this.#sessionsMax = sessionsMax;
    this.#heldMax = heldMax;
  }

  /** Opens a session. Returns false if there are too many. */
  open(link: LinkId, now: Milliseconds): boolean {
    this.#forgetExpired(now);
    if (this.state.size >= this.#sessionsMax) return false;
    const counts = { sentSeq: 0, droppedSeq: 0, sentAtLease: 0 };
    this.state.set(link, { link, open: true, leaseUntil: -Infinity, ...counts, cachedStocks: new Set() });
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
   * Grants a lease of `ms` on an open session. The caller must send the grant now, after all earlier
   * revocations. Returns false while a revocation that was sent before the last grant is not acknowledged: a
   * front-end that renews its lease without acknowledging revocations would delay every entry forever.
   */
  grant(link: LinkId, ms: Milliseconds, now: Milliseconds): boolean {
    const session = this.state.get(link);
    if (session?.open !== true || session.droppedSeq < session.sentAtLease) return false;
    session.leaseUntil = Math.max(session.leaseUntil, now + grantorLeaseMs(ms));
    session.sentAtLease = session.sentSeq;
    return true;
  }

  /**
   * Records that the front-end on `link` may cache the stock. Returns false if it may not, because it holds too
   * many.
   */
  recordCacheable(link: LinkId, name: string): boolean {
    const held = this.state.get(link)?.cachedStocks;
    if (held === undefined || (held.size >= this.#heldMax && !held.has(name))) return false;
    held.add(name);
    return true;
  }

  /**
   * Revokes stocks from every cache that may hold one of them; revokes all stocks if `names` is null. The
   * caller must send the messages now.
   */
  revoke(
    names: readonly string[] | null,
    now: Milliseconds,
  ): { sends: FrontendSend[]; waits: RevocationWait[] } {
    this.#forgetExpired(now);
    const sends: FrontendSend[] = [];
    const waits: RevocationWait[] = [];
    for (const session of this.state.values()) {
      const { link, cachedStocks, leaseUntil } = session;
      const revoked = names === null ? [...cachedStocks] : names.filter((name) => cachedStocks.has(name));
      if (revoked.length > 0) session.sentSeq += 1;
      if (revoked.length > 0 && session.open) {
        for (const name of revoked) cachedStocks.delete(name);
        sends.push({ link, message: { t: 'revoke', seq: session.sentSeq, names: revoked } });
      }
      // The cache may still hold a stock of an earlier revocation, so wait for that acknowledgement as well.
      const isWaiting = session.sentSeq > session.droppedSeq;
      if (isWaiting && leaseUntil > now) waits.push({ link, seq: session.sentSeq, leaseUntil });
    }
    return { sends, waits };
  }

  /**
   * The front-end has dropped the stocks of all revocations up to `seq`. Returns false if no such revocation
   * was sent.
   */
  onDropped(link: LinkId, seq: number): boolean {
    const session = this.state.get(link);
    if (session === undefined) return true;
    if (seq > session.sentSeq) return false;
    session.droppedSeq = Math.max(session.droppedSeq, seq);
    return true;
  }

  /** Whether a revocation was acknowledged or the lease has expired. */
  isRevocationDone({ link, seq, leaseUntil }: RevocationWait, now: Milliseconds): boolean {
    if (leaseUntil <= now) return true;
    const session = this.state.get(link);
    return session === undefined || session.droppedSeq >= seq;
  }

  #forgetExpired(now: Milliseconds): void {
    for (const { open, leaseUntil, link } of this.state.values()) {
      if (!open && leaseUntil <= now) this.state.delete(link);
    }
  }
}
