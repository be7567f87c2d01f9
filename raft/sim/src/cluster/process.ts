/**
 * A simulated process: the real driver and core on a simulated disk, network and clock. It can be paused, crash, lose
 * power, be stopped and be started again from what its disks hold.
 */
import { RaftError } from '#raft/core/errors.js';
import type { CoreLimits } from '#raft/core/config.js';
import type { LogBase, Membership, Message, NodeId, Role, Term } from '#raft/core/types.js';
import type { CompactionOptions } from '#raft/compaction.js';
import type { SnapshotEvent } from '#raft/snapshots.js';
import { RaftNode } from '#raft/node.js';
import type { NodeStatus } from '#raft/options.js';
import { SimClock, type ClockRate } from '../engine/clock.js';
import type { Random } from '../engine/random.js';
import { MS, SECOND, type Micros, type Scheduler } from '../engine/scheduler.js';
import { Scope } from '../engine/scope.js';
import type { Trace } from '../engine/trace.js';
import type { Applied } from './machine.js';
import { MachineDisk, SimMachine } from './machine.js';
import type { SimNetwork } from './network.js';
import { Port } from './port.js';
import { SimDisk } from './disk.js';
import { SimStorage } from './storage.js';
import { Syncs } from './syncs.js';

/** How all members of a run are set up. */
export interface NodeSettings {
  /** The voters that the group begins with. */
  readonly members: readonly NodeId[];
  /** Who waits to be let in. */
  readonly spares: readonly NodeId[];
  readonly tickMs: number;
  readonly electionTicks: number;
  readonly heartbeatTicks: number;
  readonly limits: Partial<CoreLimits>;
  /** Whether clients may read under leases; then no clock drifts beyond the bound that the library states. */
  readonly leaseReads: boolean;
  /** When logs are compacted; null where machines have no snapshots, and logs grow. */
  readonly compaction: CompactionOptions | null;
}

/** Who looks at a process. */
export interface Watcher {
  /** Something happened to the process. */
  entered(process: SimProcess): void;
  /** The process begins to lead. */
  elected(process: SimProcess): void;
  sent(process: SimProcess, life: Life, message: Message): void;
  /** The process has opened its disks and runs. */
  started(process: SimProcess, life: Life): void;
  applied(process: SimProcess, ...args: Parameters<Applied>): void;
  /** A snapshot has become the process's machine, for good. */
  installed(process: SimProcess, base: LogBase, hash: number): void;
  /** Another configuration is in force at the process, as it says. */
  membership(process: SimProcess, inForce: Membership): void;
  /** What the driver tells of its snapshots and its log. */
  snapshot(process: SimProcess, event: SnapshotEvent): void;
  /** Committed entries that any member knows of, when a read is asked for. */
  readFloor(): number;
  readGranted(process: SimProcess, index: number, floor: number): void;
  violated(check: string, what: string): void;
}

interface Surroundings {
  readonly scheduler: Scheduler;
  readonly network: SimNetwork;
  readonly random: Random;
  readonly trace: Trace;
  readonly settings: NodeSettings;
  readonly watcher: Watcher;
}

/** What is lost at a crash. */
export interface Life {
  readonly scope: Scope;
  readonly storage: SimStorage;
  readonly machine: SimMachine;
  readonly clock: SimClock;
  readonly port: Port;
  /** Null until the driver has started. */
  node: RaftNode | null;
  /** As the driver last told. */
  role: Role;
  term: Term;
}

type CrashKind = 'kill' | 'powerLoss';

const APPLY_MEAN: Micros = 300;
/** How long it takes until a process that has failed is gone, and until its supervisor starts it again. */
const EXIT_DELAY: Micros = MS;
const SUPERVISOR_DELAY_MEAN: Micros = SECOND;

export class SimProcess {
  readonly id: NodeId;
  readonly disk = new SimDisk();
  readonly machineDisk = new MachineDisk();
  readonly rate: ClockRate = { stretch: 1 };
  life: Life | null = null;
  readonly #around: Surroundings;
  readonly #random: Random;
  /** Reasons to be down, and to be paused. */
  #holds = 0;
  #pauses = 0;
  /** How its disks write: faults hang them. */
  readonly syncs: Syncs;

  constructor(id: NodeId, around: Surroundings) {
    this.id = id;
    this.#around = around;
    this.#random = around.random.fork();
    this.syncs = new Syncs({
      ...{ scheduler: around.scheduler, random: this.#random, behaviour: this.disk.behaviour },
      note: (kind, text) => this.#note(kind, text),
      written: () => this.#checkDisks(),
    });
  }

  /** The driver, while the process is up. */
  get node(): RaftNode | null {
    return this.life?.node ?? null;
  }

  get isDown(): boolean {
    return this.life === null;
  }

  /** Keeps the process down until the result is called; then it starts, if nothing else holds it. */
  takeDown(kind: CrashKind): () => void {
    this.#holds += 1;
    this.crash(kind);
    return () => {
      this.#holds -= 1;
      if (this.#holds === 0) this.start();
    };
  }

  /** Halts the process until the result is called. */
  pause(): () => void {
    this.#pauses += 1;
    this.life?.scope.pause();
    this.#note('stop', () => 'paused');
    return () => {
      this.#pauses -= 1;
      if (this.#pauses > 0) return;
      this.#note('start', () => 'resumed');
      this.life?.scope.resume();
    };
  }

  /** Starts from what the disks hold; one that finds damage refuses, and stays down. */
  start(): void {
    if (this.life !== null) return;
    const { scheduler, watcher } = this.#around;
    const scope = new Scope(scheduler, () => watcher.entered(this));
    const storage = this.#openStorage(scope);
    const port = new Port();
    if (storage === null) return;
    const { written } = this.machineDisk;
    this.#note('start', () => `applied ${written.applied}, log ends at ${storage.lastIndex()}`);
    const life: Life = {
      scope,
      storage,
      machine: this.#makeMachine(scope, port),
      clock: new SimClock(scope, this.rate, this.#random),
      port,
      node: null,
      role: 'follower',
      term: storage.hardState().term,
    };
    this.life = life;
    if (this.#pauses > 0) scope.pause();
    scheduler.mayHaveWoken = true;
    this.#startNode(life).catch((error: unknown) => {
      // Even the start may have to write: it ends an install that a crash had interrupted.
      if (storage.hasFailed) this.#failed(life, error);
      else watcher.violated('start', String(error));
    });
  }

  async #startNode(life: Life): Promise<void> {
    const { scheduler, network, settings, watcher } = this.#around;
    const { scope, port, machine } = life;
    const { compaction, members, ...others } = settings;
    const node = await RaftNode.start({
      ...others,
      ...(compaction === null ? {} : { compaction }),
      id: this.id,
      members: members.includes(this.id) ? members : [],
      onMembership: (inForce) => watcher.membership(this, inForce),
      storage: life.storage,
      transport: network.transport(this.id, scope, (message) => watcher.sent(this, life, message)),
      machine,
      onChange: (status) => this.#changed(life, status),
      onEvent: (event) => {
        if ('base' in event) watcher.snapshot(this, event);
      },
      onFatal: (error) => this.#failed(life, error),
      clock: life.clock,
      random: this.#random.next,
    });
    life.node = node;
    port.open(node, machine, {
      scheduler,
      readFloor: () => watcher.readFloor(),
      readGranted: (index, floor) => watcher.readGranted(this, index, floor),
    });
    watcher.started(this, life);
  }

  #makeMachine(scope: Scope, port: Port): SimMachine {
    const { scheduler, settings, watcher } = this.#around;
    const woken = (): void => {
      scheduler.mayHaveWoken = true;
    };
    return new SimMachine({
      disk: this.machineDisk,
      later: (run) =>
        scope.after(this.#random.exponential(APPLY_MEAN), () => {
          woken();
          run();
        }),
      applied: (entry, outcome, hash) => {
        watcher.applied(this, entry, outcome, hash);
        port.applied(entry, outcome);
      },
      schedule: settings.compaction === null ? null : this.syncs.schedule(scope),
      woken,
      installed: (base, hash) => watcher.installed(this, base, hash),
    });
  }

  /** Whatever happens, the log must not begin behind what the machine cannot lose. */
  #checkDisks(): void {
    const { index } = this.disk.base;
    const { syncedTo } = this.machineDisk;
    if (index <= syncedTo) return;
    const what = `the log of ${this.id} begins behind ${index}, its machine is durable up to ${syncedTo}`;
    this.#around.watcher.violated('no log without its machine', what);
  }

  #openStorage(scope: Scope): SimStorage | null {
    const { watcher } = this.#around;
    try {
      const storage = new SimStorage(this.disk, this.syncs.schedule(scope));
      if (this.disk.isDamaged) watcher.violated('damage', `${this.id} starts from a damaged disk`);
      return storage;
    } catch (error) {
      this.#note('stop', () => `refuses to start: ${String(error)}`);
      const isExpected = this.disk.isDamaged && error instanceof RaftError && error.code === 'LOG_DAMAGED';
      if (!isExpected) watcher.violated('damage', `${this.id} cannot open its disk: ${String(error)}`);
      return null;
    }
  }

  #changed(life: Life, { role, term, leader, leading }: NodeStatus): void {
    if (role === 'leader' && life.role !== 'leader') this.#around.watcher.elected(this);
    life.role = role;
    life.term = term;
    this.#around.trace.note('status', this.id, term, role.length, () =>
      [role, `term ${term}`, `leader ${String(leader)}`, leading ? 'leading' : ''].join(' '),
    );
  }

  /** The driver gave up: right after a failed sync, and wrong at any other time. */
  #failed(life: Life, error: unknown): void {
    const { watcher, scheduler } = this.#around;
    const isExpected = life.storage.hasFailed || life.machine.hasFailed;
    if (!isExpected) watcher.violated('invariant', `${this.id} stopped: ${String(error)}`);
    life.port.close();
    scheduler.after(EXIT_DELAY, () => {
      if (this.life !== life) return;
      const release = this.takeDown('kill');
      scheduler.after(this.#random.exponential(SUPERVISOR_DELAY_MEAN), release);
    });
  }

  /** Ends this life. A write under way is on disk or not; a power loss takes what was not synced of the machine. */
  crash(kind: CrashKind): void {
    const { life } = this;
    if (life === null) return;
    this.#note('stop', () => kind);
    for (const settle of [...life.storage.unsettled, ...life.machine.unsettled]) {
      if (this.#random.chance(0.5)) settle();
    }
    this.#checkDisks();
    life.scope.kill();
    life.port.close();
    this.life = null;
    this.syncs.forget();
    if (kind === 'powerLoss') this.machineDisk.losePower();
    this.#around.network.leave(this.id);
  }

  #note(kind: 'start' | 'stop' | 'persist' | 'durable', text: () => string): void {
    this.#around.trace.note(kind, this.id, this.disk.lastIndex, this.disk.hardState.term, text);
  }
}
