/** The configuration of a core, with the bounds of each value. */
import { RECORD_HEADER_BYTES } from './entry.js';
import { RaftError } from './errors.js';
import type { LeaseConfig } from './lease.js';
import { membersOf, type Membership } from './membership.js';
import type { LogIndex, HardState, LogReader, NodeId } from './types.js';

/** The limits of a core's queues and messages; each an integer of at least 1. */
export interface CoreLimits {
  /**
   * Maximum bytes of one proposal; the core refuses a longer one with `TOO_LARGE`. A proposal must fit into one
   * message of the transport, and it delays the heartbeats after it by the time that the link needs for it.
   */
  readonly proposalBytesMax: number;
  /**
   * Maximum record bytes of one append; a larger entry is sent alone. At most the record bytes of
   * `APPEND_ENTRIES_MAX` empty entries.
   */
  readonly appendBytesMax: number;
  /** Maximum appends in flight to one follower; further entries wait. */
  readonly inflightMessagesMax: number;
  /** Maximum record bytes in flight to one follower; further entries wait. */
  readonly inflightBytesMax: number;
  /**
   * Maximum record bytes of proposals that are not yet both committed and on the leader's own disk. At the limit the
   * core refuses proposals with `OVERLOADED`, but accepts a larger proposal if no other is waiting.
   */
  readonly uncommittedBytesMax: number;
  /** Maximum record bytes of the entries handed out to be applied at once; a larger entry is handed out alone. */
  readonly applyBytesMax: number;
  /** Maximum reads that wait for a confirmed round or for the leader; beyond it `read` throws `OVERLOADED`. */
  readonly readsMax: number;
}

/** The configuration of a core; constant for its lifetime. */
export interface CoreConfig {
  /** This member. */
  readonly id: NodeId;
  /** The membership in force while the log contains none; `EMPTY_MEMBERSHIP` for a member that a group will add later. */
  readonly initialMembership: Membership;
  /**
   * Ticks without a leader before a pre-vote: each time a random number in [electionTicks, 2 * electionTicks)
   * (Raft 5.2). Also the ticks without a majority after which a leader steps down, and the ticks after which an
   * unfinished write counts as a hung disk. Greater than `heartbeatTicks`.
   */
  readonly electionTicks: number;
  /** Ticks between heartbeats, at least 1. */
  readonly heartbeatTicks: number;
  /** Uniform in [0, 1). The core's only source of randomness. */
  readonly random: () => number;
  /** See `DEFAULT_LIMITS`. */
  readonly limits: CoreLimits;
  /** The configuration of lease reads; null without them. */
  readonly lease: LeaseConfig | null;
}

/** The durable state with which a core starts. */
export interface DurableState {
  /** Term and vote on disk. */
  readonly hardState: HardState;
  /** The log on disk; the core keeps it and reads from it later. */
  readonly reader: LogReader;
  /** The applied index of the state machine; entries up to it are committed. */
  readonly applied: LogIndex;
}

const MIB = 1024 * 1024;

/** Maximum entries in one append; receivers refuse more. */
export const APPEND_ENTRIES_MAX = 65_536;

/**
 * A proposal of 8 MiB takes 67 ms on a link of 1 Gbit/s, well below the driver's default election timeout. It is a
 * quarter of the maximum frame of its HTTP transport.
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

/** @throws RaftError `BAD_CONFIG`, naming the invalid value. */
export function checkConfig(config: CoreConfig): void {
  const { id, initialMembership, electionTicks, heartbeatTicks, limits } = config;
  const members = membersOf(initialMembership);
  if (members.length > 0 && !members.includes(id)) {
    throw new RaftError('BAD_CONFIG', `member ${id} is not in the initial membership: ${members.join(', ')}`);
  }
  if (!Number.isSafeInteger(heartbeatTicks) || heartbeatTicks < 1) {
    throw new RaftError('BAD_CONFIG', `heartbeatTicks must be an integer of at least 1: ${heartbeatTicks}`);
  }
  if (!Number.isSafeInteger(electionTicks) || electionTicks <= heartbeatTicks) {
    throw new RaftError(
      'BAD_CONFIG',
      `electionTicks must be an integer greater than heartbeatTicks (${heartbeatTicks}): ${electionTicks}`,
    );
  }
  for (const [name, value] of Object.entries(limits) as [string, number][]) {
    if (!Number.isSafeInteger(value) || value < 1) {
      throw new RaftError('BAD_CONFIG', `limit ${name} must be an integer of at least 1: ${value}`);
    }
  }
  const appendBytesMax = APPEND_ENTRIES_MAX * RECORD_HEADER_BYTES;
  if (limits.appendBytesMax > appendBytesMax) {
    throw new RaftError(
      'BAD_CONFIG',
      `limit appendBytesMax must be at most ${appendBytesMax}: ${limits.appendBytesMax}`,
    );
  }
}
