/** Reasons why a cluster cannot be started or controlled. */
export type ClusterErrorCode =
  /** An option is out of bounds or contradicts the data folder. */
  | 'BAD_OPTION'
  /** A port of the cluster is already in use. */
  | 'PORT_TAKEN'
  /** Another supervisor holds the data folder. */
  | 'ALREADY_RUNNING'
  /** The data folder cannot be read or written, or its disk is full. */
  | 'STORAGE_FAILED'
  /** A file in the data folder is damaged. */
  | 'DAMAGED_FILE'
  /** The data folder contains files that are not a cluster's. */
  | 'NOT_OURS'
  /** The data folder is a copy: the processes in its `cluster.json` belong to the original. */
  | 'COPIED_FOLDER'
  /** There is no such process, or its state does not allow the operation. */
  | 'BAD_PROCESS'
  /** The cluster did not become ready, or can no longer become ready. */
  | 'NOT_READY'
  /** This machine cannot create network namespaces with packet filters. */
  | 'NO_HOSTS';

/** Thrown if a cluster cannot be started or controlled; `code` is the reason. */
export class ClusterError extends Error {
  override readonly name = 'ClusterError';
  readonly code: ClusterErrorCode;

  constructor(code: ClusterErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
