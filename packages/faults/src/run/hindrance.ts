/** What makes life hard for a process from within. */

/** What a process is started with from its next start on. */
export interface Hindrance {
  readonly env?: Readonly<Record<string, string>>;
  /** Runs the process in its own pid. */
  readonly wrapper?: readonly string[];
}
