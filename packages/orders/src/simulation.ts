/** What the simulator of the whole system runs of a replica: everything but sockets, folders and LevelDB. */
export { BookMachine, type BookStorage, type OrderSlice } from './machine.js';
export { ReplicaCore } from './replica-core.js';
export { Book } from './rules/book.js';
export { MemberClocks } from './rules/log-clock.js';
export { MemberAddresses } from './rules/member-addresses.js';
export {
  EMPTY_META,
  type BookMeta,
  type BookWrite,
  type BookedOrder,
  type DecidedBatch,
  type KeptBatch,
  type Place,
} from './rules/state.js';
