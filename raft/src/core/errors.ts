/** The errors of the library: one class, told apart by a stable `code`. */

export type RaftErrorCode =
  /** A rule of Raft does not hold, or the driver broke the core's protocol. The process has to stop. */
  | 'INVARIANT'
  /** A record of the log or the hard state is damaged, missing or of another format. The member must not vote or serve. */
  | 'LOG_DAMAGED'
  /** A write or a sync failed; what is on disk is unknown. The process has to stop. */
  | 'STORAGE_FAILED'
  /** The same, because the disk is full: with room on it the process can start again. */
  | 'STORAGE_FULL'
  /** This member does not lead. The proposal or read surely had no effect. */
  | 'NOT_LEADER'
  /** Too many bytes wait to be committed. The proposal surely had no effect. */
  | 'OVERLOADED'
  /** The proposal is longer than `proposalBytesMax`. It surely had no effect. */
  | 'TOO_LARGE'
  /** The proposal was logged, then leadership was lost: it may still be committed. */
  | 'LEADERSHIP_LOST'
  /** A snapshot was not taken: it is of no use, or did not come whole. Nothing was changed by it. */
  | 'SNAPSHOT_REFUSED'
  /** The leader gave no answer to a follower's read in time. It may be asked again. */
  | 'READ_TIMEOUT'
  /** The target of a leadership transfer is silent, or transfers have failed just before. It had no effect. */
  | 'TRANSFER_REFUSED'
  /** The node is stopping or stopped. */
  | 'STOPPED'
  /** A configuration value is out of its bounds. */
  | 'BAD_CONFIG'
  /** The membership change leads to no valid configuration, or to the one that is in force. It had no effect. */
  | 'BAD_MEMBERSHIP'
  /** After the membership change too few voters would answer the leader to decide anything. It had no effect. */
  | 'QUORUM_UNREACHABLE'
  /** The member that the change makes a voter does not have the log yet, or does not answer. It had no effect. */
  | 'NOT_CAUGHT_UP'
  /** Another membership change is not applied yet, or the group is between two configurations. It had no effect. */
  | 'CHANGE_PENDING'
  /** The leader has committed nothing in its term yet, so it takes no membership change. It had no effect. */
  | 'NOT_READY';

/** Thrown when the library refuses, fails or finds something broken; `code` says which. */
export class RaftError extends Error {
  override readonly name = 'RaftError';
  readonly code: RaftErrorCode;

  constructor(code: RaftErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** Stops at a broken invariant: throws `RaftError` with code `INVARIANT` unless `condition` holds. */
export function invariant(condition: boolean, message: string): asserts condition {
  if (!condition) throw new RaftError('INVARIANT', message);
}
