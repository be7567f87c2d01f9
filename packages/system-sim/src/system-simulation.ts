/** One simulated system with its clients: everything that a seed determines, checked after every event. */
import type { SeedStock } from '@trireme/domain';
import type { BookMeta, MemberClocks } from '@trireme/orders/simulation';
import { RaftError } from '@trireme/raft';
import {
  MS,
  SECOND,
  Random,
  Scheduler,
  SimNetwork,
  drainContinuations,
  isQuorum,
  type Micros,
  type CheckFailure,
  type TraceSink,
} from '@trireme/raft-sim';
import { Checks } from './checks/checks.js';
import type { DecisionRecord } from './checks/ledger.js';
import { ClientObservations } from './checks/client-observations.js';
import { StoreClient, type ClientContext } from './client.js';
import type { ProcessClocks, GlobalsSource } from './engine/globals.js';
import { StreamNetwork } from './engine/streams.js';
import { SystemTrace } from './engine/system-trace.js';
import { SimulatedCatalog } from './hosts/catalog-host.js';
import { SimulatedFrontend } from './hosts/frontend-host.js';
import type { LinkedProcess, SimulationContext, ProcessInstance } from './hosts/environment.js';
import type { SimulatedProcess } from './hosts/host.js';
import { SimulatedReplica, type ReplicaSettings, type ReplicaEvents } from './hosts/replica-host.js';

const MEMBERS = ['1', '2', '3'];
const SPARES = ['4', '5'];
const CATALOGS = ['catalog-1', 'catalog-2'];
/** Catalogs that operators may add to the set. */
const SPARE_CATALOGS = ['catalog-3'];
const FRONTENDS = ['frontend-1', 'frontend-2', 'frontend-3'];
const CLIENTS = 6;
/** The sender of a snapshot aborts a longer transfer. */
const SNAPSHOT_TIMEOUT: Micros = 3 * SECOND;
/** Maximum number of events of a run, which normally has some 100,000. More of them indicate an endless loop. */
const EVENTS_MAX = 5_000_000;
/** Number of order reads after an election, and their mean delay. */
const PROBES = 8;
const PROBE_DELAY_MEAN: Micros = 60 * MS;
/** Rates of the clocks, which differ by less than the margin of leases. */
const RATES = [0.94, 0.97, 1, 1.03, 1.06];
/** A stock that is not in the seed data. */
const UNLISTED = 'NEWCO';

export class SystemSimulation implements GlobalsSource, SimulationContext, ClientContext {
  readonly scheduler = new Scheduler();
  readonly random: Random;
  readonly trace: SystemTrace;
  readonly network: SimNetwork;
  readonly streams: StreamNetwork;
  readonly settings: ReplicaSettings;
  readonly replicas: readonly SimulatedReplica[];
  readonly catalogs: readonly SimulatedCatalog[];
  readonly frontends: readonly SimulatedFrontend[];
  readonly hosts: readonly SimulatedProcess[];
  readonly clients: readonly StoreClient[];
  readonly checks: Checks;
  readonly sightings: ClientObservations;
  /** Page size of the stock lists that clients request. */
  readonly stocksLimit: number;
  violation: CheckFailure | null = null;
  /** Set when the liveness phase begins: from then on no fault is injected. */
  isLivenessPhase = false;
  /** Number of events other than faults, by kind. */
  readonly processEvents: Record<string, number> = {};
  readonly hasCache: boolean;
  readonly #names: readonly string[];
  readonly #chance: Random;
  readonly #electedListeners = new Set<(replica: SimulatedReplica) => void>();
  #current: LinkedProcess | null = null;
  #touched: LinkedProcess | null = null;
  #turns: {
    readonly host: LinkedProcess;
    readonly instance: ProcessInstance;
    readonly runs: (() => void)[];
  }[] = [];
  #immediates: (() => void)[] = [];
  #ids = 0;

  constructor(seed: number, sink: TraceSink | null) {
    this.random = new Random(seed);
    const { random, scheduler } = this;
    this.trace = new SystemTrace(scheduler, sink);
    this.#chance = random.fork();
    const stocks = drawSeed(random);
    this.stocksLimit = Math.min(1_000, stocks.length + 5);
    this.#names = [...stocks.slice(0, 3).map(({ name }) => name), UNLISTED];
    this.settings = drawSettings(random, stocks);
    this.network = new SimNetwork({
      scheduler,
      random: random.fork(),
      trace: this.trace,
      isOrdered: random.chance(0.7),
      echo: random.pick([0, 0, 0.02]),
      damage: random.pick([0, 0, 0.01]),
      transferTimeout: SNAPSHOT_TIMEOUT,
    });
    this.streams = new StreamNetwork(this);
    const violated = (check: string, what: string): void => this.violate(check, what);
    const ids = [...MEMBERS, ...SPARES];
    const urls = new Map(ids.map((id) => [id, `http://replica-${id}:80`]));
    const context = { network: this.network, settings: this.settings, urls, events: this.#replicaEvents() };
    this.replicas = ids.map((id) => new SimulatedReplica(id, this, context));
    const seeds = MEMBERS.map((id) => ({ id, url: urls.get(id) ?? '' }));
    this.catalogs = [...CATALOGS, ...SPARE_CATALOGS].map(
      (name) => new SimulatedCatalog(name, this, seeds, (catalog) => this.checks.checkCatalog(catalog)),
    );
    const frontend = {
      cacheSize: random.pick([0, 2, 100, 100, 100]),
      deadlineMs: random.pick([1_000, 2_000]),
    };
    this.hasCache = frontend.cacheSize > 0;
    this.frontends = FRONTENDS.map((name) => new SimulatedFrontend(name, this, seeds, frontend));
    this.hosts = [...this.replicas, ...this.catalogs, ...this.frontends];
    for (const host of this.hosts) {
      this.streams.add(host);
      host.clock.setRate(random.pick(RATES));
    }
    const byId = new Map(this.replicas.map((replica) => [replica.name, replica]));
    this.checks = new Checks(
      violated,
      {
        members: MEMBERS,
        ids,
        replicaOf: (id) => {
          const replica = byId.get(id);
          if (replica === undefined) throw new Error(`unknown replica: ${id}`);
          return replica;
        },
      },
      stocks,
    );
    this.sightings = new ClientObservations(violated, this.checks.ledger, () => scheduler.now);
    const thinkMean = random.pick([5, 20, 60]) * MS;
    const commandShare = random.pick([0.2, 0.4, 0.6]);
    this.clients = Array.from(
      { length: CLIENTS },
      (_, number) =>
        new StoreClient(this, {
          name: `c${number + 1}`,
          thinkMean,
          commandShare,
          attemptMax: random.pick([60, 250, 3_000]) * MS,
        }),
    );
  }

  /** Starts all processes and clients, except for the spare replicas. */
  start(): void {
    this.trace.note('phase', '', 0, 0, () =>
      JSON.stringify({ ...this.settings, seed: this.settings.seed.length }),
    );
    for (const host of this.hosts) {
      if (SPARES.includes(host.name)) continue;
      this.scheduler.after(this.random.below(100 * MS), () => host.start());
    }
    for (const client of this.clients) client.start();
  }

  // ---- environment of the processes -----------------------------------------------------------------------------

  currentProcess(): ProcessClocks {
    if (this.#current === null) throw new Error('a clock or timer was used outside of a simulated process');
    return this.#current;
  }

  randomNumber(): number {
    return this.#chance.next();
  }

  /** Runs `ask` as code of a process. */
  runAs<Result>(host: LinkedProcess, ask: () => Result): Result {
    const before = this.#current;
    this.#current = host;
    try {
      return ask();
    } finally {
      this.#current = before;
    }
  }

  /** A unique id of 16 hex digits. */
  newId(): string {
    this.#ids += 1;
    return this.#ids.toString(16).padStart(16, '0');
  }

  /** A process handles an event. */
  onEvent(host: LinkedProcess): void {
    this.#current = host;
    this.#touched = host;
  }

  /** A turn of a process begins with the input that has arrived. */
  startTurn(host: LinkedProcess, instance: ProcessInstance, runs: (() => void)[]): void {
    this.#turns.push({ host, instance, runs });
  }

  immediate(run: () => void): void {
    this.#immediates.push(run);
  }

  #replicaEvents(): ReplicaEvents {
    return {
      onStart: (replica) => this.checks.onStart(replica),
      onElected: (replica) => this.#onElected(replica),
      onSend: (replica, node, message) => this.checks.onSend(replica, node, message),
      onApplying: (replica, entry) => this.checks.onApplying(replica, entry),
      onApplied: (replica, book, decided) => this.checks.onApplied(replica, book, decided),
      onInstalled: (replica, base, meta) => this.checks.onInstalled(replica, base, meta),
      onClocksDue: (replica, clocks) => this.#sendClocks(replica, clocks),
    };
  }

  #sendClocks(to: SimulatedReplica, clocks: MemberClocks): void {
    for (const other of this.replicas) {
      if (other === to || !other.isUp || this.streams.isCut(other, to)) continue;
      clocks.onClock(other.name, other.wallMs(), to.monotonicMs());
    }
  }

  // ---- the run --------------------------------------------------------------------------------------------------

  /** Runs events until virtual time `until`, until `isProgressComplete` returns true, or until a check fails. */
  async run(until: Micros, isDone: () => boolean = () => false): Promise<void> {
    const { scheduler } = this;
    // `drainContinuations` must be called from within a continuation.
    await drainContinuations();
    await drainContinuations();
    while (this.violation === null && scheduler.step(until)) {
      if (this.#touched !== null || scheduler.maySettlePromises) await this.#settle();
      if (isDone()) return;
      if (scheduler.executed > EVENTS_MAX) this.violate('bounded work', `more than ${EVENTS_MAX} events`);
    }
  }

  /** Runs everything that the event has caused, to the end of the turn of its process. */
  async #settle(): Promise<void> {
    const { scheduler } = this;
    scheduler.maySettlePromises = false;
    await drainContinuations();
    for (const { host, instance, runs } of this.#turns.splice(0)) {
      for (const run of runs) {
        if (instance.scope.isDead) break;
        this.#current = host;
        this.#guard(host, run);
        await drainContinuations();
      }
    }
    while (this.#immediates.length > 0) {
      const host = this.#current;
      for (const run of this.#immediates.splice(0)) if (host !== null) this.#guard(host, run);
      await drainContinuations();
    }
    const touched = this.#touched;
    this.#touched = null;
    this.#current = null;
    if (touched instanceof SimulatedReplica) this.#check(touched);
  }

  #guard(host: LinkedProcess, run: () => void): void {
    try {
      run();
    } catch (error) {
      this.violate(
        'uncaught error',
        `${host.name}: ${error instanceof Error ? String(error.stack) : String(error)}`,
      );
    }
  }

  #check(replica: SimulatedReplica): void {
    try {
      this.checks.checkReplica(replica);
    } catch (error) {
      // The log cannot be read.
      if (!(error instanceof RaftError)) throw error;
      this.violate('invariant', `${replica.name}: ${error.message}`);
    }
  }

  /** Ends the requests that clients still wait for. */
  finish(): void {
    for (const client of this.clients) client.finish();
  }

  /** Ends the run with a violation. The first one counts. */
  violate(check: string, what: string): void {
    this.violation ??= { check, what, at: this.scheduler.now };
  }

  count(what: string): void {
    this.processEvents[what] = (this.processEvents[what] ?? 0) + 1;
  }

  /** Replicas whose disks are lost. */
  readonly wiped = new Set<SimulatedReplica>();

  // ---- environment of clients and faults ------------------------------------------------------------------------

  drawName(random: Random): string {
    return random.chance(0.04) ? UNLISTED : (this.#names[random.below(3)] ?? UNLISTED);
  }

  /** A client saw a change of a stock: some other clients look it up, or read the order, at once. */
  notifyOthers(name: string, order: number | null, by: StoreClient): void {
    for (const client of this.clients)
      if (client !== by && this.random.chance(0.4)) client.onStockChanged(name, order);
  }

  #onElected(replica: SimulatedReplica): void {
    this.count('leaders');
    for (let probe = 0; probe < PROBES; probe += 1) {
      const client = this.random.pick(this.clients);
      this.scheduler.after(this.random.exponential(PROBE_DELAY_MEAN), () => client.onLeaderElected());
    }
    for (const listener of this.#electedListeners) listener(replica);
  }

  /** Calls `listener` for every newly elected leader. The result removes the listener. */
  onElected(listener: (replica: SimulatedReplica) => void): () => void {
    this.#electedListeners.add(listener);
    return () => this.#electedListeners.delete(listener);
  }

  /** Metadata of the most recent order book of any replica. */
  get latestBook(): BookMeta {
    return this.replicas
      .map(({ bookDisk }) => bookDisk.tables.meta)
      .reduce((best, meta) => (meta.applied > best.applied ? meta : best));
  }

  get ledger(): DecisionRecord {
    return this.checks.ledger;
  }

  /** The replicas that believe they lead. */
  get leaders(): readonly SimulatedReplica[] {
    return this.replicas.filter(({ role }) => role === 'leader');
  }

  /**
   * Whether the group has a quorum without these and all wiped replicas, in every configuration that any member
   * may use.
   */
  canLose(lost: readonly SimulatedReplica[]): boolean {
    const names = new Set([...this.wiped, ...lost].map(({ name }) => name));
    const applied = this.replicas.map(({ bookDisk }) => bookDisk.tables.meta.applied);
    return this.checks.quorums.inUse(applied).every((one) => isQuorum(one, (id) => !names.has(id)));
  }

  /** Impairs all links and Raft connections from `from` to `to`. The result ends the fault. */
  impair(
    from: SimulatedProcess,
    to: SimulatedProcess,
    fault: { readonly cut?: boolean; readonly delay?: Micros },
  ): () => void {
    const undos = [this.streams.impair(from, to, fault)];
    if (from.kind === 'replica' && to.kind === 'replica')
      undos.push(this.network.impair(from.name, to.name, fault));
    return () => {
      for (const undo of undos) undo();
    };
  }
}

function drawSeed(random: Random): readonly SeedStock[] {
  const count = random.chance(0.04) ? 1_010 : 4;
  return Array.from({ length: count }, (_, place) => ({
    name: `S${String(place).padStart(4, '0')}`,
    price: 100 * (1 + (place % 9)),
    quantity: random.pick([5, 30, 1_000]),
  }));
}

/**
 * Draws sizes and limits of a run: small, so that logs are compacted often and members that were down need a
 * snapshot.
 */
function drawSettings(random: Random, seed: readonly SeedStock[]): ReplicaSettings {
  return {
    members: MEMBERS,
    seed,
    catalogs: CATALOGS,
    tickMs: 10,
    electionTicks: random.pick([10, 20, 30]),
    heartbeatTicks: random.pick([2, 4]),
    compaction: {
      entriesMax: random.pick([20, 100, 1_000]),
      entriesKept: random.pick([0, 5, 50]),
      laggingEntriesMax: random.pick([100, 1_000]),
      laggingBytesMax: 64 * 1024 * 1024,
      bytesMax: random.pick([4_000, 1_000_000]),
    },
  };
}
