/** What a core is made of, and the bounds of each value. */
import { RECORD_HEADER_BYTES } from './entry.js';
import { RaftError } from './errors.js';
import type { LeaseConfig } from './lease.js';
import { membersOf, type Membership } from './membership.js';
import type { LogIndex, HardState, LogReader, NodeId } from './types.js';

/** The bounds of a core's queues and messages; each a whole number from 1. */
export interface CoreLimits {
  /**
   * Bytes of one proposal at most; a longer one is refused with `TOO_LARGE`. It has to fit into one message of the
   * transport, and holds up the heartbeats behind it for as long as the link takes to carry it.
   */
  readonly proposalBytesMax: number;
  /**
   * Record bytes in one append at most; one larger entry still travels, alone. At most what `APPEND_ENTRIES_MAX` empty
   * entries come to.
   */
  readonly appendBytesMax: number;
  /** Appends in flight to one follower at most; further entries wait. */
  readonly inflightMessagesMax: number;
  /** Record bytes in flight to one follower at most; further entries wait. */
  readonly inflightBytesMax: number;
  /**
   * Record bytes proposed and not yet both committed and on the leader's own disk, at most; at the bound proposals are
   * refused with `OVERLOADED`. One larger proposal is still taken when nothing else waits.
   */
  readonly uncommittedBytesMax: number;
  /** Record bytes handed out to be applied at once at most; one larger entry is still handed out, alone. */
  readonly applyBytesMax: number;
  /** Reads waiting for a confirmation, or for an answer of the leader, at most; at the bound they are refused with `OVERLOADED`. */
  readonly readsMax: number;
}

/** What a core goes by; fixed while it lives. */
export interface CoreConfig {
  readonly id: NodeId;
  /** The configuration that is in force while the log names none; `NO_MEMBERS` for who waits to be let in. */
  readonly initial: Membership;
  /**
   * Ticks without a leader before a pre-vote; each time drawn anew from [electionTicks, 2 * electionTicks) (Raft 5.2).
   * Also how long a leader goes without a majority before it steps down, and how long a write may take before its disk
   * counts as hanging. More than `heartbeatTicks`.
   */
  readonly electionTicks: number;
  /** Ticks between two heartbeats, at least 1. */
  readonly heartbeatTicks: number;
  /** Uniform in [0, 1): the core has no randomness of its own. */
  readonly random: () => number;
  readonly limits: CoreLimits;
  /** What leases need; null where no lease is asked for. */
  readonly lease: LeaseConfig | null;
}

/** What the disk holds when a core starts. */
export interface CoreStart {
  readonly hardState: HardState;
  readonly reader: LogReader;
  /** The state machine's applied index; everything up to it is committed. */
  readonly applied: LogIndex;
}

const MIB = 1024 * 1024;

/** Entries in one append at most: more are refused by who receives them. */
export const APPEND_ENTRIES_MAX = 65_536;

/**
 * A proposal of 8 MiB takes 67 ms on a link of 1 Gbit/s, well below the shortest election timeout of the driver's
 * defaults, and is a quarter of what its HTTP transport puts into one frame.
 */
export const DEFAULT_LIMITS: CoreLimits = {
  proposalBytesMax: 8 * MIB,
  appendBytesMax: MIB,
  inflightMessagesMax: 256,
  inflightBytesMax: 16 * MIB,
  uncommittedBytesMax: 64 * MIB,
  applyBytesMax: MIB,
  readsMax: 100_000,
};

/** @throws RaftError `BAD_CONFIG` naming the value. */
export function checkConfig(config: CoreConfig): void {
  const { id, initial, electionTicks, heartbeatTicks, limits } = config;
  const others = membersOf(initial);
  if (others.length > 0 && !others.includes(id)) {
    throw new RaftError('BAD_CONFIG', `member ${id} is not among the members`);
  }
  if (!Number.isSafeInteger(heartbeatTicks) || heartbeatTicks < 1) {
    throw new RaftError('BAD_CONFIG', `heartbeatTicks ${heartbeatTicks} is not a whole number from 1`);
  }
  if (!Number.isSafeInteger(electionTicks) || electionTicks <= heartbeatTicks) {
    throw new RaftError('BAD_CONFIG', `electionTicks ${electionTicks} is not above heartbeatTicks`);
  }
  for (const [name, value] of Object.entries(limits) as [string, number][]) {
    if (!Number.isSafeInteger(value) || value < 1) {
      throw new RaftError('BAD_CONFIG', `limit ${name} ${value} is not a whole number from 1`);
    }
  }
  const appendBytesMax = APPEND_ENTRIES_MAX * RECORD_HEADER_BYTES;
  if (limits.appendBytesMax > appendBytesMax) {
    throw new RaftError(
      'BAD_CONFIG',
      `limit appendBytesMax ${limits.appendBytesMax} is above ${appendBytesMax}`,
    );
  }
}
