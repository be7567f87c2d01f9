/** Duration and faults of a process's disk writes, across restarts. */
import type { Random } from '../engine/random.js';
import type { Scheduler } from '../engine/scheduler.js';
import type { ProcessScope } from '../engine/scope.js';
import type { DiskBehaviour } from './disk.js';
import type { DiskSchedule } from './writes.js';

interface SyncsContext {
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly behaviour: DiskBehaviour;
  readonly note: (kind: 'stop' | 'persist' | 'durable', text: () => string) => void;
  /** Called after every change of the disk. */
  readonly written: () => void;
}

export class DiskWrites {
  readonly #context: SyncsContext;
  #hanging: (() => void)[] = [];

  constructor(context: SyncsContext) {
    this.#context = context;
  }

  /** Makes new syncs hang until the result is called. */
  hang(): () => void {
    const { behaviour } = this.#context;
    behaviour.hangs = true;
    return () => {
      behaviour.hangs = false;
      for (const start of this.#hanging.splice(0)) start();
    };
  }

  /** Drops hanging writes, because the process has died. */
  dropHanging(): void {
    this.#hanging = [];
  }

  /** The schedule for the writes of one instance. */
  schedule(scope: ProcessScope): DiskSchedule {
    return {
      write: (what, durable, done) => {
        const { behaviour, note } = this.#context;
        const start = (): void => this.#write(scope, what, durable, done);
        note('persist', what);
        if (behaviour.hangs) this.#hanging.push(start);
        else start();
      },
    };
  }

  #write(
    scope: ProcessScope,
    what: () => string,
    durable: () => void,
    done: (failed: boolean) => void,
  ): void {
    const { scheduler, random, behaviour, note, written } = this.#context;
    const fails = behaviour.failsNext;
    behaviour.failsNext = false;
    const time = behaviour.syncTime / 2 + random.below(behaviour.syncTime * 1.5);
    scheduler.after(time, () => {
      if (scope.isDead) return;
      // After a failed sync, the write may be on disk or not.
      if (!fails || random.chance(0.5)) durable();
      written();
      note(fails ? 'stop' : 'durable', fails ? () => 'sync failed' : what);
      scope.enter(() => {
        scheduler.maySettlePromises = true;
        done(fails);
      });
    });
  }
}
