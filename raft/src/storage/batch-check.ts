/** Checks every batch against the rules of the log before it is written. Pure. */
import { invariant } from '../core/errors.js';
import type { LogBase, LogIndex, PersistBatch, Term } from '../core/types.js';
import type { HardStateRecord } from './records.js';

/** The log before the batch. */
interface LogBefore {
  readonly base: LogBase;
  readonly end: HardStateRecord;
  /** The term at an index within the log. */
  readonly term: (index: LogIndex) => Term;
}

/**
 * Checks the batch against the log on disk.
 * @returns the hard state and end of the log after it
 * @throws RaftError `INVARIANT`.
 */
export function checkBatch(before: LogBefore, { base, hardState, entries }: PersistBatch): HardStateRecord {
  const after = hardState ?? before.end.hardState;
  checkHardState(before, after, base);
  const end =
    base === undefined
      ? { ...before.end, hardState: after }
      : { hardState: after, lastIndex: base.index, lastTerm: base.term };
  const first = entries[0];
  if (first === undefined) return end;
  const { index: start } = base ?? before.base;
  const isNext = first.index > start && first.index <= end.lastIndex + 1;
  invariant(
    isNext,
    `entry ${first.index} does not fit a log that starts after ${start} and ends at ${end.lastIndex}`,
  );
  let index = first.index - 1;
  let term = base?.term ?? before.term(index);
  for (const entry of entries) {
    // Checked before `invariant` is called, because building its message for every entry costs more than the
    // check.
    if (entry.index !== index + 1 || entry.term < term) {
      invariant(false, `entry ${entry.index} of term ${entry.term} cannot follow ${index} of term ${term}`);
    }
    index += 1;
    term = entry.term;
  }
  invariant(after.term >= term, `entry ${index} has term ${term}, above the member's term ${after.term}`);
  return { hardState: after, lastIndex: index, lastTerm: term };
}

function checkHardState(
  before: LogBefore,
  after: HardStateRecord['hardState'],
  base: LogBase | undefined,
): void {
  const { term, vote } = before.end.hardState;
  invariant(after.term >= term, `the term decreases from ${term} to ${after.term}`);
  invariant(
    after.term > term || vote === null || after.vote === vote,
    `the vote of term ${term} changes from ${vote} to ${after.vote}`,
  );
  if (base === undefined) return;
  invariant(
    base.index > before.base.index,
    `base ${base.index} is not after the current base ${before.base.index}`,
  );
  invariant(base.term <= after.term, `the base has term ${base.term}, above the member's term ${after.term}`);
}
