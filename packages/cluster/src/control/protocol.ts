/** What the scripts say to the control server, and it to them. */

export interface KilledProcess {
  readonly name: string;
  readonly pid: number;
}

/** How one process is. */
export interface ProcessLook {
  /** Null while it is down. */
  readonly pid: number | null;
  /** Whether it is down because of what it found on its disk. */
  readonly damaged: boolean;
  /** The last error that it logged in its last run, null if none. */
  readonly reason: string | null;
}

export interface ControlAnswer {
  readonly killed?: readonly KilledProcess[];
  readonly pid?: number;
  readonly process?: ProcessLook;
  /** Where a process's data were moved to, null where there were none. */
  readonly aside?: string | null;
  /** What went wrong, in an answer that is not 200. */
  readonly error?: string;
}
