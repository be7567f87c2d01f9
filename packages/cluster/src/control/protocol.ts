/** What the scripts say to the control server, and it to them. */

export interface KilledProcess {
  readonly name: string;
  readonly pid: number;
}

export interface ControlAnswer {
  readonly killed?: readonly KilledProcess[];
  readonly pid?: number;
  /** What went wrong, in an answer that is not 200. */
  readonly error?: string;
}
