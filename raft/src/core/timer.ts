/** The election timer, in ticks: how long nothing was heard of a leader, and when that has been too long (Raft 5.2). */

export class ElectionTimer {
  readonly #electionTicks: number;
  readonly #random: () => number;
  #elapsed = 0;
  #timeout = 0;
  #silence = 0;

  constructor(electionTicks: number, random: () => number) {
    this.#electionTicks = electionTicks;
    this.#random = random;
    this.reset();
  }

  /** One tick has passed. Returns whether it is time to campaign. */
  tick(): boolean {
    this.#elapsed += 1;
    this.#silence += 1;
    return this.#elapsed >= this.#timeout;
  }

  /** Starts anew with a timeout drawn from [electionTicks, 2 * electionTicks), so that members seldom tie. */
  reset(): void {
    this.#elapsed = 0;
    this.#timeout = this.#electionTicks + Math.floor(this.#random() * this.#electionTicks);
  }

  /** The leader was heard. */
  heard(): void {
    this.#elapsed = 0;
    this.#silence = 0;
  }

  /** Makes the timer run out within 1 to `ticksMax` ticks from now. */
  hurry(ticksMax: number): void {
    this.#timeout = this.#elapsed + 1 + Math.floor(this.#random() * ticksMax);
  }

  /** Ticks since a leader of whichever term was heard, or since the start: what was heard before that is forgotten. */
  get silence(): number {
    return this.#silence;
  }

  /** Whether the leader was heard within the shortest election timeout. */
  get isFresh(): boolean {
    return this.#elapsed < this.#electionTicks;
  }
}
