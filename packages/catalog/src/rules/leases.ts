/**
 * Which front-end may have which stock in its cache, and until when it may answer from that cache: leases (Gray and
 * Cheriton, "Leases", SOSP 1989) over callback promises (Howard et al., "Scale and Performance in a Distributed File
 * System", 1988). A session is one link; a front-end that comes back opens a new one with an empty cache.
 */
import { assertRule, REPORT_NAMES_MAX, REPORT_SESSIONS_MAX, type SessionReport } from '@trireme/domain';

/**
 * Longest lease that any catalog grants, in milliseconds. A catalog that starts knows nothing of the leases of an
 * earlier process, and waits this long; a longer lease would spare only a few small frames a second.
 */
export const LEASE_MS_MAX = 1000;

/**
 * How much longer than granted the catalog honours a lease, as a share of it. Clocks that NTP slews differ by 0.1% at
 * most; the rest covers bad oscillators in virtual machines. The front-end takes off a margin of its own.
 */
const LEASE_DRIFT = 0.1;

/** Sessions at most, those counted that are closed but whose lease still runs. Further links are refused. */
export const SESSIONS_MAX = 1024;

/** How long the catalog honours a lease that it grants for `leaseMs` milliseconds. */
export function honouredMs(leaseMs: number): number {
  return leaseMs * (1 + LEASE_DRIFT);
}

/** One front-end link. */
interface Session {
  readonly link: number;
  readonly peer: string;
  readonly open: boolean;
  /** On the catalog's clock; -Infinity before the first grant. */
  readonly leaseEnd: number;
  /** Number of the last revocation sent to it. */
  readonly revocationSeq: number;
}

interface SessionState extends Session {
  open: boolean;
  leaseEnd: number;
  revocationSeq: number;
  /** Stocks that it was told it may keep, and was not told since to drop. Only of existing stocks: at most `STOCKS_MAX`. */
  readonly promises: Set<string>;
}

/** A session that may have some of the changed stocks in its cache. */
interface Holder {
  readonly session: Session;
  readonly names: readonly string[];
}

/** The sessions, open and lingering. */
export class Sessions {
  readonly #leaseMs: number;
  readonly #sessionsMax: number;
  readonly #sessions = new Map<number, SessionState>();

  /** @param leaseMs length of a lease, 1 to `LEASE_MS_MAX` milliseconds. */
  constructor(leaseMs: number, sessionsMax = SESSIONS_MAX) {
    assertRule(leaseMs >= 1 && leaseMs <= LEASE_MS_MAX, `a lease lasts 1 to ${LEASE_MS_MAX} ms`);
    this.#leaseMs = leaseMs;
    this.#sessionsMax = sessionsMax;
  }

  /** Sessions, those counted whose link is closed and whose lease may still run. */
  get size(): number {
    return this.#sessions.size;
  }

  /** The open sessions, for people who watch; within the bounds of a report. */
  report(now: number): readonly SessionReport[] {
    const open = [...this.#sessions.values()].filter((session) => session.open);
    return open.slice(0, REPORT_SESSIONS_MAX).map(({ peer, leaseEnd, promises }) => ({
      peer,
      leaseMs: Math.max(0, Math.round(leaseEnd - now)),
      names: firstOf(promises, REPORT_NAMES_MAX),
    }));
  }

  /** Opens a session; false at the bound. */
  open(link: number, peer: string, now: number): boolean {
    this.#forgetExpired(now);
    if (this.#sessions.size >= this.#sessionsMax) return false;
    this.#sessions.set(link, {
      link,
      peer,
      open: true,
      leaseEnd: -Infinity,
      revocationSeq: 0,
      promises: new Set(),
    });
    return true;
  }

  /** The link is gone, its front-end perhaps alive and cut off: its lease counts until it runs out. */
  close(link: number, now: number): void {
    const session = this.#sessions.get(link);
    if (session !== undefined) session.open = false;
    this.#forgetExpired(now);
  }

  /** The links of the open sessions. */
  openLinks(): readonly number[] {
    return [...this.#sessions.values()].filter((session) => session.open).map(({ link }) => link);
  }

  /** The open session of a link. */
  get(link: number): Session | undefined {
    return this.#open(link);
  }

  /**
   * Renews the lease of an open session. Returns its length in milliseconds, to be sent on the link now.
   *
   * A lease may be granted while a revocation is unanswered, even one whose wait ended with the lease: the revocation
   * stands before the grant on the same ordered link, so whoever reads the grant has dropped the stocks. A link that
   * could not take the revocation is closed, and nothing is granted on it any more.
   */
  grant(link: number, now: number): number {
    const session = this.#open(link);
    assertRule(session !== undefined, 'a lease is granted on an open session');
    session.leaseEnd = Math.max(session.leaseEnd, now + honouredMs(this.#leaseMs));
    return this.#leaseMs;
  }

  /** Notes that an answer on this link lets the front-end keep the stock, with or without a lease so far. */
  promise(link: number, name: string): void {
    this.#open(link)?.promises.add(name);
  }

  /**
   * Takes back the promises of `names`, or all of them where it is null. Returns who had any; the open ones have the next `revocationSeq` and must be sent that
   * revocation now, before anything else.
   *
   * A promise ends here and not with the answer: the old value can be served under a lease granted before this
   * moment only, and for that lease the caller waits. A closed session keeps its promises, as nothing reaches it.
   */
  revoke(names: Iterable<string> | null, now: number): readonly Holder[] {
    this.#forgetExpired(now);
    const changed = names === null ? null : [...names];
    const holders: Holder[] = [];
    for (const session of this.#sessions.values()) {
      const held = changed?.filter((name) => session.promises.has(name)) ?? [...session.promises];
      if (held.length === 0) continue;
      if (session.open) {
        session.revocationSeq += 1;
        for (const name of held) session.promises.delete(name);
      }
      holders.push({ session, names: held });
    }
    return holders;
  }

  #open(link: number): SessionState | undefined {
    const session = this.#sessions.get(link);
    return session?.open === true ? session : undefined;
  }

  #forgetExpired(now: number): void {
    for (const session of this.#sessions.values()) {
      if (!session.open && session.leaseEnd <= now) this.#sessions.delete(session.link);
    }
  }
}

function firstOf(names: ReadonlySet<string>, countMax: number): readonly string[] {
  const first: string[] = [];
  for (const name of names) {
    if (first.length === countMax) break;
    first.push(name);
  }
  return first;
}
