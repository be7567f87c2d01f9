/** The public face of the library. */
export {
  DEFAULT_LIMITS,
  NO_MEMBERS,
  RaftCore,
  RaftError,
  describeMembership,
  initialMembership,
  makeEntry,
  readEntry,
} from './core/index.js';
export type * from './core/index.js';
export { RaftNode, type Clock, type NodeStatus, type RaftNodeOptions, type StateMachine } from './node.js';
export { LevelLog, type LevelLogOptions } from './storage/level-log.js';
export type { LogStorage } from './storage/storage.js';
export type { Transport, TransportHandler } from './transport/transport.js';
export { HttpTransport, type HttpTransportOptions } from './transport/http-transport.js';
export type { DropReason, LinkDirection, TransportEvent } from './transport/events.js';
