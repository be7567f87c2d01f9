/** One simulated system with its clients: everything that a seed decides, joined, and looked at after every event. */
import type { SeedStock } from '@trireme/domain';
import type { BookMeta, MemberClocks } from '@trireme/orders/simulation';
import { RaftError } from '@trireme/raft';
import {
  MS,
  SECOND,
  Random,
  Scheduler,
  SimNetwork,
  continuationsDone,
  decides,
  type Micros,
  type SeedViolation,
  type TraceSink,
} from '@trireme/raft/sim';
import { Checks } from './checks/checks.js';
import type { Ledger } from './checks/ledger.js';
import { Sightings } from './checks/sightings.js';
import { Client, type Shop } from './client.js';
import type { Platform, Surroundings } from './engine/globals.js';
import { Streams } from './engine/streams.js';
import { SystemTrace } from './engine/system-trace.js';
import { CatalogHost } from './hosts/catalog-host.js';
import { FrontendHost } from './hosts/frontend-host.js';
import type { Endpoint, Environment, Life } from './hosts/environment.js';
import type { Host } from './hosts/host.js';
import { ReplicaHost, type ReplicaSettings, type ReplicaWatcher } from './hosts/replica-host.js';

const MEMBERS = ['1', '2', '3'];
const SPARES = ['4', '5'];
const CATALOGS = ['catalog-1', 'catalog-2'];
/** Which operators add to the set. */
const SPARE_CATALOGS = ['catalog-3'];
const FRONTENDS = ['frontend-1', 'frontend-2', 'frontend-3'];
const CLIENTS = 6;
/** A transfer of a snapshot that takes longer is given up. */
const SNAPSHOT_PATIENCE: Micros = 3 * SECOND;
/** Events of a run at most: beyond it something goes round for ever. A run has some hundred thousand. */
const EVENTS_MAX = 5_000_000;
/** Orders that are read after an election, and how long after it. */
const PROBES = 8;
const PROBE_DELAY_MEAN: Micros = 60 * MS;
/** Clocks run apart by less than the margin that leases keep. */
const RATES = [0.94, 0.97, 1, 1.03, 1.06];
/** A stock that nobody listed at first. */
const UNLISTED = 'NEWCO';

export class World implements Surroundings, Environment, Shop {
  readonly scheduler = new Scheduler();
  readonly random: Random;
  readonly trace: SystemTrace;
  readonly network: SimNetwork;
  readonly streams: Streams;
  readonly settings: ReplicaSettings;
  readonly replicas: readonly ReplicaHost[];
  readonly catalogs: readonly CatalogHost[];
  readonly frontends: readonly FrontendHost[];
  readonly hosts: readonly Host[];
  readonly clients: readonly Client[];
  readonly checks: Checks;
  readonly sightings: Sightings;
  /** Stocks in a list that clients ask for. */
  readonly stocksLimit: number;
  violation: SeedViolation | null = null;
  /** From then on nothing is broken any more. */
  areFaultsOver = false;
  /** What happened, beside faults. */
  readonly happened: Record<string, number> = {};
  readonly hasCache: boolean;
  readonly #names: readonly string[];
  readonly #chance: Random;
  readonly #electedListeners = new Set<(replica: ReplicaHost) => void>();
  #current: Endpoint | null = null;
  #touched: Endpoint | null = null;
  #turns: { readonly host: Endpoint; readonly life: Life; readonly runs: (() => void)[] }[] = [];
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
      ...{ scheduler, random: random.fork(), trace: this.trace, isOrdered: random.chance(0.7) },
      ...{ echo: random.pick([0, 0, 0.02]), damage: random.pick([0, 0, 0.01]), patience: SNAPSHOT_PATIENCE },
    });
    this.streams = new Streams(this);
    const violated = (check: string, what: string): void => this.violate(check, what);
    const ids = [...MEMBERS, ...SPARES];
    const urls = new Map(ids.map((id) => [id, `http://replica-${id}:80`]));
    const around = { network: this.network, settings: this.settings, urls, watcher: this.#watcher() };
    this.replicas = ids.map((id) => new ReplicaHost(id, this, around));
    const seeds = MEMBERS.map((id) => ({ id, url: urls.get(id) ?? '' }));
    this.catalogs = [...CATALOGS, ...SPARE_CATALOGS].map(
      (name) => new CatalogHost(name, this, seeds, (catalog) => this.checks.catalogActed(catalog)),
    );
    const frontend = {
      cacheSize: random.pick([0, 2, 100, 100, 100]),
      deadlineMs: random.pick([1_000, 2_000]),
    };
    this.hasCache = frontend.cacheSize > 0;
    this.frontends = FRONTENDS.map((name) => new FrontendHost(name, this, seeds, frontend));
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
          if (replica === undefined) throw new Error(`there is no replica ${id}`);
          return replica;
        },
      },
      stocks,
    );
    this.sightings = new Sightings(violated, this.checks.ledger, () => scheduler.now);
    const thinkMean = random.pick([5, 20, 60]) * MS;
    const commandShare = random.pick([0.2, 0.4, 0.6]);
    this.clients = Array.from(
      { length: CLIENTS },
      (_, number) =>
        new Client(this, {
          name: `c${number + 1}`,
          thinkMean,
          commandShare,
          attemptMax: random.pick([60, 250, 3_000]) * MS,
        }),
    );
  }

  /** Starts every process and client, but for the spare replicas. */
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

  // ---- what processes see ---------------------------------------------------------------------------------------

  platform(): Platform {
    if (this.#current === null) throw new Error('time is asked for outside of any process');
    return this.#current;
  }

  chance(): number {
    return this.#chance.next();
  }

  /** What code of a process says when it is asked from outside. */
  within<Result>(host: Endpoint, ask: () => Result): Result {
    const before = this.#current;
    this.#current = host;
    try {
      return ask();
    } finally {
      this.#current = before;
    }
  }

  /** 16 hex digits that no call before has given. */
  newId(): string {
    this.#ids += 1;
    return this.#ids.toString(16).padStart(16, '0');
  }

  /** Something happens in a process. */
  entered(host: Endpoint): void {
    this.#current = host;
    this.#touched = host;
  }

  /** A turn of a process begins with what came in. */
  turn(host: Endpoint, life: Life, runs: (() => void)[]): void {
    this.#turns.push({ host, life, runs });
  }

  immediate(run: () => void): void {
    this.#immediates.push(run);
  }

  #watcher(): ReplicaWatcher {
    return {
      started: (replica) => this.checks.started(replica),
      elected: (replica) => this.#elected(replica),
      sent: (replica, node, message) => this.checks.sent(replica, node, message),
      applying: (replica, entry) => this.checks.applying(replica, entry),
      applied: (replica, book, decided) => this.checks.applied(replica, book, decided),
      installed: (replica, base, meta) => this.checks.installed(replica, base, meta),
      tellClocks: (replica, clocks) => this.#tellClocks(replica, clocks),
    };
  }

  #tellClocks(to: ReplicaHost, clocks: MemberClocks): void {
    for (const other of this.replicas) {
      if (other === to || !other.isUp || this.streams.isCut(other, to)) continue;
      clocks.heard(other.name, other.wallMs(), to.monotonicMs());
    }
  }

  // ---- the run --------------------------------------------------------------------------------------------------

  /** Has events happen up to `until`, or up to a violation. */
  async run(until: Micros, isDone: () => boolean = () => false): Promise<void> {
    const { scheduler } = this;
    // From within a continuation, as `continuationsDone` demands.
    await continuationsDone();
    await continuationsDone();
    while (this.violation === null && scheduler.step(until)) {
      if (this.#touched !== null || scheduler.mayHaveWoken) await this.#settle();
      if (isDone()) return;
      if (scheduler.executed > EVENTS_MAX) this.violate('bounded work', `more than ${EVENTS_MAX} events`);
    }
  }

  /** Does everything that the event has brought about, to the end of the turn of its process. */
  async #settle(): Promise<void> {
    const { scheduler } = this;
    scheduler.mayHaveWoken = false;
    await continuationsDone();
    for (const { host, life, runs } of this.#turns.splice(0)) {
      for (const run of runs) {
        if (life.scope.isDead) break;
        this.#current = host;
        this.#guard(host, run);
        await continuationsDone();
      }
    }
    while (this.#immediates.length > 0) {
      const host = this.#current;
      for (const run of this.#immediates.splice(0)) if (host !== null) this.#guard(host, run);
      await continuationsDone();
    }
    const touched = this.#touched;
    this.#touched = null;
    this.#current = null;
    if (touched instanceof ReplicaHost) this.#look(touched);
  }

  #guard(host: Endpoint, run: () => void): void {
    try {
      run();
    } catch (error) {
      this.violate(
        'uncaught error',
        `${host.name}: ${error instanceof Error ? String(error.stack) : String(error)}`,
      );
    }
  }

  #look(replica: ReplicaHost): void {
    try {
      this.checks.look(replica);
    } catch (error) {
      // A log that cannot even be looked at.
      if (!(error instanceof RaftError)) throw error;
      this.violate('invariant', `${replica.name}: ${error.message}`);
    }
  }

  /** Closes what clients still wait for. */
  finish(): void {
    for (const client of this.clients) client.finish();
  }

  /** Ends the run: the first violation counts. */
  violate(check: string, what: string): void {
    this.violation ??= { check, what, at: this.scheduler.now };
  }

  count(what: string): void {
    this.happened[what] = (this.happened[what] ?? 0) + 1;
  }

  /** Replicas whose disks are gone for good. */
  readonly wiped = new Set<ReplicaHost>();

  // ---- what clients and faults ask for --------------------------------------------------------------------------

  drawName(random: Random): string {
    return random.chance(0.04) ? UNLISTED : (this.#names[random.below(3)] ?? UNLISTED);
  }

  /** A client learned of a change of a stock: some of the others look it up, or read the order, at once. */
  nudge(name: string, order: number | null, by: Client): void {
    for (const client of this.clients)
      if (client !== by && this.random.chance(0.4)) client.nudge(name, order);
  }

  #elected(replica: ReplicaHost): void {
    this.count('leaders');
    for (let probe = 0; probe < PROBES; probe += 1) {
      const client = this.random.pick(this.clients);
      this.scheduler.after(this.random.exponential(PROBE_DELAY_MEAN), () => client.probe());
    }
    for (const listener of this.#electedListeners) listener(replica);
  }

  /** Has `listener` told of every replica that begins to lead, until the result is called. */
  onElected(listener: (replica: ReplicaHost) => void): () => void {
    this.#electedListeners.add(listener);
    return () => this.#electedListeners.delete(listener);
  }

  /** The book of the replica that has stored most. */
  get latestBook(): BookMeta {
    return this.replicas
      .map(({ bookDisk }) => bookDisk.tables.meta)
      .reduce((best, meta) => (meta.applied > best.applied ? meta : best));
  }

  get ledger(): Ledger {
    return this.checks.ledger;
  }

  /** Who believe that they lead. */
  get leaders(): readonly ReplicaHost[] {
    return this.replicas.filter(({ role }) => role === 'leader');
  }

  /** Whether the group can do without these, and all that are gone for good, by whichever configuration someone may go. */
  canLose(lost: readonly ReplicaHost[]): boolean {
    const names = new Set([...this.wiped, ...lost].map(({ name }) => name));
    const applied = this.replicas.map(({ bookDisk }) => bookDisk.tables.meta.applied);
    return this.checks.quorums.inUse(applied).every((one) => decides(one, (id) => !names.has(id)));
  }

  /** Impairs what `from` sends to `to`, whatever carries it. */
  impair(from: Host, to: Host, fault: { readonly cut?: boolean; readonly delay?: Micros }): () => void {
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

/** Sizes and limits of a run. Small figures, so that logs are compacted often and whoever was away needs a snapshot. */
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
