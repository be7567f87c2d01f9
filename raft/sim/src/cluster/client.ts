/**
 * A client: sends one operation at a time to one member after another, until it gets a response or times out. Changes
 * carry a sequence number, so that a retry has no effect twice.
 */
import type { NodeId } from '@trireme/raft';
import { startOperation, type History, type Operation, type OperationKind } from '../checks/history.js';
import type { Random } from '../engine/random.js';
import { MS, SECOND, type Micros, type Scheduler } from '../engine/scheduler.js';
import type { Trace } from '../engine/trace.js';
import type { ClientResponse } from './port.js';
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

/** Number of keys in use at a time: few, so that operations of clients conflict. */
const HOT_KEYS = 3;
/** How long a key is in use. Short, so that its history can be searched. */
const KEY_LIFETIME: Micros = 4 * SECOND;
/** Share of the reads that are sent to any member instead of the last known leader. */
const RANDOM_TARGET_READS = 0.3;
const TRAVEL_MEAN: Micros = 300;
const ANSWER_LOSS = 0.01;
const ATTEMPT_MIN: Micros = 200 * MS;
const ATTEMPT_MAX: Micros = 900 * MS;
const OPERATION_TIMEOUT: Micros = 4 * SECOND;
const BACKOFF_MAX: Micros = 120 * MS;
/** Distance between values that are put. Larger than any sum of additions, so that values stay distinct. */
const VALUE_STEP = 1_000;

/** The operation in progress. */
interface PendingOperation {
  readonly operation: Operation;
  readonly sequence: number;
  attempt: number;
  /** Whether a member may have accepted it. */
  mayHaveEffect: boolean;
}

export class MapClient {
  readonly #settings: ClientSettings;
  readonly #context: ClientContext;
  #sequence = 0;
  #pending: PendingOperation | null = null;
  #target: NodeId | null = null;

  constructor(settings: ClientSettings, context: ClientContext) {
    this.#settings = settings;
    this.#context = context;
  }

  start(): void {
    const { scheduler, random } = this.#context;
    scheduler.after(random.exponential(this.#settings.thinkMean), () => this.#begin());
  }

  /** Gives up the operation in progress. Must be called at the end of a run. */
  finish(): void {
    if (this.#pending !== null) this.#record(this.#pending);
    this.#pending = null;
  }

  #begin(): void {
    const { scheduler, random } = this.#context;
    const { id, readShare } = this.#settings;
    const kind: OperationKind = random.chance(readShare) ? 'get' : random.pick(['put', 'add']);
    const key = `k${Math.floor(scheduler.now / KEY_LIFETIME)}.${random.below(HOT_KEYS)}`;
    this.#sequence += 1;
    const value = this.#newValue(kind);
    const operation = startOperation({ client: id, key, kind, value }, scheduler.now);
    this.#note(() => `${kind} ${key} ${kind === 'get' ? '' : value}`);
    this.#pending = { operation, sequence: this.#sequence, attempt: 0, mayHaveEffect: false };
    this.#attempt(this.#pending);
  }

  /** Returns a value that is put only once in a run, or a small number to add. */
  #newValue(kind: OperationKind): number {
    if (kind === 'get') return 0;
    const own = Number(this.#settings.id.slice(1));
    return kind === 'put' ? (this.#sequence * 100 + own) * VALUE_STEP : 1 + (this.#sequence % 7);
  }

  #attempt(pending: PendingOperation): void {
    if (this.#pending !== pending) return;
    const { scheduler, random, processes } = this.#context;
    if (scheduler.now - pending.operation.invoked > OPERATION_TIMEOUT) {
      this.#end(pending);
      return;
    }
    pending.attempt += 1;
    const { attempt } = pending;
    const isCurrent = (): boolean => this.#pending === pending && pending.attempt === attempt;
    const isRandom = pending.operation.kind === 'get' && random.chance(RANDOM_TARGET_READS);
    const target = isRandom ? null : this.#target;
    const process = processes.find(({ id }) => id === target) ?? random.pick(processes);
    scheduler.after(random.exponential(TRAVEL_MEAN), () => this.#send(process, pending, isCurrent));
    scheduler.after(random.between(ATTEMPT_MIN, ATTEMPT_MAX), () => {
      if (!isCurrent()) return;
      this.#target = null;
      this.#attempt(pending);
    });
  }

  #send(process: SimProcess, pending: PendingOperation, isCurrent: () => boolean): void {
    const { scheduler, random } = this.#context;
    const { instance } = process;
    if (instance === null) return;
    const reply = (answer: ClientResponse): void => {
      if (random.chance(ANSWER_LOSS)) return;
      scheduler.after(random.exponential(TRAVEL_MEAN), () => {
        if (isCurrent()) this.#onAnswer(pending, answer, process.id);
      });
    };
    const { operation, sequence } = pending;
    const { kind, key, client, value } = operation;
    pending.mayHaveEffect ||= kind !== 'get';
    const lease = random.chance(this.#settings.leaseShare);
    instance.scope.enter(() => {
      if (kind === 'get') instance.port.read(key, lease, reply);
      else instance.port.change({ client, sequence, kind, key, value }, reply);
    });
  }

  #onAnswer(pending: PendingOperation, answer: ClientResponse, from: NodeId): void {
    const { scheduler, random } = this.#context;
    switch (answer.type) {
      case 'done':
        // A follower that answered a read is no target for the next change.
        if (answer.by !== 'follower') this.#target = from;
        pending.operation.by = answer.by;
        pending.operation.returned = scheduler.now;
        pending.operation.result = answer.value;
        this.#end(pending);
        return;
      case 'refused':
        this.#target = answer.leader;
        break;
      case 'lost':
      case 'superseded':
        this.#target = null;
        break;
    }
    // The attempt has ended: ignore further answers to it.
    pending.attempt += 1;
    scheduler.after(random.below(BACKOFF_MAX), () => this.#attempt(pending));
  }

  #end(pending: PendingOperation): void {
    this.#record(pending);
    this.#pending = null;
    this.start();
  }

  #record({ operation, mayHaveEffect, sequence }: PendingOperation): void {
    const isKnown = operation.returned !== Infinity;
    this.#note(() => (isKnown ? `#${sequence}: ${operation.result}` : `#${sequence}: no response`));
    // A read without a response contradicts nothing, and a change that no member accepted had no effect.
    if (isKnown || (operation.kind !== 'get' && mayHaveEffect)) this.#context.history.add(operation);
  }

  #note(text: () => string): void {
    this.#context.trace.note('client', this.#settings.id, this.#sequence, 0, text);
  }
}
