/** The conditions under which a process should receive traffic, for `/readyz`. */

/** A named condition. */
export interface ReadinessCheck {
  /** A stable word, such as `leader`. */
  readonly name: string;
  /** Why it is not met; null if it is. */
  readonly problem: string | null;
}

/** The problem of the first condition that is not met; null if the process is ready. */
export function firstProblem(checks: readonly ReadinessCheck[]): string | null {
  return checks.find(({ problem }) => problem !== null)?.problem ?? null;
}

/** Whether a request target asks for all conditions, as in `/readyz?verbose`. */
export function isVerbose(target: string): boolean {
  const query = target.indexOf('?');
  return query >= 0 && new URLSearchParams(target.slice(query + 1)).has('verbose');
}

/** The additional fields of the verbose response. */
export function verboseChecks(checks: readonly ReadinessCheck[]): {
  readonly checks: readonly {
    readonly name: string;
    readonly ok: boolean;
    readonly problem: string | null;
  }[];
} {
  return { checks: checks.map(({ name, problem }) => ({ name, ok: problem === null, problem })) };
}
