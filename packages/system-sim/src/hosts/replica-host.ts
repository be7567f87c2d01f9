/** A replica: its core and its book on a real Raft node, with simulated disk, network and links. */
import { LINK_PATHS, type SeedStock } from '@trireme/domain';
import {
  BookMachine,
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
  Syncs,
  type Micros,
  type SimNetwork,
} from '@trireme/raft/sim';
import { BookDisk } from './book-disk.js';
import { SimBookSnapshots, SimBookStore } from './book-store.js';
import type { CrashKind, Environment, Life } from './environment.js';
import { Host } from './host.js';

/** How all replicas of a run are set up. */
export interface ReplicaSettings {
  /** The voters that the group begins with. */
  readonly members: readonly string[];
  readonly seed: readonly SeedStock[];
  readonly catalogs: readonly string[];
  readonly tickMs: number;
  readonly electionTicks: number;
  readonly heartbeatTicks: number;
  readonly compaction: CompactionOptions;
}

/** Who looks at a replica. */
export interface ReplicaWatcher {
  /** It has opened its disks and runs. */
  started(replica: ReplicaHost): void;
  /** It begins to lead. */
  elected(replica: ReplicaHost): void;
  sent(replica: ReplicaHost, node: RaftNode, message: Message): void;
  /** It is about to apply an entry. */
  applying(replica: ReplicaHost, entry: Entry): void;
  applied(replica: ReplicaHost, book: Book, decided: readonly DecidedBatch[]): void;
  /** A snapshot has become its book, for good. */
  installed(replica: ReplicaHost, base: LogBase, meta: BookMeta): void;
  /** It is time to hear the wall clocks of the others. */
  tellClocks(replica: ReplicaHost, clocks: MemberClocks): void;
}

interface Surroundings {
  readonly watcher: ReplicaWatcher;
  readonly network: SimNetwork;
  readonly settings: ReplicaSettings;
  /** Of all replicas, members or not. */
  readonly urls: ReadonlyMap<string, string>;
}

/** One process of the replica. */
interface Process {
  readonly life: Life;
  readonly storage: SimStorage;
  readonly core: ReplicaCore;
  readonly machine: BookMachine<SimBookStore>;
  readonly snapshots: SimBookSnapshots;
  node: RaftNode | null;
  role: Role;
  term: Term;
}

const WRITE_MEAN: Micros = 400;
const SUPERVISOR_DELAY_MEAN: Micros = 300 * MS;
/** Between two times that members tell each other their wall clocks, in milliseconds. */
const CLOCKS_TOLD_MS = 500;

export class ReplicaHost extends Host {
  readonly disk = new SimDisk();
  readonly bookDisk = new BookDisk();
  readonly syncs: Syncs;
  readonly #around: Surroundings;
  #process: Process | null = null;

  constructor(name: string, world: Environment, around: Surroundings) {
    super(name, 'replica', world);
    this.#around = around;
    this.syncs = new Syncs({
      ...{ scheduler: world.scheduler, random: this.random, behaviour: this.disk.behaviour },
      note: (kind, text) => world.trace.note(kind, this.name, this.disk.lastIndex, 0, text),
      written: () => this.#checkDisks(),
    });
  }

  get node(): RaftNode | null {
    return this.#process?.node ?? null;
  }

  get core(): ReplicaCore | null {
    return this.#process?.core ?? null;
  }

  /** What it believes to be. */
  get role(): Role | null {
    return this.#process?.role ?? null;
  }

  get term(): Term {
    return this.#process?.term ?? 0;
  }

  /** Whether it leads and takes orders. */
  get isOpen(): boolean {
    return (this.#process?.core.session ?? null) !== null;
  }

  protected override boot(life: Life): void {
    const { world, random } = this;
    const { network, settings, urls, watcher } = this.#around;
    const { members, seed, catalogs, ...raft } = settings;
    const later = (run: () => void): void => life.scope.after(random.exponential(WRITE_MEAN), () => run());
    const storage = new SimStorage(this.disk, this.syncs.schedule(life.scope));
    const newStore = (): SimBookStore => new SimBookStore(this.bookDisk, later);
    const store = newStore();
    const memberClocks = new MemberClocks();
    const flags = new Map([...urls].map(([name, url]) => [name, { peerUrl: `${url}81`, url }]));
    const core = new ReplicaCore({
      ...{ id: this.name, addresses: new MemberAddresses(flags), seed, catalogs, memberClocks },
      newLife: () => world.newId(),
      pacer: { turn: async () => Promise.resolve(), measure: (work) => work() },
      report: () => null,
      changed: () => undefined,
      proposer: (node) => node,
      log: this.log,
      fatal: (error) => this.#fatal(process, error),
      onStep: () => undefined,
    });
    const made: { snapshots: SimBookSnapshots | null } = { snapshots: null };
    const machine = new BookMachine(
      store.openBook(),
      store,
      {
        ...core.machineEvents,
        applied: (index, decided) => {
          watcher.applied(this, machine.book, decided);
          core.machineEvents.applied(index, decided);
        },
      },
      (owner) => {
        made.snapshots = new SimBookSnapshots({
          machine: owner,
          disk: this.bookDisk,
          schedule: this.syncs.schedule(life.scope),
          newStore,
          installed: (base, meta) => watcher.installed(this, base, meta),
        });
        return made.snapshots;
      },
    );
    const { snapshots } = made;
    if (snapshots === null) throw new Error('a machine has made no snapshots');
    const process: Process = {
      ...{ life, storage, core, machine, snapshots },
      ...{ node: null, role: 'follower', term: storage.hardState().term },
    };
    this.#process = process;
    core.opened(machine, { isOfOther: () => false, note: () => undefined });
    world.streams.listen(life, LINK_PATHS.frontendToReplica, core.frontendHandler);
    world.streams.listen(life, LINK_PATHS.catalogToReplica, core.catalogHandler);
    RaftNode.start({
      ...raft,
      id: this.name,
      members: members.includes(this.name) ? members : [],
      addresses: new MemberAddresses(flags).founders(members),
      storage,
      transport: network.transport(this.name, life.scope, (message) => {
        if (storage.hasFailed)
          world.violate('silence after a failed sync', `${this.name} sends ${message.type}`);
        if (process.node !== null) watcher.sent(this, process.node, message);
      }),
      machine: this.#watched(machine),
      onChange: (status) => {
        const { role, term, leader, leading } = status;
        if (role === 'leader' && process.role !== 'leader') watcher.elected(this);
        process.role = role;
        process.term = term;
        world.trace.note('status', this.name, term, role.length, () =>
          [role, `term ${term}`, `leader ${String(leader)}`, leading ? 'leading' : ''].join(' '),
        );
        core.changed(status);
      },
      onMembership: (membership) => {
        memberClocks.regrouped(membership.voters);
        core.regrouped(membership);
      },
      onEvent: (event) => world.count(`raft: ${event.type}`),
      onFatal: (error) => this.#fatal(process, error),
      clock: new SimClock(life.scope, this.clock.rate, random),
      random: random.next,
    }).then(
      (node) => {
        process.node = node;
        core.started(node);
        watcher.started(this);
      },
      (error: unknown) => this.#fatal(process, error),
    );
    this.timer(CLOCKS_TOLD_MS, () => watcher.tellClocks(this, memberClocks), true);
  }

  /** The machine, with every entry told to the checks. */
  #watched(machine: BookMachine<SimBookStore>): StateMachine {
    const { watcher } = this.#around;
    return {
      get applied() {
        return machine.applied;
      },
      apply: async (entries: readonly Entry[]) => {
        for (const entry of entries) watcher.applying(this, entry);
        await machine.apply(entries);
      },
      ...(machine.snapshots === undefined ? {} : { snapshots: machine.snapshots }),
    };
  }

  protected override die(kind: CrashKind): void {
    const process = this.#process;
    this.#process = null;
    if (process !== null) {
      for (const settle of [...process.storage.unsettled, ...process.snapshots.writes.unsettled])
        if (this.random.chance(0.5)) settle();
      process.machine.store.crash(() => this.random.chance(0.5));
      this.#checkDisks();
    }
    this.syncs.forget();
    if (kind === 'powerLoss') this.bookDisk.losePower(this.random);
    this.#around.network.leave(this.name);
  }

  #fatal(process: Process, error: unknown): void {
    if (this.#process !== process) return;
    const isExpected = process.storage.hasFailed || process.snapshots.writes.failure !== null;
    if (isExpected) this.exit(process.life, this.random.exponential(SUPERVISOR_DELAY_MEAN) + SECOND / 100);
    else this.failed(error);
  }

  /** Whatever happens, the log must not begin behind what the book cannot lose. */
  #checkDisks(): void {
    const { index } = this.disk.base;
    const { syncedTo } = this.bookDisk;
    if (index <= syncedTo) return;
    const what = `the log of ${this.name} begins behind ${index}, its book is durable up to ${syncedTo}`;
    this.world.violate('no log without its book', what);
  }
}
