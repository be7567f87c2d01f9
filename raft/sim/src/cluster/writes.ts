/** Writes that take virtual time and may fail. At a crash, a write in progress is on disk or not. */
import { RaftError } from '@trireme/raft';

/** Schedules writes. Calls `durable` when the write is on disk, or never, and `done` to notify the process. */
export interface DiskSchedule {
  write(what: () => string, durable: () => void, done: (failed: boolean) => void): void;
}

export class TimedWrites {
  readonly schedule: DiskSchedule;
  readonly #unsettled = new Set<() => void>();
  /** Set by the first write that failed. */
  failure: RaftError | null = null;

  constructor(schedule: DiskSchedule) {
    this.schedule = schedule;
  }

  /** The writes in progress. Calling one completes it on disk. */
  get unsettled(): Iterable<() => void> {
    return this.#unsettled;
  }

  /** Resolves once `put` is on disk. @throws RaftError `STORAGE_FAILED` */
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
