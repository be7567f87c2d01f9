/** What a checker says of a run. */

/** One promise, and whether it was kept. */
export interface Verdict {
  /** The promise, such as `order book`. */
  readonly check: string;
  /** What breaks it, at most `PROBLEMS_MAX`; none where it was kept. */
  readonly problems: readonly string[];
  /** What was looked at, such as `1200 orders`. */
  readonly examined: string;
}

/** Problems that a verdict names; further ones are only counted. */
const PROBLEMS_MAX = 12;

export function verdict(check: string, examined: string, problems: readonly string[]): Verdict {
  const named = problems.slice(0, PROBLEMS_MAX);
  const more = problems.length - named.length;
  return { check, examined, problems: more > 0 ? [...named, `and ${more} more`] : named };
}

export function holds({ problems }: Verdict): boolean {
  return problems.length === 0;
}
