/**
 * Whether lookups may be served. A catalog that starts may have lost its disk or stand on an old copy, so it serves nothing
 * until a leader has said how far catalogs have decided before and it has decided as far: its store lacks the last that it
 * answered. And what its earlier life did not finish revoking must not be seen beside an old cache: so it also waits until
 * every lease of that life is over.
 */

/** Readiness never goes away once it has come. */
export class Readiness {
  readonly #leasesOver: number;
  #upTo = Infinity;
  #ready = false;

  /** @param leasesOver when the last lease of an earlier life has surely run out, on the catalog's clock. */
  constructor(leasesOver: number) {
    this.#leasesOver = leasesOver;
  }

  get ready(): boolean {
    return this.#ready;
  }

  /** Whether what is decided may be answered and seen. */
  mayPublish(now: number): boolean {
    return now >= this.#leasesOver;
  }

  /** When to look again, null if time changes nothing any more. */
  nextTime(now: number): number | null {
    return this.mayPublish(now) ? null : this.#leasesOver;
  }

  /** A leader has said that no catalog decided beyond `upTo`. The lowest counts: each such word is true by itself. */
  attach(upTo: number): void {
    this.#upTo = Math.min(this.#upTo, upTo);
  }

  /** Returns true if it became ready just now. `lastIndex` is decided and revoked. */
  update(lastIndex: number, now: number): boolean {
    if (this.#ready || lastIndex < this.#upTo || !this.mayPublish(now)) return false;
    this.#ready = true;
    return true;
  }

  /** Why lookups are not served, null if they are. */
  reason(lastIndex: number): string | null {
    if (this.#ready) return null;
    if (this.#upTo === Infinity) return 'no leader has attached yet';
    if (lastIndex < this.#upTo) return `decided up to log index ${lastIndex} of ${this.#upTo}`;
    return 'waiting for the leases of an earlier life to run out';
  }
}
