/** Checks of the processes during a run, under all faults. */
import { checkResult, type CheckResult } from './check-result.js';

/** Status of one replica at one time. */
export interface StatusSample {
  readonly process: string;
  readonly atMs: number;
  readonly role: string;
  readonly term: number;
  readonly applied: number;
  /** Running hash of the applied entries. */
  readonly hash: string;
}

/** A process that exited without being stopped or killed by the scenario. */
export interface UnexpectedExit {
  readonly process: string;
  readonly atMs: number;
  readonly how: string;
  readonly reason: string | null;
}

/** Checks that each term has at most one leader, and that hashes at the same applied index are equal. */
export function checkStatuses(samples: readonly StatusSample[]): CheckResult {
  const leaders = new Map<number, string>();
  const hashes = new Map<number, StatusSample>();
  const problems = new Set<string>();
  for (const sample of samples) {
    const { process, role, term, applied, hash } = sample;
    if (role === 'leader') {
      const leader = leaders.get(term);
      if (leader !== undefined && leader !== process)
        problems.add(`${leader} and ${process} both led term ${term}`);
      leaders.set(term, process);
    }
    const other = hashes.get(applied);
    if (other !== undefined && other.hash !== hash) {
      problems.add(`at applied index ${applied}, ${other.process} and ${process} had different hashes`);
    }
    hashes.set(applied, sample);
  }
  return checkResult(
    'one leader per term',
    `${samples.length} samples, ${leaders.size} terms with a leader`,
    [...problems],
  );
}

/** Checks that no process exits, except for those that the scenario allows to. */
export function checkExits(ends: readonly UnexpectedExit[], allowed: ReadonlySet<string>): CheckResult {
  const problems = ends
    .filter(({ process }) => !allowed.has(process))
    .map(
      ({ process, atMs, how, reason }) =>
        `${process} exited (${how}) at ${atMs.toFixed(0)} ms: ${reason ?? 'no reason given'}`,
    );
  return checkResult('no unexpected exits', `${ends.length} exits outside the script`, problems);
}
