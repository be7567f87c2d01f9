/**
 * A leader's lease: the time during which no other leader can exist, so that reads need no confirmed round
 * (thesis 6.4.1). A member that answers a heartbeat votes for no other member within the shortest election
 * timeout after the heartbeat arrived. So if a quorum answers a heartbeat, no other leader can be elected within
 * that timeout after the heartbeat was sent, less clock drift. With leases, every voter must keep this promise
 * without exception: see the uses of `config.lease` in election-state.ts.
 */

/**
 * The configuration of leases; either all members have the same or none has any. Voters count their promise in ticks.
 * Timers stop while a machine is suspended, so a voter then keeps its promise for longer, which is safe.
 */
export interface LeaseConfig {
  /**
   * Monotonic milliseconds that include the time while the process was paused or the machine suspended: never
   * less than the time that has passed. See `LeaseClock`.
   */
  readonly now: () => number;
  /** Duration of a lease in ms: less than any voter's shortest election timeout on the leader's clock. */
  readonly durationMs: number;
}

export class LeaderLease {
  readonly #config: LeaseConfig;
  /** Heartbeats that can still extend the lease, oldest first. */
  #sent: { readonly round: number; readonly atMs: number }[] = [];
  #fromMs = -Infinity;
  #isVoid = false;

  constructor(config: LeaseConfig) {
    this.#config = config;
  }

  /** A heartbeat of `round` is sent now. Drops heartbeats that are too old to extend the lease. */
  onHeartbeatSent(round: number): void {
    const atMs = this.#config.now();
    this.#sent = this.#sent.filter((earlier) => this.#holds(earlier.atMs, atMs));
    this.#sent.push({ round, atMs });
  }

  /** A quorum has confirmed `round` or a later one: the lease starts when that heartbeat was sent, not now. */
  onRoundConfirmed(round: number): void {
    this.#fromMs = this.#sent.findLast((one) => one.round <= round)?.atMs ?? this.#fromMs;
    this.#sent = this.#sent.filter((one) => one.round > round);
  }

  /** Ends the lease for this term: from now on a successor may be elected at any time, without waiting. */
  invalidate(): void {
    this.#isVoid = true;
  }

  /** Whether no other leader can have been elected. Reads the clock now, so that a paused process notices the end. */
  get isValid(): boolean {
    return !this.#isVoid && this.#holds(this.#fromMs, this.#config.now());
  }

  #holds(fromMs: number, nowMs: number): boolean {
    return nowMs - fromMs < this.#config.durationMs;
  }
}
