export { decodeBase, encodeBase } from './base-codec.js';
export { DEFAULT_LIMITS, type CoreConfig, type CoreLimits, type DurableState } from './config.js';
export { makeEntry, readEntry, readUint64, writeUint64, RECORD_HEADER_BYTES } from './entry.js';
export { RaftError, invariant, type RaftErrorCode } from './errors.js';
export type { MemberChange, MembershipChange } from './membership-change.js';
export { EMPTY_MEMBERSHIP, describeMembership, initialMembership } from './membership.js';
export { RaftCore } from './raft.js';
export type * from './types.js';
