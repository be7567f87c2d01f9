/** One simulated cluster with its clients: everything that a seed decides, joined, and looked at after every event. */
import type { CompactionOptions } from '#raft/compaction.js';
import { DEFAULT_LIMITS, type CoreLimits } from '#raft/core/config.js';
import { RaftError } from '#raft/core/errors.js';
import { initialMembership } from '#raft/core/membership.js';
import type { NodeId } from '#raft/core/types.js';
import type { SnapshotEvent } from '#raft/snapshots.js';
import { Client } from './cluster/client.js';
import { SimNetwork } from './cluster/network.js';
import { SimProcess, type NodeSettings, type Watcher } from './cluster/process.js';
import { History } from './checks/history.js';
import { Oracle } from './checks/oracle.js';
import { Quorums, decides } from './checks/quorums.js';
import type { Violated } from './checks/views.js';
import { Random } from './engine/random.js';
import { MS, SECOND, Scheduler, continuationsDone, type Micros } from './engine/scheduler.js';
import { Trace, type TraceSink } from './engine/trace.js';

/** A check that found something. */
export interface Violation {
  readonly check: string;
  readonly what: string;
  /** Virtual time at which it was found. */
  readonly at: Micros;
}

const NODE_IDS: readonly NodeId[] = ['n1', 'n2', 'n3', 'n4', 'n5', 'n6', 'n7'];
const SPARES_MAX = 3;
const CLIENTS = 5;
/** A transfer that takes longer is given up; a receiver that was paused may take it all the same. */
const SNAPSHOT_PATIENCE: Micros = 3 * SECOND;
/** Reads at each deposed leader, and how long after the election they come. */
const PROBES = 4;
const PROBE_DELAY_MEAN: Micros = 20 * MS;
/** Events of a run at most: beyond it something goes round for ever. A run has some tens of thousands. */
const EVENTS_MAX = 3_000_000;

/** What happens to logs and snapshots; `durable`: one has become the machine, and the log does not know yet. */
export type SnapshotMoment = SnapshotEvent['type'] | 'durable';

type SnapshotListener = (process: SimProcess, moment: SnapshotMoment) => void;

export class World {
  readonly scheduler = new Scheduler();
  readonly random: Random;
  readonly trace: Trace;
  readonly network: SimNetwork;
  readonly processes: readonly SimProcess[];
  /** Of all processes, whether they are members or not. */
  readonly ids: readonly NodeId[];
  readonly oracle: Oracle;
  readonly quorums: Quorums;
  readonly history = new History();
  readonly settings: NodeSettings;
  violation: Violation | null = null;
  /** From then on nothing is broken any more, nor changed by an operator who does not know who stays broken. */
  areFaultsOver = false;
  readonly #clients: readonly Client[];
  readonly #electedListeners = new Set<(process: SimProcess) => void>();
  readonly #snapshotListeners = new Set<SnapshotListener>();
  /** What became of logs and snapshots, by type of event. */
  readonly snapshots: Record<string, number> = {};
  /** What became of membership changes, by code. */
  readonly reconfigurations: Record<string, number> = {};
  /** The process that the event happened to: at most one, as they share nothing. */
  #touched: SimProcess | null = null;

  readonly #isPatient: boolean;
  readonly #probes: Random;

  /** @param isPatient waits for continuations after every event, not only where there may be some. */
  constructor(seed: number, sink: TraceSink | null, isPatient: boolean) {
    this.#isPatient = isPatient;
    this.random = new Random(seed);
    this.trace = new Trace(this.scheduler, sink);
    this.settings = drawSettings(this.random);
    const { scheduler, random, trace, settings } = this;
    const isOrdered = random.chance(0.5);
    const echo = random.pick([0, 0, 0.05, 0.2]);
    const damage = random.pick([0, 0.01, 0.05]);
    this.network = new SimNetwork({
      scheduler,
      random: random.fork(),
      trace,
      isOrdered,
      echo,
      damage,
      patience: SNAPSHOT_PATIENCE,
    });
    const { network } = this;
    this.#probes = random.fork();
    const around = { scheduler, network, random, trace, settings, watcher: this.#watcher() };
    this.ids = [...settings.members, ...settings.spares];
    this.processes = this.ids.map((id) => new SimProcess(id, around));
    const disks = new Map(this.processes.map(({ id, disk }) => [id, disk]));
    const violated: Violated = (check, what) => this.violate(check, what);
    this.quorums = new Quorums(violated, {
      initial: initialMembership(settings.members),
      ids: this.ids,
      diskOf: (id) => disks.get(id) ?? this.#noDisk(id),
    });
    this.oracle = new Oracle(violated, this.quorums);
    const { history, processes } = this;
    this.#clients = Array.from({ length: CLIENTS }, (_, number) => {
      const thinkMean = random.pick([100, 300, 1000]) * MS;
      const context = { scheduler, random: random.fork(), trace, history, processes };
      const readShare = random.pick([0.3, 0.5]);
      const leaseShare = settings.leaseReads ? random.pick([0.5, 1]) : 0;
      return new Client({ id: `c${number + 1}`, thinkMean, readShare, leaseShare }, context);
    });
  }

  #noDisk(id: NodeId): never {
    throw new Error(`there is no process ${id}`);
  }

  /** Starts every process and client. */
  start(): void {
    const { members, spares, tickMs, electionTicks, limits, leaseReads } = this.settings;
    this.trace.note('phase', '', members.length, electionTicks, () =>
      [
        `${members.length} members, ${spares.length} spares, ticks of ${tickMs} ms, election after ${electionTicks}${leaseReads ? ', leases' : ''}`,
        JSON.stringify(limits),
      ].join(', '),
    );
    for (const process of this.processes) {
      this.scheduler.after(this.random.below(100 * MS), () => process.start());
    }
    for (const client of this.#clients) client.start();
  }

  /** Has events happen up to `until`, or up to a violation. */
  async run(until: Micros, isDone: () => boolean = () => false): Promise<void> {
    const { scheduler } = this;
    // From within a continuation, as `continuationsDone` demands.
    await continuationsDone();
    await continuationsDone();
    while (this.violation === null && scheduler.step(until)) {
      if (scheduler.mayHaveWoken || this.#isPatient || mayWake(this.#touched)) {
        scheduler.mayHaveWoken = false;
        await continuationsDone();
      }
      const touched = this.#touched;
      this.#touched = null;
      if (touched !== null) this.#look(touched);
      if (isDone()) return;
      if (scheduler.executed > EVENTS_MAX) this.violate('bounded work', `more than ${EVENTS_MAX} events`);
    }
  }

  /** Closes what the clients still wait for. */
  finish(): void {
    for (const client of this.#clients) client.finish();
  }

  /** Has `listener` told of every member that begins to lead, until the result is called. */
  onElected(listener: (process: SimProcess) => void): () => void {
    this.#electedListeners.add(listener);
    return () => this.#electedListeners.delete(listener);
  }

  /** Whether the group can do without these, by whichever configuration someone may go. */
  canLose(lost: readonly SimProcess[]): boolean {
    const ids = new Set(lost.map(({ id }) => id));
    const applied = this.processes.map(({ machineDisk }) => machineDisk.written.applied);
    return this.quorums.inUse(applied).every((one) => decides(one, (id) => !ids.has(id)));
  }

  /** A membership change that was asked for ended so. */
  reconfigured(outcome: string): void {
    this.reconfigurations[outcome] = (this.reconfigurations[outcome] ?? 0) + 1;
  }

  /** Has `listener` told of every compaction and snapshot, until the result is called. */
  onSnapshot(listener: SnapshotListener): () => void {
    this.#snapshotListeners.add(listener);
    return () => this.#snapshotListeners.delete(listener);
  }

  #snapshot(process: SimProcess, event: SnapshotEvent): void {
    const { type, base } = event;
    this.snapshots[type] = (this.snapshots[type] ?? 0) + 1;
    this.trace.note('snapshot', process.id, base.index, type.length, () => `${type} as of ${base.index}`);
    for (const listener of this.#snapshotListeners) listener(process, type);
  }

  /** Ends the run: the first violation counts. */
  violate(check: string, what: string): void {
    this.violation ??= { check, what, at: this.scheduler.now };
  }

  #look({ id, life }: SimProcess): void {
    if (life === null || life.node === null) return;
    const { role, term, node } = life;
    const leadsNow = (): number => {
      const now = node.status();
      return now.role === 'leader' ? now.term : 0;
    };
    try {
      this.oracle.look({ id, role, term, log: node.log, leadsNow });
    } catch (error) {
      // A log that cannot even be looked at.
      if (!(error instanceof RaftError)) throw error;
      this.violate('invariant', `${id}: ${error.message}`);
    }
  }

  /** Whoever still takes itself for the leader is read from while the new one begins: that is when it may be wrong. */
  #probeDeposed(elected: SimProcess): void {
    for (const { life } of this.processes) {
      if (life === null || life === elected.life || life.role !== 'leader') continue;
      for (let probe = 0; probe < PROBES; probe += 1) {
        const delay = this.#probes.exponential(PROBE_DELAY_MEAN);
        this.scheduler.after(delay, () =>
          life.scope.enter(() => life.port.read('k', this.settings.leaseReads, () => undefined)),
        );
      }
    }
  }

  #watcher(): Watcher {
    return {
      entered: (process) => {
        this.#touched = process;
      },
      elected: (process) => {
        for (const listener of this.#electedListeners) listener(process);
        this.#probeDeposed(process);
      },
      sent: ({ id, disk }, { storage, node }, message) => {
        if (storage.hasFailed) this.violate('silence after a failed sync', `${id} sends ${message.type}`);
        if (node !== null) this.oracle.sent(message, node.log, disk);
      },
      started: ({ id, disk }) => this.oracle.restarted(id, disk),
      applied: ({ id }, entry, _outcome, hash) => this.oracle.applied(id, entry, hash),
      installed: (process, base, hash) => {
        this.oracle.installed(process.id, base, hash);
        for (const listener of this.#snapshotListeners) listener(process, 'durable');
      },
      membership: ({ id, node }, inForce) => {
        if (node !== null) this.quorums.checkInForce(id, inForce, node.log.applied);
      },
      snapshot: (process, event) => this.#snapshot(process, event),
      readFloor: () => this.oracle.committed,
      readGranted: ({ id }, index, floor) => this.oracle.readGranted(id, index, floor),
      violated: (check, what) => this.violate(check, what),
    };
  }
}

/** Whether the driver may settle a promise of its own accord. */
function mayWake(process: SimProcess | null): boolean {
  const life = process?.life ?? null;
  return life !== null && (life.port.mayWake || life.machine.mayWake);
}

/** Sizes and limits of a run: small limits make appends that are cut and windows that fill. */
function drawSettings(random: Random): NodeSettings {
  const limits: CoreLimits = {
    ...DEFAULT_LIMITS,
    appendBytesMax: random.pick([20, 60, 200, 1_000, 1_000_000]),
    inflightMessagesMax: random.pick([1, 2, 8, 256]),
    applyBytesMax: random.pick([60, 1_000, 1_000_000]),
    uncommittedBytesMax: random.pick([500, 1_000_000]),
  };
  const size = random.pick([3, 5]);
  const spares = random.chance(0.5) ? NODE_IDS.length - size : 0;
  return {
    members: NODE_IDS.slice(0, size),
    spares: NODE_IDS.slice(size, size + Math.min(spares, SPARES_MAX)),
    tickMs: random.pick([25, 50]),
    electionTicks: random.pick([8, 15]),
    heartbeatTicks: random.pick([1, 3]),
    limits,
    leaseReads: random.chance(0.4),
    compaction: random.chance(0.7) ? drawCompaction(random) : null,
  };
}

/** Small figures, so that logs are compacted often and whoever was away needs a snapshot. */
function drawCompaction(random: Random): CompactionOptions {
  return {
    entriesMax: random.pick([3, 10, 40]),
    entriesKept: random.pick([0, 2, 10, 40]),
    laggingEntriesMax: random.pick([100, 1_000]),
    laggingBytesMax: 64 * 1024 * 1024,
    bytesMax: random.pick([500, 1_000_000]),
  };
}
