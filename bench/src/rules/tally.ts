/** What came of one run of load. */
import type { Answer } from './response.js';
import { LatencyHistogram } from './histogram.js';

/** Counts answers and times those that are 200. */
export class Tally {
  readonly latency = new LatencyHistogram();
  readonly #failures = new Map<string, number>();

  /** Takes an answer; true if it is a 200. */
  count(answer: Answer, tookMs: number): boolean {
    if (answer.status === 200) {
      this.latency.record(tookMs);
      return true;
    }
    this.fail(answer.status === 0 ? answer.head : refusalOf(answer));
    return false;
  }

  fail(why: string): void {
    this.#failures.set(why, (this.#failures.get(why) ?? 0) + 1);
  }

  get failed(): number {
    return [...this.#failures.values()].reduce((sum, count) => sum + count, 0);
  }

  /** How often by what it was. */
  get failures(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#failures);
  }

  add(other: Tally): void {
    this.latency.add(other.latency);
    for (const [why, count] of other.#failures) {
      this.#failures.set(why, (this.#failures.get(why) ?? 0) + count);
    }
  }
}

/** Status, and the stable word of ours for it where there is one. */
function refusalOf({ status, body }: Answer): string {
  const word = /"status":"([A-Z_]+)"/.exec(body.toString('latin1'))?.[1];
  return word === undefined ? `status ${status}` : `status ${status} ${word}`;
}
