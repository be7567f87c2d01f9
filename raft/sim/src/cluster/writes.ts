/** Writes that take virtual time: each is on disk or not when the process dies, and may fail. */
import { RaftError } from '#raft/core/errors.js';

/** How a write takes its time; `durable` is called when it is on disk or never, `told` when the process hears of it. */
export interface DiskSchedule {
  write(what: () => string, durable: () => void, told: (failed: boolean) => void): void;
}

export class SlowWrites {
  readonly schedule: DiskSchedule;
  readonly #unsettled = new Set<() => void>();
  /** Set by the first write that failed. */
  failure: RaftError | null = null;

  constructor(schedule: DiskSchedule) {
    this.schedule = schedule;
  }

  /** What is being written: a crash may leave it on disk, or not. Each, when called, is there. */
  get unsettled(): Iterable<() => void> {
    return this.#unsettled;
  }

  /** Resolves once it is on disk. @throws RaftError `STORAGE_FAILED`. */
  async write(what: () => string, put: () => void): Promise<void> {
    this.#unsettled.add(put);
    await new Promise<void>((resolve, reject) => {
      const durable = (): void => {
        if (this.#unsettled.delete(put)) put();
      };
      this.schedule.write(what, durable, (failed) => {
        this.#unsettled.delete(put);
        if (failed) {
          this.failure = new RaftError('STORAGE_FAILED', 'simulated disk: a sync failed');
          reject(this.failure);
        } else resolve();
      });
    });
  }
}
