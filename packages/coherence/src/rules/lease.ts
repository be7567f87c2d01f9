/**
 * A lease as its holder sees it (Gray and Cheriton, "Leases", SOSP 1989). The holder counts from when it *asked*, the
 * giver from when it *gave*, and each keeps a margin for clocks that run at different rates. So a lease is over at its
 * holder before it is over at its giver, whatever the network did in between.
 *
 * All times come from the caller. A monotonic clock may stand still while a virtual machine or a laptop is paused, and a
 * holder that wakes would then believe in a lease that is over. The adapter of a holder must hand in a clock that goes on
 * through a pause, such as `LeaseClock`, the larger of monotonic and wall-clock time since the process started. The rules
 * rest on that assumption. A giver whose clock stands still only waits longer.
 */

/** Milliseconds on a clock that never goes back. Only differences on one and the same clock mean anything. */
export type Milliseconds = number;

/**
 * How far a clock may run from true time while a lease lasts, as a share. NTP slews by at most 0.05%; the rest covers
 * bad oscillators and virtual machines.
 */
export const CLOCK_DRIFT_MAX = 0.1;

/** Requests that wait for their grant, at most. At the bound the oldest is forgotten and its grant changes nothing. */
const REQUESTS_MAX = 4;

/** How long a giver honours a lease of `ms` that it gives now. */
export function honouredMs(ms: Milliseconds): Milliseconds {
  return ms * (1 + CLOCK_DRIFT_MAX);
}

/** How long a holder uses a lease of `ms` that it asked for now. */
export function usableMs(ms: Milliseconds): Milliseconds {
  return ms * (1 - CLOCK_DRIFT_MAX);
}

export interface LeaseState {
  /** The lease holds before this time, on the holder's clock. */
  until: Milliseconds;
  lastRequest: number;
  /** Requests that wait for their grant, with the time at which each was sent. */
  readonly requestedAt: Map<number, Milliseconds>;
}

export class Lease {
  readonly state: LeaseState;

  constructor(state: LeaseState = { until: -Infinity, lastRequest: 0, requestedAt: new Map() }) {
    this.state = state;
  }

  /** Notes that a request leaves at `now`. Returns its id. */
  request(now: Milliseconds): number {
    const { requestedAt } = this.state;
    this.state.lastRequest += 1;
    requestedAt.set(this.state.lastRequest, now);
    for (const id of requestedAt.keys()) {
      if (requestedAt.size <= REQUESTS_MAX) break;
      requestedAt.delete(id);
    }
    return this.state.lastRequest;
  }

  /** Request `id` was granted for `ms`. Returns false if the request is unknown: the grant changes nothing. */
  grant(id: number, ms: Milliseconds): boolean {
    const requestedAt = this.state.requestedAt.get(id);
    if (requestedAt === undefined) return false;
    this.state.requestedAt.delete(id);
    this.state.until = Math.max(this.state.until, requestedAt + usableMs(ms));
    return true;
  }

  /** Ends the lease and forgets requests that wait for a grant. */
  end(): void {
    this.state.requestedAt.clear();
    this.state.until = -Infinity;
  }

  holds(now: Milliseconds): boolean {
    return now < this.state.until;
  }

  /** Milliseconds that are left at `now`; 0 if the lease is over. */
  remainingMs(now: Milliseconds): Milliseconds {
    return Math.max(0, this.state.until - now);
  }
}
