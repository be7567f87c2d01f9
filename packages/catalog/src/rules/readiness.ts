/**
 * Whether lookups may be served. A catalog that starts knows nothing, so it serves nothing until a confirmed leader has said how
 * far clients may have been told of the log, and it has applied as much. What an earlier process did not finish revoking must
 * not be seen beside an old cache: so it also waits until every lease of that process is over.
 */
export class Readiness {
  readonly #leasesOver: number;
  #upTo = Infinity;
  #ready = false;

  /** @param leasesOver when the last lease of an earlier process has surely run out, on the catalog's clock. */
  constructor(leasesOver: number) {
    this.#leasesOver = leasesOver;
  }

  get ready(): boolean {
    return this.#ready;
  }

  /** Whether what is applied may be answered and seen. */
  mayPublish(now: number): boolean {
    return now >= this.#leasesOver;
  }

  /** When to look again, null if time changes nothing any more. */
  nextTime(now: number): number | null {
    return this.mayPublish(now) ? null : this.#leasesOver;
  }

  /** A leader has said that no client was told of anything after `upTo`. The lowest counts: each such word is true by itself. */
  attach(upTo: number): void {
    this.#upTo = Math.min(this.#upTo, upTo);
  }

  /** The catalog went back in the log, or to another log: what was said before counts no more. */
  reset(): void {
    this.#upTo = Infinity;
    this.#ready = false;
  }

  /**
   * Returns true if it became ready just now.
   * @param appliedIndex applied and revoked up to there; null without a stock table
   */
  update(appliedIndex: number | null, now: number): boolean {
    if (this.#ready || appliedIndex === null || appliedIndex < this.#upTo || !this.mayPublish(now))
      return false;
    this.#ready = true;
    return true;
  }

  /** Why lookups are not served, null if they are. */
  reason(appliedIndex: number | null): string | null {
    if (this.#ready) return null;
    if (this.#upTo === Infinity) return 'no leader has attached yet';
    if (appliedIndex === null) return 'waiting for the stock table of a leader';
    if (appliedIndex < this.#upTo) return `applied up to log index ${appliedIndex} of ${this.#upTo}`;
    return 'waiting for the leases of an earlier process to run out';
  }
}
