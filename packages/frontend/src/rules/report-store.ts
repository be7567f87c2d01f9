/**
 * The last report of each process, and the processes with an outstanding request, which are not asked again.
 */

/** A report and the time of its arrival. */
export interface TimedReport<Report> {
  readonly report: Report;
  /** Milliseconds on the clock of `performance.now()`. */
  readonly receivedAt: number;
}

/** One entry for each process, so bounded by the number of linked processes. */
export class ReportStore<Report> {
  readonly #last = new Map<string, TimedReport<Report>>();
  readonly #outstanding = new Set<string>();

  /** Returns whether `id` may be asked now, and marks it as asked. */
  tryRequest(id: string): boolean {
    if (this.#outstanding.has(id)) return false;
    this.#outstanding.add(id);
    return true;
  }

  onReport(id: string, report: Report, now: number): void {
    this.#outstanding.delete(id);
    this.#last.set(id, { report, receivedAt: now });
  }

  /** The link to `id` closed: no request is outstanding. Its last report is kept. */
  onUnlinked(id: string): void {
    this.#outstanding.delete(id);
  }

  /** The process was removed. */
  remove(id: string): void {
    this.#outstanding.delete(id);
    this.#last.delete(id);
  }

  last(id: string): TimedReport<Report> | null {
    return this.#last.get(id) ?? null;
  }
}
