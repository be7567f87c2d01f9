/** Messages between the scripts and the control server. */

export interface KilledProcess {
  readonly name: string;
  readonly pid: number;
}

/** State of one process. */
export interface ProcessState {
  /** Null while it is down. */
  readonly pid: number | null;
  /** Whether it exited because its data are damaged. */
  readonly damaged: boolean;
  /** The last error that it logged in its last run; null if none. */
  readonly reason: string | null;
}

export interface ControlResponse {
  readonly killed?: readonly KilledProcess[];
  readonly pid?: number;
  readonly process?: ProcessState;
  /** New path of the data that were moved aside; null if there were none. */
  readonly aside?: string | null;
  /** Error message of an answer that is not 200. */
  readonly error?: string;
}
