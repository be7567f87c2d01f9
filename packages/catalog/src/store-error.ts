/** Why a store cannot be opened or written. */
export type StoreErrorCode =
  /** A record is damaged or missing; the catalog must not serve from this folder. */
  | 'DAMAGED'
  /** The folder belongs to another cluster. */
  | 'OTHER_CLUSTER'
  /** The folder was written in a format that this program does not read. */
  | 'OTHER_FORMAT'
  /** Another process has the folder open. */
  | 'LOCKED'
  /** The folder cannot be opened, for a reason of the system's. */
  | 'OPEN_FAILED'
  /** A write or a sync failed; what is on disk is unknown and the process has to stop. */
  | 'WRITE_FAILED';

/** Thrown when the catalog's store refuses or fails; `code` says which. */
export class StoreError extends Error {
  override readonly name = 'StoreError';
  readonly code: StoreErrorCode;

  constructor(code: StoreErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
