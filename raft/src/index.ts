/** The public API of the library. */
export type { Clock } from './clock.js';
export { DEFAULT_COMPACTION, type CompactionOptions } from './compaction.js';
export {
  DEFAULT_LIMITS,
  EMPTY_MEMBERSHIP,
  RaftCore,
  RaftError,
  decodeBase,
  describeMembership,
  encodeBase,
  initialMembership,
  makeEntry,
  readEntry,
} from './core/index.js';
export type * from './core/index.js';
export type { SnapshotSupport, SnapshotView, StagedSnapshot, StateMachine } from './state-machine.js';
export type { DiskEvent } from './slow-write-detector.js';
export { RaftNode } from './node.js';
export type { LogView, NodeEvent, NodeStatus, RaftNodeOptions } from './options.js';
export type { SnapshotEvent } from './snapshot-manager.js';
export { SUBMISSIONS_MAX } from './submissions.js';
export { LevelLog } from './storage/level-log.js';
export * from './storage/examine/index.js';
export { repairUnsyncedFolder } from './storage/leveldb-folder.js';
export type { LevelLogOptions } from './storage/open-store.js';
export { staggeredSize } from './storage/staggered-size.js';
export { toStorageError } from './storage/storage-error.js';
export type { LogStorage } from './storage/storage.js';
export type {
  IncomingSnapshot,
  SnapshotTransfer,
  Transport,
  TransportHandler,
} from './transport/transport.js';
export type { HttpTransportOptions, MemberTls } from './transport/http-options.js';
export { HttpTransport } from './transport/http-transport.js';
export type { RefusalStatus } from './transport/handshake.js';
export type { DropReason, LinkDirection, TransportEvent } from './transport/events.js';
