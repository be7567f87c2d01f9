/**
 * Raft consensus: the core, which does no I/O, and the driver that connects it to a storage, a transport and a state
 * machine. Uses built-in modules of Node only.
 */
export type { Clock } from './clock.js';
export { DEFAULT_COMPACTION, type CompactionOptions } from './compaction.js';
export { decodeBase, encodeBase } from './core/base-codec.js';
export { DEFAULT_LIMITS, type CoreConfig, type CoreLimits, type DurableState } from './core/config.js';
export { makeEntry, readEntry } from './core/entry.js';
export { RaftError, type RaftErrorCode } from './core/errors.js';
export type { LeaseConfig } from './core/lease.js';
export { NO_BASE } from './core/log.js';
export type { MemberChange, MembershipChange } from './core/membership-change.js';
export { EMPTY_MEMBERSHIP, describeMembership, initialMembership } from './core/membership.js';
export { RaftCore } from './core/raft.js';
export type {
  AppendAccepted,
  AppendRejected,
  AppendRequest,
  CoreStatus,
  Entry,
  EntryKind,
  HardState,
  Heartbeat,
  HeartbeatResponse,
  LogBase,
  LogIndex,
  LogReader,
  LogView,
  Membership,
  MembershipView,
  Message,
  MessageHeader,
  NodeId,
  PersistBatch,
  PreVoteRequest,
  PreVoteResponse,
  Proposal,
  ReadGrant,
  ReadRequest,
  ReadResponse,
  Ready,
  ReceivedSnapshot,
  Role,
  Term,
  TimeoutNow,
  VoteRequest,
  VoteResponse,
} from './core/types.js';
export { RaftNode } from './node.js';
export type { NodeEvent, NodeStatus, RaftNodeOptions } from './options.js';
export type { DiskEvent } from './slow-write-detector.js';
export type { SnapshotEvent } from './snapshot-manager.js';
export type { SnapshotSupport, SnapshotView, StagedSnapshot, StateMachine } from './state-machine.js';
export { withPersist, type LogStorage } from './storage/storage.js';
export { SUBMISSIONS_MAX } from './submissions.js';
export type {
  IncomingSnapshot,
  SnapshotTransfer,
  Transport,
  TransportHandler,
} from './transport/transport.js';
