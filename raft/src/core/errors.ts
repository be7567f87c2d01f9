/** The errors of the library: one class with a stable `code`. */

/** The stable codes of errors. Each says whether the request had an effect, and whether the process must stop. */
export type RaftErrorCode =
  /** A rule of Raft is violated, or the driver broke the core's protocol. The process must stop. */
  | 'INVARIANT'
  /**
   * A record of the log or the hard state is damaged, missing or of an unknown format. The member must not vote
   * or serve requests.
   */
  | 'LOG_DAMAGED'
  /** A write or a sync failed; the state on disk is unknown. The process must stop. */
  | 'STORAGE_FAILED'
  /** A write failed because the disk is full. The process must stop; it can restart once there is free space. */
  | 'STORAGE_FULL'
  /** This member is not the leader, or is transferring leadership. The proposal or read had no effect. */
  | 'NOT_LEADER'
  /** Too many bytes wait to be committed, or too many reads are pending. The request had no effect. */
  | 'OVERLOADED'
  /** The proposal is longer than `proposalBytesMax`. It had no effect. */
  | 'TOO_LARGE'
  /** The proposal was appended, then this member lost leadership: the proposal may still be committed. */
  | 'LEADERSHIP_LOST'
  /** A received snapshot was refused: it is not needed, or it is incomplete. It had no effect. */
  | 'SNAPSHOT_REFUSED'
  /** The leader did not answer a follower's read in time. It is safe to retry. */
  | 'READ_TIMEOUT'
  /** No transfer was started: the target does not answer, or a transfer is in progress or has failed recently. */
  | 'TRANSFER_REFUSED'
  /** The node is stopping or stopped. */
  | 'STOPPED'
  /** A configuration value is out of its bounds. */
  | 'BAD_CONFIG'
  /** The membership change leads to an invalid configuration, or to the one that is in force. It had no effect. */
  | 'BAD_MEMBERSHIP'
  /** After the membership change, the voters that answer the leader would not form a quorum. It had no effect. */
  | 'QUORUM_UNREACHABLE'
  /** A member that the change makes a voter lacks too much of the log, or does not answer. It had no effect. */
  | 'NOT_CAUGHT_UP'
  /** Another membership change is not applied yet, or the configuration is joint. The change had no effect. */
  | 'CHANGE_PENDING'
  /** The leader has not committed an entry in its term yet. The membership change had no effect. */
  | 'NOT_READY';

/** The error of every refusal, failure and damage that the library reports; `code` says which. */
export class RaftError extends Error {
  /** Always `RaftError`. */
  override readonly name = 'RaftError';
  /** The reason, for programs; `message` is for people. */
  readonly code: RaftErrorCode;

  /** @param message what happened, to what, and what to do next */
  constructor(code: RaftErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** Throws `RaftError` with code `INVARIANT` unless `condition` is true. */
export function invariant(condition: boolean, message: string): asserts condition {
  if (!condition) throw new RaftError('INVARIANT', message);
}
