/**
 * Which replica is asked next for what any of them can answer: one that owes the fewest answers, in turn among equals.
 * So reads spread evenly, and a replica that is slow, paused or cut off is passed over until it says a word again.
 */
export class ReplicaPicker {
  /** Frames sent to a replica since its last word; bounded by the number of replicas. */
  readonly #owed = new Map<string, number>();
  #turn = 0;

  /** Picks one of the connected replicas and counts it as asked; null if there is none. */
  pick(connected: readonly string[]): string | null {
    this.#turn += 1;
    let best: string | null = null;
    for (let offset = 0; offset < connected.length; offset += 1) {
      const replica = connected[(this.#turn + offset) % connected.length];
      if (replica === undefined) continue;
      if (best === null || this.#owedBy(replica) < this.#owedBy(best)) best = replica;
    }
    if (best !== null) this.#owed.set(best, this.#owedBy(best) + 1);
    return best;
  }

  /** The replica said something, or its link closed: it owes nothing. */
  heard(replica: string): void {
    this.#owed.delete(replica);
  }

  #owedBy(replica: string): number {
    return this.#owed.get(replica) ?? 0;
  }
}
