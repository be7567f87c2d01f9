/** The election timer: counts the ticks since the last message of a leader, up to a random timeout (Raft 5.2). */

export class ElectionTimer {
  readonly #electionTicks: number;
  readonly #random: () => number;
  #elapsed = 0;
  #timeout = 0;
  #ticksSinceLeader = 0;

  constructor(electionTicks: number, random: () => number) {
    this.#electionTicks = electionTicks;
    this.#random = random;
    this.reset();
  }

  /** Advances time by one tick. Returns whether the timeout has passed. */
  tick(): boolean {
    this.#elapsed += 1;
    this.#ticksSinceLeader += 1;
    return this.#elapsed >= this.#timeout;
  }

  /** Restarts with a random timeout in [electionTicks, 2 * electionTicks), to avoid simultaneous campaigns. */
  reset(): void {
    this.#elapsed = 0;
    this.#timeout = this.#electionTicks + Math.floor(this.#random() * this.#electionTicks);
  }

  /** A message of the leader has arrived. */
  onLeaderMessage(): void {
    this.#elapsed = 0;
    this.#ticksSinceLeader = 0;
  }

  /** Shortens the timeout to a random 1 to `ticksMax` ticks from now. */
  shorten(ticksMax: number): void {
    this.#timeout = this.#elapsed + 1 + Math.floor(this.#random() * ticksMax);
  }

  /** Ticks since the last message of a leader of any term, or since the start of the process. */
  get ticksSinceLeader(): number {
    return this.#ticksSinceLeader;
  }

  /** Whether a message of the leader has arrived within the shortest election timeout. */
  get hasRecentLeader(): boolean {
    return this.#elapsed < this.#electionTicks;
  }
}
