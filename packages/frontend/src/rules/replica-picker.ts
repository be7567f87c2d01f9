/**
 * Picks the replica for a read that any of them can answer: one with the fewest outstanding frames, in turn
 * among equals. So reads spread evenly, and a slow, paused or unreachable replica is skipped until it sends
 * something again.
 */
export class ReplicaPicker {
  /** Frames sent to each replica since its last message; bounded by the number of replicas. */
  readonly #outstanding = new Map<string, number>();
  #turn = 0;

  /** Picks one of the connected replicas and counts a frame to it; null if there is none. */
  pick(connected: readonly string[]): string | null {
    this.#turn += 1;
    let best: string | null = null;
    for (let offset = 0; offset < connected.length; offset += 1) {
      const replica = connected[(this.#turn + offset) % connected.length];
      if (replica === undefined) continue;
      if (best === null || this.#outstandingOf(replica) < this.#outstandingOf(best)) best = replica;
    }
    if (best !== null) this.#outstanding.set(best, this.#outstandingOf(best) + 1);
    return best;
  }

  /** The replica sent something, or its link closed: no frame is outstanding. */
  onMessage(replica: string): void {
    this.#outstanding.delete(replica);
  }

  #outstandingOf(replica: string): number {
    return this.#outstanding.get(replica) ?? 0;
  }
}
