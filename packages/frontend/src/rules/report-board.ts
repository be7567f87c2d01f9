/** The last report of each process, and which of them owe an answer, so that a silent one is not asked again and again. */

/** A report with when it came, on a clock that never jumps. */
export interface Reported<Report> {
  readonly report: Report;
  /** Milliseconds on the clock of `performance.now()`. */
  readonly at: number;
}

/** One entry for each process, so bounded by who is linked to. */
export class ReportBoard<Report> {
  readonly #last = new Map<string, Reported<Report>>();
  readonly #owing = new Set<string>();

  /** Whether `id` may be asked now; counts it as asked. */
  ask(id: string): boolean {
    if (this.#owing.has(id)) return false;
    this.#owing.add(id);
    return true;
  }

  heard(id: string, report: Report, now: number): void {
    this.#owing.delete(id);
    this.#last.set(id, { report, at: now });
  }

  /** The link to `id` closed: it owes nothing, and what it said last stays with its age. */
  unlinked(id: string): void {
    this.#owing.delete(id);
  }

  /** There is no such process any more. */
  forget(id: string): void {
    this.#owing.delete(id);
    this.#last.delete(id);
  }

  last(id: string): Reported<Report> | null {
    return this.#last.get(id) ?? null;
  }
}
