/**
 * A simulated process: the real driver and core on a simulated disk, network and clock. It can be paused, crash, lose
 * power, and restart from what is on its disks.
 */
import {
  RaftError,
  RaftNode,
  type CoreLimits,
  type LogBase,
  type Membership,
  type Message,
  type NodeId,
  type Role,
  type Term,
  type CompactionOptions,
  type SnapshotEvent,
  type NodeStatus,
} from '@trireme/raft';
import { SimClock, type ClockRate } from '../engine/clock.js';
import type { Random } from '../engine/random.js';
import { MS, SECOND, type Micros, type Scheduler } from '../engine/scheduler.js';
import { ProcessScope } from '../engine/scope.js';
import type { Trace } from '../engine/trace.js';
import type { OnApplied } from './machine.js';
import { MachineDisk, SimMachine } from './machine.js';
import type { SimNetwork } from './network.js';
import { ClientPort } from './port.js';
import { SimDisk } from './disk.js';
import { SimStorage } from './storage.js';
import { DiskWrites } from './syncs.js';

/** Settings of all members of a run. */
export interface RunSettings {
  /** The initial voters of the group. */
  readonly members: readonly NodeId[];
  /** Processes that may be added to the group. */
  readonly spares: readonly NodeId[];
  readonly tickMs: number;
  readonly electionTicks: number;
  readonly heartbeatTicks: number;
  readonly limits: Partial<CoreLimits>;
  /** Whether clients may read by leases. If so, no clock drifts beyond the bound that the library documents. */
  readonly leaseReads: boolean;
  /** When logs are compacted; null if machines do not support snapshots, so that logs grow. */
  readonly compaction: CompactionOptions | null;
}

/** Observer of the processes. */
export interface ProcessObserver {
  /** The process handles an event. */
  onEnter(process: SimProcess): void;
  /** The process has become leader. */
  onElected(process: SimProcess): void;
  onSend(process: SimProcess, instance: ProcessInstance, message: Message): void;
  /** The process has opened its disks and runs. */
  onStart(process: SimProcess, instance: ProcessInstance): void;
  onApplied(process: SimProcess, ...args: Parameters<OnApplied>): void;
  /** A snapshot has durably replaced the state machine of the process. */
  onInstalled(process: SimProcess, base: LogBase, hash: number): void;
  /** The process uses another configuration. */
  onMembership(process: SimProcess, inForce: Membership): void;
  /** An event of the driver about a snapshot or a compaction. */
  onSnapshotEvent(process: SimProcess, event: SnapshotEvent): void;
  /** Index up to which any member knows entries to be committed, when a read starts. */
  readFloor(): number;
  onReadGranted(process: SimProcess, index: number, floor: number): void;
  reportViolation(check: string, what: string): void;
}

interface ProcessEnvironment {
  readonly scheduler: Scheduler;
  readonly network: SimNetwork;
  readonly random: Random;
  readonly trace: Trace;
  readonly settings: RunSettings;
  readonly watcher: ProcessObserver;
}

/** One instance of a process, from its start to its crash: everything that a crash loses. */
export interface ProcessInstance {
  readonly scope: ProcessScope;
  readonly storage: SimStorage;
  readonly machine: SimMachine;
  readonly clock: SimClock;
  readonly port: ClientPort;
  /** Null until the driver has started. */
  node: RaftNode | null;
  /** Role and term as last published by the driver. */
  role: Role;
  term: Term;
}

type CrashKind = 'kill' | 'powerLoss';

const APPLY_MEAN: Micros = 300;
/** Time until a failed process exits, and mean time until its supervisor restarts it. */
const EXIT_DELAY: Micros = MS;
const SUPERVISOR_DELAY_MEAN: Micros = SECOND;

export class SimProcess {
  readonly id: NodeId;
  readonly disk = new SimDisk();
  readonly machineDisk = new MachineDisk();
  readonly rate: ClockRate = { slowdown: 1 };
  instance: ProcessInstance | null = null;
  readonly #environment: ProcessEnvironment;
  readonly #random: Random;
  /** Number of faults that keep it down, and that pause it. */
  #holds = 0;
  #pauses = 0;
  /** Writes to the disks. Faults make them hang. */
  readonly syncs: DiskWrites;

  constructor(id: NodeId, environment: ProcessEnvironment) {
    this.id = id;
    this.#environment = environment;
    this.#random = environment.random.fork();
    this.syncs = new DiskWrites({
      scheduler: environment.scheduler,
      random: this.#random,
      behaviour: this.disk.behaviour,
      note: (kind, text) => this.#note(kind, text),
      written: () => this.#checkDisks(),
    });
  }

  /** The driver; null while the process is down or starting. */
  get node(): RaftNode | null {
    return this.instance?.node ?? null;
  }

  get isDown(): boolean {
    return this.instance === null;
  }

  /** Keeps the process down until the result is called. Then it starts, unless another fault keeps it down. */
  keepDown(kind: CrashKind): () => void {
    this.#holds += 1;
    this.crash(kind);
    return () => {
      this.#holds -= 1;
      if (this.#holds === 0) this.start();
    };
  }

  /** Pauses the process until the result is called. */
  pause(): () => void {
    this.#pauses += 1;
    this.instance?.scope.pause();
    this.#note('stop', () => 'paused');
    return () => {
      this.#pauses -= 1;
      if (this.#pauses > 0) return;
      this.#note('start', () => 'resumed');
      this.instance?.scope.resume();
    };
  }

  /** Starts an instance from what is on the disks. With a damaged disk the process stays down. */
  start(): void {
    if (this.instance !== null) return;
    const { scheduler, watcher } = this.#environment;
    const scope = new ProcessScope(scheduler, () => watcher.onEnter(this));
    const storage = this.#openStorage(scope);
    const port = new ClientPort();
    if (storage === null) return;
    const { written } = this.machineDisk;
    this.#note('start', () => `applied ${written.applied}, log ends at ${storage.lastIndex()}`);
    const instance: ProcessInstance = {
      scope,
      storage,
      machine: this.#makeMachine(scope, port),
      clock: new SimClock(scope, this.rate, this.#random),
      port,
      node: null,
      role: 'follower',
      term: storage.hardState().term,
    };
    this.instance = instance;
    if (this.#pauses > 0) scope.pause();
    scheduler.maySettlePromises = true;
    this.#startNode(instance).catch((error: unknown) => {
      // The start may write and fail: it finishes an install that a crash has interrupted.
      if (storage.hasFailed) this.#onFailure(instance, error);
      else watcher.reportViolation('start', `${this.id} cannot start: ${String(error)}`);
    });
  }

  async #startNode(instance: ProcessInstance): Promise<void> {
    const { scheduler, network, settings, watcher } = this.#environment;
    const { scope, port, machine } = instance;
    const { compaction, members, ...others } = settings;
    const node = await RaftNode.start({
      ...others,
      compaction: compaction ?? {},
      id: this.id,
      members: members.includes(this.id) ? members : [],
      onMembership: (inForce) => watcher.onMembership(this, inForce),
      storage: instance.storage,
      transport: network.transport(this.id, scope, (message) => watcher.onSend(this, instance, message)),
      stateMachine: machine,
      onChange: (status) => this.#onStatusChange(instance, status),
      onEvent: (event) => {
        if ('base' in event) watcher.onSnapshotEvent(this, event);
      },
      onFatal: (error) => this.#onFailure(instance, error),
      clock: instance.clock,
      random: this.#random.next,
    });
    instance.node = node;
    port.open(node, machine, {
      scheduler,
      readFloor: () => watcher.readFloor(),
      readGranted: (index, floor) => watcher.onReadGranted(this, index, floor),
    });
    watcher.onStart(this, instance);
  }

  #makeMachine(scope: ProcessScope, port: ClientPort): SimMachine {
    const { scheduler, settings, watcher } = this.#environment;
    const woken = (): void => {
      scheduler.maySettlePromises = true;
    };
    return new SimMachine({
      disk: this.machineDisk,
      later: (run) =>
        scope.after(this.#random.exponential(APPLY_MEAN), () => {
          woken();
          run();
        }),
      applied: (entry, outcome, hash) => {
        watcher.onApplied(this, entry, outcome, hash);
        port.onApplied(entry, outcome);
      },
      schedule: settings.compaction === null ? null : this.syncs.schedule(scope),
      woken,
      installed: (base, hash) => watcher.onInstalled(this, base, hash),
    });
  }

  /** The log must not start after what the machine has durably stored. */
  #checkDisks(): void {
    const { index } = this.disk.base;
    const { durableIndex } = this.machineDisk;
    if (index <= durableIndex) return;
    const what = `the log of ${this.id} starts after ${index}, but its machine is durable only up to ${durableIndex}`;
    this.#environment.watcher.reportViolation('no gap between state and log', what);
  }

  #openStorage(scope: ProcessScope): SimStorage | null {
    const { watcher } = this.#environment;
    try {
      const storage = new SimStorage(this.disk, this.syncs.schedule(scope));
      if (this.disk.isDamaged)
        watcher.reportViolation('damaged disks are refused', `${this.id} opened a damaged disk`);
      return storage;
    } catch (error) {
      this.#note('stop', () => `start failed: ${String(error)}`);
      const isExpected = this.disk.isDamaged && error instanceof RaftError && error.code === 'LOG_DAMAGED';
      if (!isExpected) watcher.reportViolation('start', `${this.id} cannot open its disk: ${String(error)}`);
      return null;
    }
  }

  #onStatusChange(instance: ProcessInstance, { role, term, leader, leading }: NodeStatus): void {
    if (role === 'leader' && instance.role !== 'leader') this.#environment.watcher.onElected(this);
    instance.role = role;
    instance.term = term;
    this.#environment.trace.note('status', this.id, term, role.length, () =>
      [role, `term ${term}`, `leader ${String(leader)}`, leading ? 'leading' : ''].join(' '),
    );
  }

  /** The driver has stopped, which is a violation unless a write has failed. */
  #onFailure(instance: ProcessInstance, error: unknown): void {
    const { watcher, scheduler } = this.#environment;
    const isExpected = instance.storage.hasFailed || instance.machine.hasFailed;
    if (!isExpected) watcher.reportViolation('invariant', `${this.id} stopped: ${String(error)}`);
    instance.port.close();
    scheduler.after(EXIT_DELAY, () => {
      if (this.instance !== instance) return;
      const release = this.keepDown('kill');
      scheduler.after(this.#random.exponential(SUPERVISOR_DELAY_MEAN), release);
    });
  }

  /**
   * Ends the instance. Writes in progress are completed or lost; a power loss drops unsynced state of the
   * machine.
   */
  crash(kind: CrashKind): void {
    const { instance } = this;
    if (instance === null) return;
    this.#note('stop', () => kind);
    for (const settle of [...instance.storage.unsettled, ...instance.machine.pendingWrites]) {
      if (this.#random.chance(0.5)) settle();
    }
    this.#checkDisks();
    instance.scope.kill();
    instance.port.close();
    this.instance = null;
    this.syncs.dropHanging();
    if (kind === 'powerLoss') this.machineDisk.losePower();
    this.#environment.network.onProcessDied(this.id);
  }

  #note(kind: 'start' | 'stop' | 'persist' | 'durable', text: () => string): void {
    this.#environment.trace.note(kind, this.id, this.disk.lastIndex, this.disk.hardState.term, text);
  }
}
