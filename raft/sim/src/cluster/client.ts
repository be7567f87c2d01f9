/**
 * A client: one operation at a time, asked of one member after another until there is an answer or patience ends.
 * Changes carry a sequence number, so that asking again does nothing twice.
 */
import type { NodeId } from '#raft/core/types.js';
import { invoke, type History, type Operation, type OperationKind } from '../checks/history.js';
import type { Random } from '../engine/random.js';
import { MS, SECOND, type Micros, type Scheduler } from '../engine/scheduler.js';
import type { Trace } from '../engine/trace.js';
import type { Answer } from './port.js';
import type { SimProcess } from './process.js';

interface ClientSettings {
  readonly id: string;
  readonly thinkMean: Micros;
  readonly readShare: number;
  /** Share of the reads that may be answered under a lease. */
  readonly leaseShare: number;
}

interface ClientContext {
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly trace: Trace;
  readonly history: History;
  readonly processes: readonly SimProcess[];
}

/** Keys in use at one moment: few, so that clients meet on them. */
const HOT_KEYS = 3;
/** How long a key is in use: so that its history stays short enough to be searched. */
const KEY_LIFE: Micros = 4 * SECOND;
/** Share of the reads that ask whichever member, not the one that answered last. */
const STRAY_READS = 0.3;
const TRAVEL_MEAN: Micros = 300;
const ANSWER_LOSS = 0.01;
const ATTEMPT_MIN: Micros = 200 * MS;
const ATTEMPT_MAX: Micros = 900 * MS;
const PATIENCE: Micros = 4 * SECOND;
const BACKOFF_MAX: Micros = 120 * MS;
/** Values that are put lie this far apart, so that sums never meet. */
const VALUE_STEP = 1_000;

/** An operation that is being asked for. */
interface Asking {
  readonly operation: Operation;
  readonly sequence: number;
  attempt: number;
  /** Whether some member may have taken it. */
  mayHaveEffect: boolean;
}

export class Client {
  readonly #settings: ClientSettings;
  readonly #context: ClientContext;
  #sequence = 0;
  #asking: Asking | null = null;
  #target: NodeId | null = null;

  constructor(settings: ClientSettings, context: ClientContext) {
    this.#settings = settings;
    this.#context = context;
  }

  start(): void {
    const { scheduler, random } = this.#context;
    scheduler.after(random.exponential(this.#settings.thinkMean), () => this.#begin());
  }

  /** Gives up what it waits for; to be called at the end of a run. */
  finish(): void {
    if (this.#asking !== null) this.#record(this.#asking);
    this.#asking = null;
  }

  #begin(): void {
    const { scheduler, random } = this.#context;
    const { id, readShare } = this.#settings;
    const kind: OperationKind = random.chance(readShare) ? 'get' : random.pick(['put', 'add']);
    const key = `k${Math.floor(scheduler.now / KEY_LIFE)}.${random.below(HOT_KEYS)}`;
    this.#sequence += 1;
    const value = this.#newValue(kind);
    const operation = invoke({ client: id, key, kind, value }, scheduler.now);
    this.#note(() => `${kind} ${key} ${kind === 'get' ? '' : value}`);
    this.#asking = { operation, sequence: this.#sequence, attempt: 0, mayHaveEffect: false };
    this.#attempt(this.#asking);
  }

  /** Each value is put once in a run; an addition is small. */
  #newValue(kind: OperationKind): number {
    if (kind === 'get') return 0;
    const own = Number(this.#settings.id.slice(1));
    return kind === 'put' ? (this.#sequence * 100 + own) * VALUE_STEP : 1 + (this.#sequence % 7);
  }

  #attempt(asking: Asking): void {
    if (this.#asking !== asking) return;
    const { scheduler, random, processes } = this.#context;
    if (scheduler.now - asking.operation.invoked > PATIENCE) {
      this.#end(asking);
      return;
    }
    asking.attempt += 1;
    const { attempt } = asking;
    const isCurrent = (): boolean => this.#asking === asking && asking.attempt === attempt;
    const isStray = asking.operation.kind === 'get' && random.chance(STRAY_READS);
    const target = isStray ? null : this.#target;
    const process = processes.find(({ id }) => id === target) ?? random.pick(processes);
    scheduler.after(random.exponential(TRAVEL_MEAN), () => this.#ask(process, asking, isCurrent));
    scheduler.after(random.between(ATTEMPT_MIN, ATTEMPT_MAX), () => {
      if (!isCurrent()) return;
      this.#target = null;
      this.#attempt(asking);
    });
  }

  #ask(process: SimProcess, asking: Asking, isCurrent: () => boolean): void {
    const { scheduler, random } = this.#context;
    const { life } = process;
    if (life === null) return;
    const reply = (answer: Answer): void => {
      if (random.chance(ANSWER_LOSS)) return;
      scheduler.after(random.exponential(TRAVEL_MEAN), () => {
        if (isCurrent()) this.#answered(asking, answer, process.id);
      });
    };
    const { operation, sequence } = asking;
    const { kind, key, client, value } = operation;
    asking.mayHaveEffect ||= kind !== 'get';
    const lease = random.chance(this.#settings.leaseShare);
    life.scope.enter(() => {
      if (kind === 'get') life.port.read(key, lease, reply);
      else life.port.change({ client, sequence, kind, key, value }, reply);
    });
  }

  #answered(asking: Asking, answer: Answer, from: NodeId): void {
    const { scheduler, random } = this.#context;
    switch (answer.type) {
      case 'done':
        // Who reads at a follower finds the leader for its next change by asking it again.
        if (answer.by !== 'follower') this.#target = from;
        asking.operation.by = answer.by;
        asking.operation.returned = scheduler.now;
        asking.operation.result = answer.value;
        this.#end(asking);
        return;
      case 'refused':
        this.#target = answer.leader;
        break;
      case 'lost':
      case 'superseded':
        this.#target = null;
        break;
    }
    // The attempt is over; no other answer to it counts.
    asking.attempt += 1;
    scheduler.after(random.below(BACKOFF_MAX), () => this.#attempt(asking));
  }

  #end(asking: Asking): void {
    this.#record(asking);
    this.#asking = null;
    this.start();
  }

  #record({ operation, mayHaveEffect, sequence }: Asking): void {
    const isKnown = operation.returned !== Infinity;
    this.#note(() => (isKnown ? `#${sequence}: ${operation.result}` : `#${sequence}: no answer`));
    // A read without an answer says nothing; a change that no member took had no effect.
    if (isKnown || (operation.kind !== 'get' && mayHaveEffect)) this.#context.history.add(operation);
  }

  #note(text: () => string): void {
    this.#context.trace.note('client', this.#settings.id, this.#sequence, 0, text);
  }
}
