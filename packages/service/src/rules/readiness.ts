/** Whether a process should get traffic, in parts that each have a name: what `/readyz` answers. */

/** One condition. */
export interface Check {
  /** A stable word, such as `leader`. */
  readonly name: string;
  /** Why it does not hold, null if it does. */
  readonly problem: string | null;
}

/** Why the process is not ready, in the words of the first condition that does not hold; null if it is. */
export function problemOf(checks: readonly Check[]): string | null {
  return checks.find(({ problem }) => problem !== null)?.problem ?? null;
}

/** Whether a request target asks for every condition, as in `/readyz?verbose`. */
export function isVerbose(target: string): boolean {
  const query = target.indexOf('?');
  return query >= 0 && new URLSearchParams(target.slice(query + 1)).has('verbose');
}

/** What the verbose answer says beside the short one. */
export function verboseChecks(checks: readonly Check[]): {
  readonly checks: readonly {
    readonly name: string;
    readonly ok: boolean;
    readonly problem: string | null;
  }[];
} {
  return { checks: checks.map(({ name, problem }) => ({ name, ok: problem === null, problem })) };
}
