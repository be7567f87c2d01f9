/**
 * One simulated process and its machine: it starts, crashes, is paused or suspended, and restarts. Input that
 * arrives while its event loop is busy is handled in the next turn, in order.
 */
import { createLog, type LinkIdentity, type Log } from '@trireme/service';
import { MS, ProcessScope, type Micros, type Random } from '@trireme/raft-sim';
import type { VirtualTimer } from '../engine/globals.js';
import { MachineClock } from '../engine/machine-clock.js';
import type {
  CrashKind,
  LinkedProcess,
  SimulationContext,
  ProcessKind,
  ProcessInstance,
} from './environment.js';

/** Maximum duration of a turn of the event loop. Input that arrives meanwhile is handled together. */
const TURN_MAX: Micros = 150;
/** Node's timers fire up to about a millisecond early or late. */
const TIMER_EARLY_MAX: Micros = 900;
const TIMER_LATE_MAX: Micros = 1_500;
/** Maximum uptime of a machine at the start of a run. */
const UPTIME_MS_MAX = 1_000_000;
const EXIT_DELAY: Micros = MS;

export abstract class SimulatedProcess implements LinkedProcess {
  readonly name: string;
  readonly kind: ProcessKind;
  readonly url: string;
  readonly clock: MachineClock;
  readonly log: Log;
  instance: ProcessInstance | null = null;
  protected readonly simulation: SimulationContext;
  protected readonly random: Random;
  #holds = 0;
  #pauses = 0;
  #pauseCount = 0;
  #isSuspended = false;

  constructor(name: string, kind: ProcessKind, simulation: SimulationContext) {
    this.name = name;
    this.kind = kind;
    this.url = `http://${kind}-${name}:80`;
    this.simulation = simulation;
    this.random = simulation.random.fork();
    this.clock = new MachineClock(() => simulation.scheduler.now, this.random.below(UPTIME_MS_MAX));
    this.log = createLog(
      { service: kind, id: name, level: simulation.trace.isPrinted ? 'debug' : 'silent' },
      { write: (line) => simulation.trace.log(this.name, line.trimEnd()) },
    );
  }

  get identity(): LinkIdentity {
    return { name: this.name, cluster: 'sim', secret: null };
  }

  get isUp(): boolean {
    return this.instance !== null;
  }

  get isPaused(): boolean {
    return this.#pauses > 0;
  }

  /** Starts a new instance of the process. */
  protected abstract boot(instance: ProcessInstance): void;
  /** Releases the resources of the dying instance. */
  protected abstract die(kind: CrashKind): void;

  start(): void {
    if (this.instance !== null || this.#holds > 0) return;
    const scope = new ProcessScope(this.simulation.scheduler, () => this.simulation.onEvent(this));
    const instance: ProcessInstance = { scope, inbox: [], isTurnDue: false };
    this.instance = instance;
    if (this.#pauses > 0) scope.pause();
    this.simulation.trace.note('start', this.name, 0, 0, () => this.kind);
    this.runInNextTurn(() => this.boot(instance));
  }

  /** Ends the process instance. */
  crash(kind: CrashKind): void {
    const { instance } = this;
    if (instance === null) return;
    this.simulation.trace.note('stop', this.name, 0, 0, () => kind);
    this.die(kind);
    instance.scope.kill();
    instance.inbox = [];
    this.instance = null;
    this.simulation.streams.onHostDied(this, kind);
  }

  /** Keeps the process down until the result is called. Then it starts, unless another fault keeps it down. */
  keepDown(kind: CrashKind): () => void {
    this.#holds += 1;
    this.crash(kind);
    return () => {
      this.#holds -= 1;
      this.start();
    };
  }

  /**
   * Pauses the process until the result is called.
   * @param isSuspended whether the whole machine is suspended, which also stops its monotonic clock
   */
  pause(isSuspended = false): () => void {
    this.#pauses += 1;
    this.#pauseCount += 1;
    const isFirst = this.#pauses === 1;
    if (isFirst) this.clock.monotonicMs();
    if (isFirst && isSuspended) this.#isSuspended = true;
    this.instance?.scope.pause();
    this.simulation.trace.note('stop', this.name, 1, 0, () => (isSuspended ? 'suspended' : 'paused'));
    const count = this.#pauseCount;
    this.simulation.streams.onHostPaused(this, () => this.#pauses > 0 && this.#pauseCount === count);
    return () => {
      this.#pauses -= 1;
      if (this.#pauses > 0) return;
      if (this.#isSuspended) this.clock.skipSuspension();
      this.#isSuspended = false;
      this.simulation.trace.note('start', this.name, 1, 0, () => 'resumed');
      this.instance?.scope.resume();
    };
  }

  /** Calls `run` in the next turn of the process. */
  runInNextTurn(run: () => void): void {
    const { instance } = this;
    if (instance !== null) this.#enqueue(instance, run);
  }

  #enqueue(instance: ProcessInstance, run: () => void): void {
    if (instance.scope.isDead) return;
    instance.inbox.push(run);
    if (instance.isTurnDue) return;
    instance.isTurnDue = true;
    instance.scope.after(this.random.below(TURN_MAX), () => {
      instance.isTurnDue = false;
      this.simulation.startTurn(this, instance, instance.inbox.splice(0));
    });
  }

  /** The process stops itself because of a violated rule of the product. */
  protected onInvariantViolated(error: unknown): void {
    this.simulation.violate('invariant', `${this.name} stopped: ${String(error)}`);
  }

  /** The process exits as expected, and its supervisor restarts it. */
  protected exit(instance: ProcessInstance, restartAfter: Micros): void {
    this.simulation.scheduler.after(EXIT_DELAY, () => {
      if (this.instance !== instance) return;
      this.simulation.scheduler.after(restartAfter, this.keepDown('kill'));
    });
  }

  monotonicMs(): number {
    return this.clock.monotonicMs();
  }

  wallMs(): number {
    return this.clock.wallMs();
  }

  timer(ms: number, run: () => void, isRepeated: boolean): VirtualTimer {
    const { instance } = this;
    let isOver = instance === null;
    const period = Math.max(1, ms) * MS;
    const arm = (): void => {
      if (instance === null) return;
      const jitter = this.random.between(-TIMER_EARLY_MAX, TIMER_LATE_MAX);
      const delay = Math.max(0, Math.floor(period * this.clock.rate.slowdown) + jitter);
      this.simulation.scheduler.after(delay, () => {
        if (isOver) return;
        this.#enqueue(instance, () => {
          if (isOver) return;
          if (isRepeated) arm();
          else isOver = true;
          run();
        });
      });
    };
    arm();
    const timer: VirtualTimer = {
      unref: () => timer,
      ref: () => timer,
      cancel: () => {
        isOver = true;
      },
    };
    return timer;
  }

  immediate(run: () => void): void {
    this.simulation.immediate(run);
  }
}
