/** Why a cluster could not be started or steered. */
export type ClusterErrorCode =
  /** An option is out of bounds, or does not fit the data folder. */
  | 'BAD_OPTION'
  /** A port that the cluster needs is taken. */
  | 'PORT_TAKEN'
  /** Another supervisor holds the data folder. */
  | 'ALREADY_RUNNING'
  /** The data folder cannot be read or written, or there is no room on its disk. */
  | 'STORAGE_FAILED'
  /** A file in the data folder makes no sense. */
  | 'DAMAGED_FILE'
  /** The data folder holds files that are not a cluster's. */
  | 'NOT_OURS'
  /** The data folder is a copy: what it says of running processes is about the original's. */
  | 'COPIED_FOLDER'
  /** No such process, or it is not in the state that was asked for. */
  | 'BAD_PROCESS'
  /** The cluster did not become ready, or cannot any more. */
  | 'NOT_READY'
  /** This machine cannot make hosts: network namespaces, or packet filters in them. */
  | 'NO_HOSTS';

/** Thrown when a cluster cannot be started or steered; `code` says why. */
export class ClusterError extends Error {
  override readonly name = 'ClusterError';
  readonly code: ClusterErrorCode;

  constructor(code: ClusterErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
