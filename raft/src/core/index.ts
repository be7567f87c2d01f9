export { decodeBase, encodeBase } from './base.js';
export { DEFAULT_LIMITS, type CoreConfig, type CoreLimits, type CoreStart } from './config.js';
export { makeEntry, readEntry, readUint64, writeUint64, RECORD_HEADER_BYTES } from './entry.js';
export { RaftError, invariant, type RaftErrorCode } from './errors.js';
export type { MemberChange, MembershipChange } from './membership-change.js';
export { NO_MEMBERS, describeMembership, initialMembership } from './membership.js';
export { RaftCore } from './raft.js';
export type * from './types.js';
