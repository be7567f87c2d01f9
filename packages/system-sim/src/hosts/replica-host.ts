/** A simulated replica: the real core, order book and Raft node, with simulated disk, network and links. */
import { LINK_PATHS, type SeedStock } from '@trireme/domain';
import {
  BookStateMachine,
  MemberAddresses,
  MemberClocks,
  ReplicaCore,
  type Book,
  type BookMeta,
  type DecidedBatch,
} from '@trireme/orders/simulation';
import {
  RaftNode,
  type CompactionOptions,
  type Entry,
  type LogBase,
  type Message,
  type Role,
  type StateMachine,
  type Term,
} from '@trireme/raft';
import {
  MS,
  SECOND,
  SimClock,
  SimDisk,
  SimStorage,
  DiskWrites,
  type Micros,
  type SimNetwork,
} from '@trireme/raft-sim';
import { BookDisk } from './book-disk.js';
import { SimBookSnapshots, SimBookStore } from './book-store.js';
import type { CrashKind, SimulationContext, ProcessInstance } from './environment.js';
import { SimulatedProcess } from './host.js';

/** Settings of all replicas of a run. */
export interface ReplicaSettings {
  /** The initial voters of the group. */
  readonly members: readonly string[];
  readonly seed: readonly SeedStock[];
  readonly catalogs: readonly string[];
  readonly tickMs: number;
  readonly electionTicks: number;
  readonly heartbeatTicks: number;
  readonly compaction: CompactionOptions;
}

/** What the replicas report to the simulation. */
export interface ReplicaEvents {
  /** The replica has opened its disks and runs. */
  onStart(replica: SimulatedReplica): void;
  /** The replica has become leader. */
  onElected(replica: SimulatedReplica): void;
  onSend(replica: SimulatedReplica, node: RaftNode, message: Message): void;
  /** The replica is about to apply an entry. */
  onApplying(replica: SimulatedReplica, entry: Entry): void;
  onApplied(replica: SimulatedReplica, book: Book, decided: readonly DecidedBatch[]): void;
  /** A snapshot has durably replaced the order book. */
  onInstalled(replica: SimulatedReplica, base: LogBase, meta: BookMeta): void;
  /** The replica is due to receive the wall clocks of the other replicas. */
  onClocksDue(replica: SimulatedReplica, clocks: MemberClocks): void;
}

interface ReplicaEnvironment {
  readonly events: ReplicaEvents;
  readonly network: SimNetwork;
  readonly settings: ReplicaSettings;
  /** URLs of all replicas, members or not. */
  readonly urls: ReadonlyMap<string, string>;
}

/** One process of the replica. */
interface ReplicaProcess {
  readonly instance: ProcessInstance;
  readonly storage: SimStorage;
  readonly core: ReplicaCore<SimBookStore>;
  readonly snapshots: SimBookSnapshots;
  node: RaftNode | null;
  role: Role;
  term: Term;
}

const WRITE_MEAN: Micros = 400;
const SUPERVISOR_DELAY_MEAN: Micros = 300 * MS;
/** Interval at which replicas exchange their wall clocks, in milliseconds. */
const CLOCK_EXCHANGE_MS = 500;

export class SimulatedReplica extends SimulatedProcess {
  readonly disk = new SimDisk();
  readonly bookDisk = new BookDisk();
  readonly syncs: DiskWrites;
  readonly #environment: ReplicaEnvironment;
  #process: ReplicaProcess | null = null;

  constructor(name: string, simulation: SimulationContext, environment: ReplicaEnvironment) {
    super(name, 'replica', simulation);
    this.#environment = environment;
    this.syncs = new DiskWrites({
      scheduler: simulation.scheduler,
      random: this.random,
      behaviour: this.disk.behaviour,
      note: (kind, text) => simulation.trace.note(kind, this.name, this.disk.lastIndex, 0, text),
      written: () => this.#checkDisks(),
    });
  }

  get node(): RaftNode | null {
    return this.#process?.node ?? null;
  }

  get core(): ReplicaCore | null {
    return this.#process?.core ?? null;
  }

  /** The role that the replica believes to have; null while it is down. */
  get role(): Role | null {
    return this.#process?.role ?? null;
  }

  get term(): Term {
    return this.#process?.term ?? 0;
  }

  /** Whether the replica leads and accepts orders. */
  get acceptsOrders(): boolean {
    return (this.#process?.core.session ?? null) !== null;
  }

  protected override boot(instance: ProcessInstance): void {
    const { simulation, random } = this;
    const { network, settings, urls, events } = this.#environment;
    const { members, seed, catalogs, ...raft } = settings;
    const later = (run: () => void): void =>
      instance.scope.after(random.exponential(WRITE_MEAN), () => run());
    const storage = new SimStorage(this.disk, this.syncs.schedule(instance.scope));
    const newStore = (): SimBookStore => new SimBookStore(this.bookDisk, later);
    const store = newStore();
    const memberClocks = new MemberClocks();
    const flags = new Map([...urls].map(([name, url]) => [name, { peerUrl: `${url}81`, url }]));
    const snapshots = new SimBookSnapshots({
      machine: () => core.machine,
      disk: this.bookDisk,
      schedule: this.syncs.schedule(instance.scope),
      newStore,
      installed: (base, meta) => events.onInstalled(this, base, meta),
    });
    const core: ReplicaCore<SimBookStore> = new ReplicaCore<SimBookStore>({
      id: this.name,
      createMachine: (machineEvents) =>
        new BookStateMachine(
          store.openBook(),
          store,
          {
            ...machineEvents,
            onApplied: (index, decided) => {
              events.onApplied(this, core.machine.book, decided);
              machineEvents.onApplied(index, decided);
            },
          },
          () => snapshots,
        ),
      lives: { belongsToOtherFolder: () => false, record: () => undefined },
      addresses: new MemberAddresses(flags),
      seed,
      catalogs,
      memberClocks,
      newLife: () => simulation.newId(),
      pacer: { waitForTurn: async () => Promise.resolve(), measure: (work) => work() },
      report: () => null,
      onStatusChange: () => undefined,
      proposer: (node) => node,
      log: this.log,
      fatal: (error) => this.#fatal(process, error),
      onStep: () => undefined,
    });
    const process: ReplicaProcess = {
      instance,
      storage,
      core,
      snapshots,
      node: null,
      role: 'follower',
      term: storage.hardState().term,
    };
    this.#process = process;
    simulation.streams.listen(instance, LINK_PATHS.frontendToReplica, core.frontendHandler);
    simulation.streams.listen(instance, LINK_PATHS.catalogToReplica, core.catalogHandler);
    RaftNode.start({
      ...raft,
      id: this.name,
      members: members.includes(this.name) ? members : [],
      addresses: new MemberAddresses(flags).founders(members),
      storage,
      transport: network.transport(this.name, instance.scope, (message) => {
        if (storage.hasFailed)
          simulation.violate('no messages after a failed sync', `${this.name} sends ${message.type}`);
        if (process.node !== null) events.onSend(this, process.node, message);
      }),
      stateMachine: this.#watchMachine(core.machine, snapshots),
      onChange: (status) => {
        const { role, term, leader, leading } = status;
        if (role === 'leader' && process.role !== 'leader') events.onElected(this);
        process.role = role;
        process.term = term;
        simulation.trace.note('status', this.name, term, role.length, () =>
          [role, `term ${term}`, `leader ${String(leader)}`, leading ? 'leading' : ''].join(' '),
        );
        core.onStatusChange(status);
      },
      onMembership: (membership) => {
        memberClocks.setVoters(membership.voters);
        core.onMembershipChange(membership);
      },
      onEvent: (event) => simulation.count(`raft: ${event.type}`),
      onFatal: (error) => this.#fatal(process, error),
      clock: new SimClock(instance.scope, this.clock.rate, random),
      random: random.next,
    }).then(
      (node) => {
        process.node = node;
        core.onNodeStarted(node);
        events.onStart(this);
      },
      (error: unknown) => this.#fatal(process, error),
    );
    this.timer(CLOCK_EXCHANGE_MS, () => events.onClocksDue(this, memberClocks), true);
  }

  /** Wraps the machine so that the checks see every entry. */
  #watchMachine(machine: BookStateMachine<SimBookStore>, snapshots: SimBookSnapshots): StateMachine {
    const { events } = this.#environment;
    return {
      get applied() {
        return machine.applied;
      },
      apply: async (entries: readonly Entry[]) => {
        for (const entry of entries) events.onApplying(this, entry);
        await machine.apply(entries);
      },
      snapshots,
    };
  }

  protected override die(kind: CrashKind): void {
    const process = this.#process;
    this.#process = null;
    if (process !== null) {
      for (const settle of [...process.storage.unsettled, ...process.snapshots.writes.unsettled])
        if (this.random.chance(0.5)) settle();
      process.core.machine.store.crash(() => this.random.chance(0.5));
      this.#checkDisks();
    }
    this.syncs.dropHanging();
    if (kind === 'powerLoss') this.bookDisk.losePower(this.random);
    this.#environment.network.onProcessDied(this.name);
  }

  #fatal(process: ReplicaProcess, error: unknown): void {
    if (this.#process !== process) return;
    const isExpected = process.storage.hasFailed || process.snapshots.writes.failure !== null;
    if (isExpected)
      this.exit(process.instance, this.random.exponential(SUPERVISOR_DELAY_MEAN) + SECOND / 100);
    else this.onInvariantViolated(error);
  }

  /** The log must not start after what the order book has durably stored. */
  #checkDisks(): void {
    const { index } = this.disk.base;
    const { durableIndex } = this.bookDisk;
    if (index <= durableIndex) return;
    const what = `the log of ${this.name} starts after ${index}, but its order book is durable only up to ${durableIndex}`;
    this.simulation.violate('no gap between state and log', what);
  }
}
