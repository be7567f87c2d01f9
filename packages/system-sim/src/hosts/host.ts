/**
 * One simulated process and its machine: it starts, crashes, is paused or suspended, and starts again. What comes in while its
 * event loop is busy is worked off in the next turn, in the order in which it came.
 */
import { createLog, type LinkIdentity, type Log } from '@trireme/service';
import { MS, Scope, type Micros, type Random } from '@trireme/raft/sim';
import type { VirtualTimer } from '../engine/globals.js';
import { MachineClock } from '../engine/process-clock.js';
import type { CrashKind, Endpoint, Environment, HostKind, Life } from './environment.js';

/** A turn of the event loop takes up to this long; what comes in meanwhile is worked off together. */
const TURN_MAX: Micros = 150;
/** Node's timers fire up to a millisecond early, and late. */
const TIMER_EARLY_MAX: Micros = 900;
const TIMER_LATE_MAX: Micros = 1_500;
/** Machines were started at different times. */
const UPTIME_MS_MAX = 1_000_000;
const EXIT_DELAY: Micros = MS;

export abstract class Host implements Endpoint {
  readonly name: string;
  readonly kind: HostKind;
  readonly url: string;
  readonly clock: MachineClock;
  readonly log: Log;
  life: Life | null = null;
  protected readonly world: Environment;
  protected readonly random: Random;
  #holds = 0;
  #pauses = 0;
  #pauseCount = 0;
  #isSuspended = false;

  constructor(name: string, kind: HostKind, world: Environment) {
    this.name = name;
    this.kind = kind;
    this.url = `http://${kind}-${name}:80`;
    this.world = world;
    this.random = world.random.fork();
    this.clock = new MachineClock(() => world.scheduler.now, this.random.below(UPTIME_MS_MAX));
    this.log = createLog(
      { service: kind, id: name, level: world.trace.isRead ? 'debug' : 'silent' },
      { write: (line) => world.trace.say(this.name, line.trimEnd()) },
    );
  }

  get identity(): LinkIdentity {
    return { name: this.name, cluster: 'sim', secret: null };
  }

  get isUp(): boolean {
    return this.life !== null;
  }

  get isPaused(): boolean {
    return this.#pauses > 0;
  }

  /** A new process begins. */
  protected abstract boot(life: Life): void;
  /** The process is dying. */
  protected abstract die(kind: CrashKind): void;

  start(): void {
    if (this.life !== null || this.#holds > 0) return;
    const scope = new Scope(this.world.scheduler, () => this.world.entered(this));
    const life: Life = { scope, inbox: [], isTurnDue: false };
    this.life = life;
    if (this.#pauses > 0) scope.pause();
    this.world.trace.note('start', this.name, 0, 0, () => this.kind);
    this.deliver(() => this.boot(life));
  }

  /** Ends the process. */
  crash(kind: CrashKind): void {
    const { life } = this;
    if (life === null) return;
    this.world.trace.note('stop', this.name, 0, 0, () => kind);
    this.die(kind);
    life.scope.kill();
    life.inbox = [];
    this.life = null;
    this.world.streams.hostDied(this, kind);
  }

  /** Keeps the process down until the result is called; then it starts, if nothing else holds it. */
  takeDown(kind: CrashKind): () => void {
    this.#holds += 1;
    this.crash(kind);
    return () => {
      this.#holds -= 1;
      this.start();
    };
  }

  /**
   * Halts the process until the result is called.
   * @param isSuspended the whole machine stands still, and its monotonic clock with it
   */
  pause(isSuspended = false): () => void {
    this.#pauses += 1;
    this.#pauseCount += 1;
    const isFirst = this.#pauses === 1;
    if (isFirst) this.clock.monotonicMs();
    if (isFirst && isSuspended) this.#isSuspended = true;
    this.life?.scope.pause();
    this.world.trace.note('stop', this.name, 1, 0, () => (isSuspended ? 'suspended' : 'paused'));
    const count = this.#pauseCount;
    this.world.streams.hostSilent(this, () => this.#pauses > 0 && this.#pauseCount === count);
    return () => {
      this.#pauses -= 1;
      if (this.#pauses > 0) return;
      if (this.#isSuspended) this.clock.skip();
      this.#isSuspended = false;
      this.world.trace.note('start', this.name, 1, 0, () => 'resumed');
      this.life?.scope.resume();
    };
  }

  /** Has `run` happen in the process, in its next turn. */
  deliver(run: () => void): void {
    const { life } = this;
    if (life !== null) this.#enqueue(life, run);
  }

  #enqueue(life: Life, run: () => void): void {
    if (life.scope.isDead) return;
    life.inbox.push(run);
    if (life.isTurnDue) return;
    life.isTurnDue = true;
    life.scope.after(this.random.below(TURN_MAX), () => {
      life.isTurnDue = false;
      this.world.turn(this, life, life.inbox.splice(0));
    });
  }

  /** A rule of the product is broken, and its process stops itself. */
  protected failed(error: unknown): void {
    this.world.violate('invariant', `${this.name} stopped: ${String(error)}`);
  }

  /** The process ends by itself, as it should, and its supervisor starts it again. */
  protected exit(life: Life, restartAfter: Micros): void {
    this.world.scheduler.after(EXIT_DELAY, () => {
      if (this.life !== life) return;
      this.world.scheduler.after(restartAfter, this.takeDown('kill'));
    });
  }

  monotonicMs(): number {
    return this.clock.monotonicMs();
  }

  wallMs(): number {
    return this.clock.wallMs();
  }

  timer(ms: number, run: () => void, isRepeated: boolean): VirtualTimer {
    const { life } = this;
    let isOver = life === null;
    const period = Math.max(1, ms) * MS;
    const arm = (): void => {
      if (life === null) return;
      const jitter = this.random.between(-TIMER_EARLY_MAX, TIMER_LATE_MAX);
      const delay = Math.max(0, Math.floor(period * this.clock.rate.stretch) + jitter);
      this.world.scheduler.after(delay, () => {
        if (isOver) return;
        this.#enqueue(life, () => {
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
    this.world.immediate(run);
  }
}
