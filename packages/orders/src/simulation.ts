/** The parts of a replica that the system simulator runs: everything except sockets, folders and LevelDB. */
export { BookStateMachine, type BookStorage, type OrderSlice } from './book/machine.js';
export { ReplicaCore } from './replica/core.js';
export { Book } from './rules/book/book.js';
export { MemberClocks } from './rules/leader/log-clock.js';
export { MemberAddresses } from './rules/group/member-addresses.js';
export {
  EMPTY_META,
  type BookMeta,
  type BookWrite,
  type StoredOrder,
  type DecidedBatch,
  type RetainedBatch,
  type CommandPosition,
} from './rules/book/state.js';
