/**
 * Finds the leader from the reports of the replicas: a replica that reports itself as leader, unless another
 * replica reports a leader with a higher term. Replicas are identified by URL. Bounded by the number of
 * linked replicas.
 */

interface Report {
  readonly self: string;
  readonly leader: string | null;
  readonly term: number;
  /** Whether it refused a request as `notLeader` after it reported itself as leader. */
  readonly suspected: boolean;
}

/** The leader: URL of the replica, its member id, and the term in which it reported itself as leader. */
export interface Leader {
  readonly replica: string;
  readonly id: string;
  readonly term: number;
}

export class LeaderTracker {
  readonly #reports = new Map<string, Report>();

  /**
   * Replica `replica` reported, on its open link, that it is member `self` and that `leader` leads in `term`.
   */
  onReport(replica: string, self: string, leader: string | null, term: number): void {
    this.#reports.set(replica, { self, leader, term, suspected: false });
  }

  /** The link to `replica` closed: discards its report. */
  onUnlinked(replica: string): void {
    this.#reports.delete(replica);
  }

  /**
   * `replica` refused a request because it does not lead. Its report then counts only if no other replica
   * reports itself as leader: it may have become leader since, or be about to, so a retry there is better
   * than none.
   */
  onNotLeader(replica: string): void {
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
    // A report with a lower term comes from an old leader that is partitioned or paused.
    if (best === null || best.report.term < termMax) return null;
    return { replica: best.replica, id: best.report.self, term: best.report.term };
  }

  /** Whether there is a leader that has not refused a request since its last report. */
  get isTrusted(): boolean {
    const leader = this.leader;
    return leader !== null && this.#reports.get(leader.replica)?.suspected === false;
  }
}

function isBetter(report: Report, other: Report): boolean {
  if (report.suspected !== other.suspected) return other.suspected;
  return report.term > other.term;
}
