/**
 * One revocation round: the stocks that one round changes, taken out of every cache that may hold them. It is over when each front-end
 * has answered or the lease under which it could serve the old value has run out.
 */
import { assertRule, type CatalogToFrontend, type Stock } from '@trireme/domain';
import type { Sessions } from './leases.js';

type RevokeFrame = Extract<CatalogToFrontend, { t: 'revoke' }>;

interface Wait {
  readonly peer: string;
  readonly seq: number;
  /** End of the lease as it was when the revocation went out: a later one stands behind it on the link. */
  readonly leaseEnd: number;
}

/** A round under way. */
export class RevocationRound {
  /** What has to be sent at once, by link. */
  readonly frames: readonly (readonly [link: number, frame: RevokeFrame])[];
  readonly #waits = new Map<number, Wait>();

  /**
   * Takes the changed stocks back from every session that was promised them.
   * @param changed null for all stocks, whose new versions may be lower than the old ones
   */
  constructor(sessions: Sessions, changed: ReadonlyMap<string, Stock> | null, now: number) {
    const frames: [number, RevokeFrame][] = [];
    for (const { session, names } of sessions.revoke(changed?.keys() ?? null, now)) {
      if (session.open) {
        // Without a floor the order of the link alone keeps old answers out: they come before the revocation.
        const version = changed === null ? 0 : floor(changed);
        frames.push([session.link, { t: 'revoke', seq: session.revocationSeq, version, names }]);
      }
      if (session.leaseEnd > now) {
        // A closed link brings no answer: there only the end of the lease counts.
        this.#waits.set(session.link, {
          peer: session.peer,
          seq: session.revocationSeq,
          leaseEnd: session.leaseEnd,
        });
      }
    }
    this.frames = frames;
  }

  /** Whether nobody can serve an old value any more. */
  get done(): boolean {
    return this.#waits.size === 0;
  }

  /** When the next lease that is waited for ends; null if none is. */
  get nextLeaseEnd(): number | null {
    let next: number | null = null;
    for (const { leaseEnd } of this.#waits.values()) next = Math.min(next ?? leaseEnd, leaseEnd);
    return next;
  }

  /** The front-end on `link` has dropped everything up to revocation `seq`. */
  dropped(link: number, seq: number): void {
    const waiting = this.#waits.get(link);
    if (waiting !== undefined && seq >= waiting.seq) this.#waits.delete(link);
  }

  /** Stops waiting for those whose lease is over. Returns their names. */
  expire(now: number): readonly string[] {
    const expired: string[] = [];
    for (const [link, { leaseEnd, peer }] of this.#waits) {
      if (leaseEnd > now) continue;
      this.#waits.delete(link);
      expired.push(peer);
    }
    return expired;
  }
}

/**
 * The lowest of the new versions. Every old version is below the first index of the round and every new one is not, so one number
 * tells old fills from new ones of all stocks in the round.
 */
function floor(changed: ReadonlyMap<string, Stock>): number {
  let lowest = Infinity;
  for (const { version } of changed.values()) lowest = Math.min(lowest, version);
  assertRule(Number.isSafeInteger(lowest), 'a revocation names a changed stock');
  return lowest;
}
