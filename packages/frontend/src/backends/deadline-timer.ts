/** Expires the deadlines of all open requests with one timer. */
import { TriremeError } from '@trireme/domain';
import { DeadlineTable, type Deadline } from '../rules/deadlines.js';

export class DeadlineTimer {
  readonly #deadlines: DeadlineTable;
  #timer: NodeJS.Timeout | null = null;

  /**
   * @param durationMs time limit of a request, in milliseconds.
   * @param sizeMax maximum number of open requests.
   */
  constructor(durationMs: number, sizeMax: number) {
    this.#deadlines = new DeadlineTable(durationMs, sizeMax);
  }

  get size(): number {
    return this.#deadlines.size;
  }

  /** @throws TriremeError `UNAVAILABLE` at the bound. */
  open(): Deadline {
    const deadline = this.#deadlines.open(performance.now());
    if (deadline === null) throw new TriremeError('UNAVAILABLE', 'too many open requests; retry later');
    if (this.#timer === null) this.#timer = this.#arm();
    return deadline;
  }

  close(deadline: Deadline): void {
    this.#deadlines.close(deadline);
  }

  #arm(): NodeJS.Timeout | null {
    const at = this.#deadlines.nextExpiry;
    if (at === null) return null;
    const timer = setTimeout(
      () => {
        this.#deadlines.expireDue(performance.now());
        this.#timer = this.#arm();
      },
      Math.max(1, Math.ceil(at - performance.now())),
    );
    // The server keeps the process alive, not this timer.
    return timer.unref();
  }
}
