/** The options of a node, and their defaults. */
import type { Clock } from './clock.js';
import type { CompactionOptions } from './compaction.js';
import { DEFAULT_LIMITS, type CoreConfig, type CoreLimits } from './core/config.js';
import { RECORD_HEADER_BYTES } from './core/entry.js';
import { RaftError } from './core/errors.js';
import { initialMembership } from './core/membership.js';
import type { CoreStatus, Membership, NodeId } from './core/types.js';
import type { StateMachine } from './state-machine.js';
import type { DiskEvent } from './slow-write-detector.js';
import type { SnapshotEvent } from './snapshot-manager.js';
import type { LogStorage } from './storage/storage.js';
import type { Transport } from './transport/transport.js';

/** The status of a member, including its state machine. */
export interface NodeStatus extends CoreStatus {
  /**
   * Whether it leads and has applied everything that earlier leaders committed, so that its machine is
   * complete.
   */
  readonly leading: boolean;
}

/** Events of a node other than changes of its status and of the membership, for logs and metrics. */
export type NodeEvent = SnapshotEvent | DiskEvent;

/** The options of `RaftNode.start`. */
export interface RaftNodeOptions {
  /** This member. */
  readonly id: NodeId;
  /**
   * The initial voters of the group, including this one; ignored once the log has a configuration. Empty for
   * a member that is added later: it waits for the leader that adds it.
   */
  readonly members: readonly NodeId[];
  /** The addresses of these members; members that are added later learn them from the log. */
  readonly addresses?: ReadonlyMap<NodeId, string>;
  /** The opened log store; the node owns and closes it. */
  readonly storage: LogStorage;
  /** The transport, not started; the node starts and stops it. */
  readonly transport: Transport;
  /** The state machine; it must not be changed except by the node. */
  readonly stateMachine: StateMachine;
  /** Called when role, term, leader or `leading` has changed. */
  readonly onChange?: (status: NodeStatus) => void;
  /**
   * Called once when the node cannot continue: failed disk, damaged data, broken invariant. The process
   * should exit.
   */
  readonly onFatal: (error: unknown) => void;
  /** Called with the configuration in force, at the start and whenever a new one is applied. */
  readonly onMembership?: (membership: Membership) => void;
  /** Milliseconds between ticks; 10 unless set. */
  readonly tickMs?: number;
  /**
   * Ticks of the shortest election timeout, more than `heartbeatTicks`; 50 unless set. The actual timeout is random, up
   * to twice as long (Raft 5.2).
   */
  readonly electionTicks?: number;
  /** Ticks between heartbeats, at least 1; 5 unless set. */
  readonly heartbeatTicks?: number;
  /** Limits that differ from `DEFAULT_LIMITS`. */
  readonly limits?: Partial<CoreLimits>;
  /** See `CompactionOptions`; no effect if the machine does not support snapshots. */
  readonly compaction?: Partial<CompactionOptions>;
  /** Called for every compaction, snapshot and slow disk write. */
  readonly onEvent?: (event: NodeEvent) => void;
  /**
   * Whether `read` may be served under a lease; off unless set, and then it must be set on every member. It
   * assumes that no member's clock runs a third faster than another's. It disables the fast fail-over
   * after a broken link: a leader that is cut off may serve reads until its lease expires, so no other leader
   * may be elected before that.
   */
  readonly leaseReads?: boolean;
  /** The source of time; the clocks and timers of Node unless set. */
  readonly clock?: Clock;
  /** Uniform in [0, 1), for election timeouts; `Math.random` unless set. */
  readonly random?: () => number;
}

/**
 * With ticks of 10 ms: heartbeats every 50 ms, and an election after 500 to 1000 ms of silence. Broken links
 * reveal a crashed leader sooner; the timeout is for silent leaders, and must be longer than the pauses of a
 * busy machine.
 */
export const TICK_MS = 10;
const HEARTBEAT_TICKS = 5;
const ELECTION_TICKS = 50;

/** A write is reported as slow after half the shortest election timeout; in milliseconds. */
export function slowWriteMs({ tickMs = TICK_MS, electionTicks = ELECTION_TICKS }: RaftNodeOptions): number {
  return (tickMs * electionTicks) / 2;
}

/**
 * Leases are safe as long as no voter's election timer runs more than a third faster than the leader's clock.
 * Timers fire up to a millisecond early in each tick of 10 ms, and the clocks of two machines differ by much
 * less.
 */
const LEASE_DRIFT_MAX = 1 / 3;

/** Overhead of an entry and of a message on the wire, besides records and data: lengths, ids, numbers. */
const ENTRY_WIRE_BYTES = 5;
const MESSAGE_WIRE_BYTES = 1_024;

/**
 * An entry that does not fit into a message would be sent and dropped for ever, and block all entries after
 * it.
 * @throws RaftError `BAD_CONFIG`
 */
function checkFits({ proposalBytesMax, appendBytesMax }: CoreLimits, { messageBytesMax }: Transport): void {
  if (messageBytesMax === undefined) return;
  const entriesMax = Math.ceil(appendBytesMax / RECORD_HEADER_BYTES);
  const appendMax = appendBytesMax + entriesMax * ENTRY_WIRE_BYTES;
  const needed = Math.max(appendMax, proposalBytesMax + RECORD_HEADER_BYTES) + MESSAGE_WIRE_BYTES;
  if (needed <= messageBytesMax) return;
  throw new RaftError(
    'BAD_CONFIG',
    `proposalBytesMax ${proposalBytesMax} and appendBytesMax ${appendBytesMax} need messages of ${needed} bytes, ` +
      `but the transport carries at most ${messageBytesMax}: lower these limits or raise that of the transport`,
  );
}

/** @throws RaftError `BAD_CONFIG` */
export function makeCoreConfig(options: RaftNodeOptions, clock: Clock): CoreConfig {
  const { id, members, addresses, random = Math.random, leaseReads = false } = options;
  const { tickMs = TICK_MS, electionTicks = ELECTION_TICKS, heartbeatTicks = HEARTBEAT_TICKS } = options;
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  checkFits(limits, options.transport);
  // The first tick may come immediately after a heartbeat.
  const durationMs = ((electionTicks - 1) * tickMs) / (1 + LEASE_DRIFT_MAX);
  return {
    id,
    initialMembership: initialMembership(members, addresses),
    electionTicks,
    heartbeatTicks,
    random,
    limits,
    lease: leaseReads ? { now: () => clock.leaseNow(), durationMs } : null,
  };
}
