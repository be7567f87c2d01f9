/** What must hold of the processes while a run goes on, whatever is done to them. */
import { verdict, type Verdict } from './verdict.js';

/** What one replica said of itself at one moment. */
export interface StatusSample {
  readonly process: string;
  readonly atMs: number;
  readonly role: string;
  readonly term: number;
  readonly applied: number;
  /** The running hash of what is applied. */
  readonly hash: string;
}

/** A process that ended without being told to. */
export interface UnaskedEnd {
  readonly process: string;
  readonly atMs: number;
  readonly how: string;
  readonly reason: string | null;
}

/** At most one leader a term, and equal hashes at equal applied indexes, over the whole run. */
export function checkStatuses(samples: readonly StatusSample[]): Verdict {
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
  return verdict('one leader a term', `${samples.length} looks, ${leaders.size} terms with a leader`, [
    ...problems,
  ]);
}

/** Nothing ends by itself but what a scenario makes unfit to go on. */
export function checkEnds(ends: readonly UnaskedEnd[], allowed: ReadonlySet<string>): Verdict {
  const problems = ends
    .filter(({ process }) => !allowed.has(process))
    .map(
      ({ process, atMs, how, reason }) =>
        `${process} ended (${how}) at ${atMs.toFixed(0)} ms: ${reason ?? 'no reason'}`,
    );
  return verdict('processes stand', `${ends.length} ended unasked`, problems);
}
