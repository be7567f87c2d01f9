/** Results of checks. */

/** The result of one check of a run. */
export interface CheckResult {
  /** Name of the check, such as `order book`. */
  readonly check: string;
  /** Violations, at most `PROBLEMS_MAX` and their number; empty if the check passed. */
  readonly problems: readonly string[];
  /** What was checked, such as `1200 orders`. */
  readonly examined: string;
}

/** Maximum number of listed problems; further ones are only counted. */
const PROBLEMS_MAX = 12;

export function checkResult(check: string, examined: string, problems: readonly string[]): CheckResult {
  const named = problems.slice(0, PROBLEMS_MAX);
  const more = problems.length - named.length;
  return { check, examined, problems: more > 0 ? [...named, `and ${more} more`] : named };
}

export function isPassed({ problems }: CheckResult): boolean {
  return problems.length === 0;
}
