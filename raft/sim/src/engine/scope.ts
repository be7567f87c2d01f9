/**
 * One instance of a simulated process, from its start to its crash. All its events run through here, so that
 * none runs while the process is paused, and none after its crash.
 */
import type { Micros, Scheduler } from './scheduler.js';

/** Time between two events that were delayed by a pause. */
const BACKLOG_GAP: Micros = 5;

export class ProcessScope {
  readonly #scheduler: Scheduler;
  /** Called before each event of the process. */
  readonly #entered: () => void;
  #state: 'running' | 'paused' | 'dead' = 'running';
  #backlog: (() => void)[] = [];

  constructor(scheduler: Scheduler, entered: () => void) {
    this.#scheduler = scheduler;
    this.#entered = entered;
  }

  get isDead(): boolean {
    return this.#state === 'dead';
  }

  get isPaused(): boolean {
    return this.#state === 'paused';
  }

  /** Calls `run` now, after the pause if the process is paused, or never if it has died. */
  enter(run: () => void): void {
    if (this.#state === 'dead') return;
    if (this.#state === 'paused') {
      this.#backlog.push(run);
      return;
    }
    this.#entered();
    run();
  }

  /** Virtual time, which continues while the process is paused. */
  get now(): Micros {
    return this.#scheduler.now;
  }

  after(delay: Micros, run: () => void): void {
    this.#scheduler.after(delay, () => this.enter(run));
  }

  pause(): void {
    if (this.#state === 'running') this.#state = 'paused';
  }

  /** Ends the pause. Delayed events run shortly after, in order. */
  resume(): void {
    if (this.#state !== 'paused') return;
    this.#state = 'running';
    const backlog = this.#backlog;
    this.#backlog = [];
    backlog.forEach((run, place) => this.after(place * BACKLOG_GAP, run));
  }

  kill(): void {
    this.#state = 'dead';
    this.#backlog = [];
  }
}
