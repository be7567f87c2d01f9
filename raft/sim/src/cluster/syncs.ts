/** How long what a process writes takes, and what goes wrong with it; through all lives of the process. */
import type { Random } from '../engine/random.js';
import type { Scheduler } from '../engine/scheduler.js';
import type { Scope } from '../engine/scope.js';
import type { DiskBehaviour } from './disk.js';
import type { DiskSchedule } from './writes.js';

interface SyncsContext {
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly behaviour: DiskBehaviour;
  readonly note: (kind: 'stop' | 'persist' | 'durable', text: () => string) => void;
  /** Something is on disk now that was not before. */
  readonly written: () => void;
}

export class Syncs {
  readonly #context: SyncsContext;
  #hanging: (() => void)[] = [];

  constructor(context: SyncsContext) {
    this.#context = context;
  }

  /** Syncs begun from now on do not end until the result is called. */
  hang(): () => void {
    const { behaviour } = this.#context;
    behaviour.hangs = true;
    return () => {
      behaviour.hangs = false;
      for (const go of this.#hanging.splice(0)) go();
    };
  }

  /** Whoever waits has died. */
  forget(): void {
    this.#hanging = [];
  }

  /** For the writes of one life. */
  schedule(scope: Scope): DiskSchedule {
    return {
      write: (what, durable, told) => {
        const { behaviour, note } = this.#context;
        const go = (): void => this.#write(scope, what, durable, told);
        note('persist', what);
        if (behaviour.hangs) this.#hanging.push(go);
        else go();
      },
    };
  }

  #write(scope: Scope, what: () => string, durable: () => void, told: (failed: boolean) => void): void {
    const { scheduler, random, behaviour, note, written } = this.#context;
    const fails = behaviour.failsNext;
    behaviour.failsNext = false;
    const time = behaviour.syncTime / 2 + random.below(behaviour.syncTime * 1.5);
    scheduler.after(time, () => {
      if (scope.isDead) return;
      // What a failed sync leaves on disk is anyone's guess.
      if (!fails || random.chance(0.5)) durable();
      written();
      note(fails ? 'stop' : 'durable', fails ? () => 'sync failed' : what);
      scope.enter(() => {
        scheduler.mayHaveWoken = true;
        told(fails);
      });
    });
  }
}
