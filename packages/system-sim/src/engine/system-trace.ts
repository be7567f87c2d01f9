/** A `Trace` that also prints the log lines of the processes. */
import { SECOND, Trace, type Scheduler, type TraceSink } from '@trireme/raft-sim';

export class SystemTrace extends Trace {
  readonly #time: Scheduler;
  readonly #lines: TraceSink | null;

  constructor(scheduler: Scheduler, sink: TraceSink | null) {
    super(scheduler, sink);
    this.#time = scheduler;
    this.#lines = sink;
  }

  /** Whether lines are printed. Otherwise only the hash is computed. */
  get isPrinted(): boolean {
    return this.#lines !== null;
  }

  /** Prints a line that is not part of the hash. */
  log(who: string, text: string): void {
    this.#lines?.(
      `${(this.#time.now / SECOND).toFixed(6).padStart(10)} ${who.padEnd(10)} log         ${text}`,
    );
  }
}
