/** What a batch must be to follow what is on disk. Pure: the rules of the log, asked before every write. */
import { invariant } from '../core/errors.js';
import type { LogBase, LogIndex, PersistBatch, Term } from '../core/types.js';
import type { HardStateRecord } from './records.js';

/** The log as it stands before the batch. */
interface Before {
  readonly base: LogBase;
  readonly end: HardStateRecord;
  /** The term at an index within the log. */
  readonly term: (index: LogIndex) => Term;
}

/** Checks the batch against what is on disk, and says what will be there after it. @throws RaftError `INVARIANT`. */
export function endAfter(before: Before, { base, hardState, entries }: PersistBatch): HardStateRecord {
  const after = hardState ?? before.end.hardState;
  checkHardState(before, after, base);
  const end =
    base === undefined
      ? { ...before.end, hardState: after }
      : { hardState: after, lastIndex: base.index, lastTerm: base.term };
  const first = entries[0];
  if (first === undefined) return end;
  const { index: floor } = base ?? before.base;
  const isNext = first.index > floor && first.index <= end.lastIndex + 1;
  invariant(isNext, `entry ${first.index} of a log from ${floor} to ${end.lastIndex}`);
  let index = first.index - 1;
  let term = base?.term ?? before.term(index);
  for (const entry of entries) {
    // Asked in front of `invariant`, because its message costs more than the check: this runs for every entry.
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
  before: Before,
  after: HardStateRecord['hardState'],
  base: LogBase | undefined,
): void {
  const { term, vote } = before.end.hardState;
  invariant(after.term >= term, `term falls from ${term} to ${after.term}`);
  invariant(
    after.term > term || vote === null || after.vote === vote,
    `the vote of term ${term} changes from ${vote} to ${after.vote}`,
  );
  if (base === undefined) return;
  invariant(base.index > before.base.index, `base ${base.index} after ${before.base.index}`);
  invariant(base.term <= after.term, `base of term ${base.term}, above the member's term ${after.term}`);
}
