/**
 * Who leads, as far as the replicas have told. A replica leads if it says so of itself and nobody knows a leader of a
 * higher term. Replicas are known by their urls; bounded by the number of them that are linked.
 */

interface Report {
  readonly self: string;
  readonly leader: string | null;
  readonly term: number;
  /** It refused as `notLeader` after it claimed to lead. */
  readonly suspected: boolean;
}

/** The leader: the replica (by its url), the member that it is, and the term that it claimed to lead in. */
export interface Leader {
  readonly replica: string;
  readonly id: string;
  readonly term: number;
}

export class LeaderTracker {
  readonly #reports = new Map<string, Report>();

  /** Replica `replica` said, on its open link, that it is `self` and that `leader` leads in `term`. */
  report(replica: string, self: string, leader: string | null, term: number): void {
    this.#reports.set(replica, { self, leader, term, suspected: false });
  }

  /** The link to `replica` closed: what it said counts no more. */
  forget(replica: string): void {
    this.#reports.delete(replica);
  }

  /**
   * `replica` refused because it does not lead. Its claim then counts only while nobody else has one: it may have
   * become leader meanwhile without a word, or be about to, so that asking it again later is better than not at all.
   */
  suspect(replica: string): void {
    const report = this.#reports.get(replica);
    if (report !== undefined) this.#reports.set(replica, { ...report, suspected: true });
  }

  /** Null while no leader is known. */
  get leader(): Leader | null {
    let best: { replica: string; report: Report } | null = null;
    let termMax = 0;
    for (const [replica, report] of this.#reports) {
      if (report.leader === null) continue;
      if (report.leader !== report.self) {
        termMax = Math.max(termMax, report.term);
      } else if (best === null || isBetter(report, best.report)) {
        best = { replica, report };
      }
    }
    // Where another is known to lead in a higher term, the claim is that of a leader that was cut off or paused.
    if (best === null || best.report.term < termMax) return null;
    return { replica: best.replica, id: best.report.self, term: best.report.term };
  }

  /** A leader that has not refused since it said that it leads. */
  get certain(): boolean {
    const leader = this.leader;
    return leader !== null && this.#reports.get(leader.replica)?.suspected === false;
  }
}

function isBetter(report: Report, other: Report): boolean {
  if (report.suspected !== other.suspected) return other.suspected;
  return report.term > other.term;
}
