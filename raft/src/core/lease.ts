/**
 * How long a leader may take itself for the only one without asking (thesis 6.4.1). Who has answered a heartbeat votes for
 * no one else within the shortest election timeout after it came; so from the moment that a heartbeat was sent, if a
 * quorum answers it, no other leader can be elected for as long, less what the clocks may differ by. Which is why every
 * voter has to keep its promise without exception while leases are on: see `RaftCore` where it asks for `config.lease`.
 */

/**
 * What leases need; the same on all members, or none of them. The voters' side of the promise is counted in ticks, of timers that
 * stand still while a machine is suspended: then they keep it for longer, which is safe.
 */
export interface LeaseConfig {
  /**
   * Milliseconds that never fall, and that count the time for which the process was paused or its machine suspended: never less
   * than has passed. See `LeaseClock`.
   */
  readonly now: () => number;
  /** Milliseconds that a lease holds, less than any voter's shortest election timeout by the leader's clock. */
  readonly durationMs: number;
}

export class Lease {
  readonly #config: LeaseConfig;
  /** Heartbeats that a quorum may still answer in time, oldest first. */
  #sent: { readonly round: number; readonly atMs: number }[] = [];
  #fromMs = -Infinity;
  #isVoid = false;

  constructor(config: LeaseConfig) {
    this.#config = config;
  }

  /** A heartbeat of `round` goes out now. What is too old to extend the lease is forgotten, so few are kept. */
  sent(round: number): void {
    const atMs = this.#config.now();
    this.#sent = this.#sent.filter((earlier) => this.#holds(earlier.atMs, atMs));
    this.#sent.push({ round, atMs });
  }

  /** A quorum has answered `round`, or a later one: the lease counts from when it was sent, not from now. */
  confirmed(round: number): void {
    this.#fromMs = this.#sent.findLast((one) => one.round <= round)?.atMs ?? this.#fromMs;
    this.#sent = this.#sent.filter((one) => one.round > round);
  }

  /** A successor may be elected from now on without waiting, at any time: what it asks for may be long on its way. */
  void(): void {
    this.#isVoid = true;
  }

  /** Whether no other leader can have been elected. The clock is asked now: who was paused since sees that it is over. */
  get isHeld(): boolean {
    return !this.#isVoid && this.#holds(this.#fromMs, this.#config.now());
  }

  #holds(fromMs: number, nowMs: number): boolean {
    return nowMs - fromMs < this.#config.durationMs;
  }
}
