export { DEFAULT_LIMITS, type CoreConfig, type CoreLimits, type CoreStart } from './config.js';
export { makeEntry, readEntry, readUint64, writeUint64, RECORD_HEADER_BYTES } from './entry.js';
export { RaftError, invariant, type RaftErrorCode } from './errors.js';
export { RaftCore } from './raft.js';
export type * from './types.js';
