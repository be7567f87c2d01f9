/** Runs the deadlines of all open requests on one timer. */
import { TriremeError } from '@trireme/domain';
import { Deadlines, type Deadline } from './rules/deadlines.js';

export class DeadlineTimer {
  readonly #deadlines: Deadlines;
  #timer: NodeJS.Timeout | null = null;

  /**
   * @param durationMs how long a request may take.
   * @param sizeMax open requests at most.
   */
  constructor(durationMs: number, sizeMax: number) {
    this.#deadlines = new Deadlines(durationMs, sizeMax);
  }

  get size(): number {
    return this.#deadlines.size;
  }

  /** @throws TriremeError `UNAVAILABLE` at the bound. */
  open(): Deadline {
    const deadline = this.#deadlines.open(performance.now());
    if (deadline === null) throw new TriremeError('UNAVAILABLE', 'too many requests are open');
    if (this.#timer === null) this.#timer = this.#arm();
    return deadline;
  }

  close(deadline: Deadline): void {
    this.#deadlines.close(deadline);
  }

  #arm(): NodeJS.Timeout | null {
    const at = this.#deadlines.nextAt;
    if (at === null) return null;
    const timer = setTimeout(
      () => {
        this.#deadlines.expireDue(performance.now());
        this.#timer = this.#arm();
      },
      Math.max(1, Math.ceil(at - performance.now())),
    );
    // What keeps the process alive is the server.
    return timer.unref();
  }
}
