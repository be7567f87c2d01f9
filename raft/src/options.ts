/** What a node is made of, and what it makes of what is left out. */
import type { Clock } from './clock.js';
import type { CompactionOptions } from './compaction.js';
import { DEFAULT_LIMITS, type CoreConfig, type CoreLimits } from './core/config.js';
import type { RaftLog } from './core/log.js';
import { RECORD_HEADER_BYTES } from './core/entry.js';
import { RaftError } from './core/errors.js';
import { initialMembership } from './core/membership.js';
import type { CoreStatus, Membership, NodeId } from './core/types.js';
import type { StateMachine } from './machine.js';
import type { DiskEvent } from './disk-watch.js';
import type { SnapshotEvent } from './snapshots.js';
import type { LogStorage } from './storage/storage.js';
import type { Transport } from './transport/transport.js';

/** A member as its own status shows it, its state machine included. */
export interface NodeStatus extends CoreStatus {
  /** Leads, and has applied everything that earlier leaders committed: what it reads in its machine is complete. */
  readonly leading: boolean;
}

/** A member's log as it stands, in memory and on disk: to look at, not to change. */
export type LogView = Pick<
  RaftLog,
  'base' | 'lastIndex' | 'stableIndex' | 'commit' | 'applied' | 'term' | 'entries'
>;

/** What a node tells beside changes of its status and of the group's membership; none of it needs an answer. */
export type NodeEvent = SnapshotEvent | DiskEvent;

/** What a node is made of. */
export interface RaftNodeOptions {
  readonly id: NodeId;
  /**
   * The voters that the group begins with, this one included; of no account once the log names others. Empty for a
   * member that others let in: it waits for the leader that adds it.
   */
  readonly members: readonly NodeId[];
  /** Where these members are reached, for those that are let in later and learn of them from the log. */
  readonly addresses?: ReadonlyMap<NodeId, string>;
  readonly storage: LogStorage;
  readonly transport: Transport;
  readonly machine: StateMachine;
  /** Called when role, term, leader or `leading` has changed. */
  readonly onChange?: (status: NodeStatus) => void;
  /** Called once when the node cannot go on: a failed disk, damage, a broken invariant. The process should exit. */
  readonly onFatal: (error: unknown) => void;
  /** Called with the configuration in force, at the start and whenever another one is applied. */
  readonly onMembership?: (membership: Membership) => void;
  /** Milliseconds between ticks. */
  readonly tickMs?: number;
  /** See `CoreConfig`. */
  readonly electionTicks?: number;
  readonly heartbeatTicks?: number;
  readonly limits?: Partial<CoreLimits>;
  /** See `CompactionOptions`; of no effect where the machine has no snapshots. */
  readonly compaction?: Partial<CompactionOptions>;
  /** Called for every compaction and snapshot, and for a disk that takes long. */
  readonly onEvent?: (event: NodeEvent) => void;
  /**
   * Whether `read` may be served under a lease; off unless set, and then set on every member. It assumes that no
   * member's ticks come faster than `LEASE_DRIFT_MAX` allows, and costs the fast fail-over by a broken link: a leader
   * that is cut off from all others may serve until its lease runs out, so no one may be elected before.
   */
  readonly leaseReads?: boolean;
  readonly clock?: Clock;
  readonly random?: () => number;
}

/**
 * With ticks of 10 ms: heartbeats every 50 ms, and an election after 500 to 1000 ms of silence. A leader's crash is
 * noticed sooner, by its broken links; the timeout is for silence, and has to outlast a busy machine's pauses.
 */
export const TICK_MS = 10;
const HEARTBEAT_TICKS = 5;
const ELECTION_TICKS = 50;

/** A write that takes half the shortest election timeout, in milliseconds, is worth telling of. */
export function slowDiskMs({ tickMs = TICK_MS, electionTicks = ELECTION_TICKS }: RaftNodeOptions): number {
  return (tickMs * electionTicks) / 2;
}

/**
 * How much faster a voter's election timer may run than the leader's clock, for leases to be safe: by a third. Timers of
 * one machine fire up to a millisecond early in each tick of ten, and clocks of machines differ by far less than that.
 */
const LEASE_DRIFT_MAX = 1 / 3;

/** What an entry and a message may take on the wire beside records and data: lengths, ids, numbers. */
const ENTRY_WIRE_BYTES = 5;
const MESSAGE_WIRE_BYTES = 1_024;

/**
 * An entry that does not fit into a message would be sent and dropped for ever, and hold up all behind it.
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
      `the transport carries ${messageBytesMax}`,
  );
}

/** @throws RaftError `BAD_CONFIG` */
export function coreConfig(options: RaftNodeOptions, clock: Clock): CoreConfig {
  const { id, members, addresses, random = Math.random, leaseReads = false } = options;
  const { tickMs = TICK_MS, electionTicks = ELECTION_TICKS, heartbeatTicks = HEARTBEAT_TICKS } = options;
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  checkFits(limits, options.transport);
  // The first tick after a heartbeat may come at once.
  const durationMs = ((electionTicks - 1) * tickMs) / (1 + LEASE_DRIFT_MAX);
  return {
    id,
    initial: initialMembership(members, addresses),
    electionTicks,
    heartbeatTicks,
    random,
    limits,
    lease: leaseReads ? { now: () => clock.leaseNow(), durationMs } : null,
  };
}
