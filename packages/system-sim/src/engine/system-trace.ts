/** The trace of a run: see `Trace`. Log lines of the processes stand between the notes of a trace that is read. */
import { SECOND, Trace, type Scheduler, type TraceSink } from '@trireme/raft/sim';

export class SystemTrace extends Trace {
  readonly #time: Scheduler;
  readonly #lines: TraceSink | null;

  constructor(scheduler: Scheduler, sink: TraceSink | null) {
    super(scheduler, sink);
    this.#time = scheduler;
    this.#lines = sink;
  }

  /** Whether anybody reads it: only its hash counts else. */
  get isRead(): boolean {
    return this.#lines !== null;
  }

  /** Says something that is not part of the hash. */
  say(who: string, text: string): void {
    this.#lines?.(
      `${(this.#time.now / SECOND).toFixed(6).padStart(10)} ${who.padEnd(10)} log         ${text}`,
    );
  }
}
