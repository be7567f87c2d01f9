/** One simulated cluster with its clients: everything that a seed determines, checked after every event. */
import {
  DEFAULT_LIMITS,
  RaftError,
  initialMembership,
  type CompactionOptions,
  type CoreLimits,
  type NodeId,
  type SnapshotEvent,
} from '@trireme/raft';
import { MapClient } from './cluster/client.js';
import { SimNetwork } from './cluster/network.js';
import { SimProcess, type RunSettings, type ProcessObserver } from './cluster/process.js';
import { History } from './checks/history.js';
import { SafetyChecker } from './checks/oracle.js';
import { QuorumChecker, isQuorum } from './checks/quorums.js';
import type { ReportViolation } from './checks/views.js';
import { Random } from './engine/random.js';
import { MS, SECOND, Scheduler, drainContinuations, type Micros } from './engine/scheduler.js';
import { Trace, type TraceSink } from './engine/trace.js';

/** A failed check. */
export interface CheckFailure {
  readonly check: string;
  readonly what: string;
  /** Virtual time at which the check failed. */
  readonly at: Micros;
}

const NODE_IDS: readonly NodeId[] = ['n1', 'n2', 'n3', 'n4', 'n5', 'n6', 'n7'];
const SPARES_MAX = 3;
const CLIENTS = 5;
/** The sender aborts a longer transfer; a receiver that was paused may still accept it. */
const SNAPSHOT_TIMEOUT: Micros = 3 * SECOND;
/** Number of reads at each deposed leader, and their mean delay after the election. */
const PROBES = 4;
const PROBE_DELAY_MEAN: Micros = 20 * MS;
/**
 * Maximum number of events of a run, which normally has some tens of thousands. More of them indicate an
 * endless loop.
 */
const EVENTS_MAX = 3_000_000;

/**
 * Events of logs and snapshots. `durable`: a snapshot has replaced the state machine, but the log is not reset
 * yet.
 */
export type SnapshotMoment = SnapshotEvent['type'] | 'durable';

type SnapshotListener = (process: SimProcess, moment: SnapshotMoment) => void;

export class ClusterSimulation {
  readonly scheduler = new Scheduler();
  readonly random: Random;
  readonly trace: Trace;
  readonly network: SimNetwork;
  readonly processes: readonly SimProcess[];
  /** Ids of all processes, members or not. */
  readonly ids: readonly NodeId[];
  readonly oracle: SafetyChecker;
  readonly quorums: QuorumChecker;
  readonly history = new History();
  readonly settings: RunSettings;
  violation: CheckFailure | null = null;
  /** Set when the liveness phase begins: from then on no fault is injected and no membership change is requested. */
  isLivenessPhase = false;
  readonly #clients: readonly MapClient[];
  readonly #electedListeners = new Set<(process: SimProcess) => void>();
  readonly #snapshotListeners = new Set<SnapshotListener>();
  /** Number of compactions and snapshots, by type of event. */
  readonly snapshots: Record<string, number> = {};
  /** Number of membership changes, by outcome. */
  readonly reconfigurations: Record<string, number> = {};
  /** The process that handled the current event: at most one, because processes share nothing. */
  #touched: SimProcess | null = null;

  readonly #awaitsEveryEvent: boolean;
  readonly #probes: Random;

  /** @param awaitsEveryEvent waits for continuations after every event, not only where there may be some. */
  constructor(seed: number, sink: TraceSink | null, awaitsEveryEvent: boolean) {
    this.#awaitsEveryEvent = awaitsEveryEvent;
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
      transferTimeout: SNAPSHOT_TIMEOUT,
    });
    const { network } = this;
    this.#probes = random.fork();
    const environment = { scheduler, network, random, trace, settings, watcher: this.#watcher() };
    this.ids = [...settings.members, ...settings.spares];
    this.processes = this.ids.map((id) => new SimProcess(id, environment));
    const disks = new Map(this.processes.map(({ id, disk }) => [id, disk]));
    const violated: ReportViolation = (check, what) => this.reportViolation(check, what);
    this.quorums = new QuorumChecker(violated, {
      initial: initialMembership(settings.members),
      ids: this.ids,
      diskOf: (id) => disks.get(id) ?? this.#noDisk(id),
    });
    this.oracle = new SafetyChecker(violated, this.quorums);
    const { history, processes } = this;
    this.#clients = Array.from({ length: CLIENTS }, (_, number) => {
      const thinkMean = random.pick([100, 300, 1000]) * MS;
      const context = { scheduler, random: random.fork(), trace, history, processes };
      const readShare = random.pick([0.3, 0.5]);
      const leaseShare = settings.leaseReads ? random.pick([0.5, 1]) : 0;
      return new MapClient({ id: `c${number + 1}`, thinkMean, readShare, leaseShare }, context);
    });
  }

  #noDisk(id: NodeId): never {
    throw new Error(`unknown process: ${id}`);
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

  /** Runs events until virtual time `until`, until `isProgressComplete` returns true, or until a check fails. */
  async run(until: Micros, isDone: () => boolean = () => false): Promise<void> {
    const { scheduler } = this;
    // `drainContinuations` must be called from within a continuation.
    await drainContinuations();
    await drainContinuations();
    while (this.violation === null && scheduler.step(until)) {
      if (scheduler.maySettlePromises || this.#awaitsEveryEvent || mayWake(this.#touched)) {
        scheduler.maySettlePromises = false;
        await drainContinuations();
      }
      const touched = this.#touched;
      this.#touched = null;
      if (touched !== null) this.#check(touched);
      if (isDone()) return;
      if (scheduler.executed > EVENTS_MAX)
        this.reportViolation('bounded work', `more than ${EVENTS_MAX} events`);
    }
  }

  /** Ends the operations that clients still wait for. */
  finish(): void {
    for (const client of this.#clients) client.finish();
  }

  /** Calls `listener` for every newly elected leader. The result removes the listener. */
  onElected(listener: (process: SimProcess) => void): () => void {
    this.#electedListeners.add(listener);
    return () => this.#electedListeners.delete(listener);
  }

  /** Whether the group has a quorum without these processes, in every configuration that any member may use. */
  hasQuorumWithout(lost: readonly SimProcess[]): boolean {
    const ids = new Set(lost.map(({ id }) => id));
    const applied = this.processes.map(({ machineDisk }) => machineDisk.written.applied);
    return this.quorums.inUse(applied).every((one) => isQuorum(one, (id) => !ids.has(id)));
  }

  /** Counts the outcome of a requested membership change. */
  countReconfiguration(outcome: string): void {
    this.reconfigurations[outcome] = (this.reconfigurations[outcome] ?? 0) + 1;
  }

  /** Calls `listener` for every compaction and snapshot. The result removes the listener. */
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

  /** Ends the run with a violation. The first one counts. */
  reportViolation(check: string, what: string): void {
    this.violation ??= { check, what, at: this.scheduler.now };
  }

  #check({ id, instance }: SimProcess): void {
    if (instance === null || instance.node === null) return;
    const { role, term, node } = instance;
    const leadsNow = (): number => {
      const now = node.status();
      return now.role === 'leader' ? now.term : 0;
    };
    try {
      this.oracle.check({ id, role, term, log: node.log, currentLeaderTerm: leadsNow });
    } catch (error) {
      // The log cannot be read.
      if (!(error instanceof RaftError)) throw error;
      this.reportViolation('invariant', `${id}: ${error.message}`);
    }
  }

  /**
   * Reads at every process that still believes it leads while a new leader starts, when stale reads are most
   * likely.
   */
  #probeDeposed(elected: SimProcess): void {
    for (const { instance } of this.processes) {
      if (instance === null || instance === elected.instance || instance.role !== 'leader') continue;
      for (let probe = 0; probe < PROBES; probe += 1) {
        const delay = this.#probes.exponential(PROBE_DELAY_MEAN);
        this.scheduler.after(delay, () =>
          instance.scope.enter(() => instance.port.read('k', this.settings.leaseReads, () => undefined)),
        );
      }
    }
  }

  #watcher(): ProcessObserver {
    return {
      onEnter: (process) => {
        this.#touched = process;
      },
      onElected: (process) => {
        for (const listener of this.#electedListeners) listener(process);
        this.#probeDeposed(process);
      },
      onSend: ({ id, disk }, { storage, node }, message) => {
        if (storage.hasFailed)
          this.reportViolation('no messages after a failed sync', `${id} sends ${message.type}`);
        if (node !== null) this.oracle.onSend(message, node.log, disk);
      },
      onStart: ({ id, disk }) => this.oracle.onRestart(id, disk),
      onApplied: ({ id }, entry, _outcome, hash) => this.oracle.onApplied(id, entry, hash),
      onInstalled: (process, base, hash) => {
        this.oracle.onSnapshotInstalled(process.id, base, hash);
        for (const listener of this.#snapshotListeners) listener(process, 'durable');
      },
      onMembership: ({ id, node }, inForce) => {
        if (node !== null) this.quorums.checkInForce(id, inForce, node.log.applied);
      },
      onSnapshotEvent: (process, event) => this.#snapshot(process, event),
      readFloor: () => this.oracle.committed,
      onReadGranted: ({ id }, index, floor) => this.oracle.onReadConfirmed(id, index, floor),
      reportViolation: (check, what) => this.reportViolation(check, what),
    };
  }
}

/** Whether the driver may settle a promise without an event. */
function mayWake(process: SimProcess | null): boolean {
  const instance = process?.instance ?? null;
  return instance !== null && (instance.port.mayWake || instance.machine.mayContinue);
}

/** Draws sizes and limits of a run. With small limits, appends are split and windows become full. */
function drawSettings(random: Random): RunSettings {
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

/** Draws small numbers, so that logs are compacted often and members that were down need a snapshot. */
function drawCompaction(random: Random): CompactionOptions {
  return {
    entriesMax: random.pick([3, 10, 40]),
    entriesKept: random.pick([0, 2, 10, 40]),
    laggingEntriesMax: random.pick([100, 1_000]),
    laggingBytesMax: 64 * 1024 * 1024,
    bytesMax: random.pick([500, 1_000_000]),
  };
}
