/** Outcomes of the requests of one run. */
import type { HttpAnswer } from './answer-parser.js';
import { LatencyHistogram } from './histogram.js';

/** Counts answers, and records the latency of those with status 200. */
export class RequestCounter {
  readonly latency = new LatencyHistogram();
  readonly #failures = new Map<string, number>();

  /** Counts an answer. @returns whether its status is 200 */
  count(answer: HttpAnswer, tookMs: number): boolean {
    if (answer.status === 200) {
      this.latency.record(tookMs);
      return true;
    }
    this.countFailure(answer.status === 0 ? answer.head : refusalOf(answer));
    return false;
  }

  countFailure(why: string): void {
    this.#failures.set(why, (this.#failures.get(why) ?? 0) + 1);
  }

  get failed(): number {
    return [...this.#failures.values()].reduce((sum, count) => sum + count, 0);
  }

  /** Number of failures by reason. */
  get failures(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#failures);
  }

  add(other: RequestCounter): void {
    this.latency.add(other.latency);
    for (const [why, count] of other.#failures) {
      this.#failures.set(why, (this.#failures.get(why) ?? 0) + count);
    }
  }
}

/** HTTP status, with Trireme's error status word if the body has one. */
function refusalOf({ status, body }: HttpAnswer): string {
  const word = /"status":"([A-Z_]+)"/.exec(body.toString('latin1'))?.[1];
  return word === undefined ? `status ${status}` : `status ${status} ${word}`;
}
