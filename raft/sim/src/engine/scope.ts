/**
 * One life of a simulated process, from its start to its crash: whatever happens to it happens through here, so that
 * nothing happens while it is paused, and nothing at all after its death.
 */
import type { Micros, Scheduler } from './scheduler.js';

/** Between two of the events that gathered during a pause. */
const BACKLOG_GAP: Micros = 5;

export class Scope {
  readonly #scheduler: Scheduler;
  /** Called after each thing that happened to the process. */
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

  /** Has `run` happen now, after the pause if there is one, or never. */
  enter(run: () => void): void {
    if (this.#state === 'dead') return;
    if (this.#state === 'paused') {
      this.#backlog.push(run);
      return;
    }
    this.#entered();
    run();
  }

  /** Virtual time, which goes on while the process is paused. */
  get now(): Micros {
    return this.#scheduler.now;
  }

  after(delay: Micros, run: () => void): void {
    this.#scheduler.after(delay, () => this.enter(run));
  }

  pause(): void {
    if (this.#state === 'running') this.#state = 'paused';
  }

  /** Goes on: what gathered happens shortly, in the order in which it came. */
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
