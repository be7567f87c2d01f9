/**
 * A lease from the holder's point of view (Gray and Cheriton, "Leases", SOSP 1989). The holder counts from the
 * time of its *request*, the grantor from the time of its *grant*, and each adds a margin for clocks that run
 * at different rates. So a lease expires at its holder before it expires at its grantor, whatever delays the
 * network adds.
 *
 * The caller passes all times. A monotonic clock may stop while a virtual machine or a laptop is suspended, and
 * a holder that resumes would then use an expired lease. The adapter of a holder must therefore pass a clock
 * that counts suspended time, such as `LeaseClock`: the larger of monotonic and wall-clock time since the
 * process started. The rules depend on that. A grantor whose clock stops only waits longer.
 */

/** Milliseconds on a clock that never goes back. Only times of the same clock may be compared. */
export type Milliseconds = number;

/**
 * Largest error of a clock's rate, as a share. NTP slews by at most 0.05 %; the larger bound covers bad
 * oscillators and virtual machines.
 */
export const CLOCK_DRIFT_MAX = 0.1;

/**
 * Maximum number of requests that wait for a grant. A further one replaces the oldest, whose grant is then
 * ignored.
 */
const REQUESTS_MAX = 4;

/** Milliseconds for which the grantor has to honour a lease of `ms` that it grants now. */
export function grantorLeaseMs(ms: Milliseconds): Milliseconds {
  return ms * (1 + CLOCK_DRIFT_MAX);
}

/** Milliseconds for which the holder may use a lease of `ms` that it requested now. */
export function holderLeaseMs(ms: Milliseconds): Milliseconds {
  return ms * (1 - CLOCK_DRIFT_MAX);
}

export interface LeaseState {
  /** The lease is valid before this time, on the holder's clock. */
  until: Milliseconds;
  lastRequest: number;
  /** Requests that wait for a grant, with the time at which each was sent. */
  readonly requestedAt: Map<number, Milliseconds>;
}

export class Lease {
  readonly state: LeaseState;

  constructor(state: LeaseState = { until: -Infinity, lastRequest: 0, requestedAt: new Map() }) {
    this.state = state;
  }

  /** Records that a request is sent at `now`. Returns the id of the request. */
  recordRequest(now: Milliseconds): number {
    const { requestedAt } = this.state;
    this.state.lastRequest += 1;
    requestedAt.set(this.state.lastRequest, now);
    for (const id of requestedAt.keys()) {
      if (requestedAt.size <= REQUESTS_MAX) break;
      requestedAt.delete(id);
    }
    return this.state.lastRequest;
  }

  /** Request `id` was granted for `ms`. Returns false, without effect, if the request is unknown. */
  onGranted(id: number, ms: Milliseconds): boolean {
    const requestedAt = this.state.requestedAt.get(id);
    if (requestedAt === undefined) return false;
    this.state.requestedAt.delete(id);
    this.state.until = Math.max(this.state.until, requestedAt + holderLeaseMs(ms));
    return true;
  }

  /** Ends the lease and discards requests that wait for a grant. */
  end(): void {
    this.state.requestedAt.clear();
    this.state.until = -Infinity;
  }

  isValid(now: Milliseconds): boolean {
    return now < this.state.until;
  }

  /** Remaining milliseconds at `now`; 0 if the lease has expired. */
  remainingMs(now: Milliseconds): Milliseconds {
    return Math.max(0, this.state.until - now);
  }
}
