/**
 * Looks at the log store of a member that is down, and changes nothing: what is damaged, and what is left. The store
 * itself stops at the first thing that is wrong; this goes on, so that someone can decide what to do.
 */
import type { HardState, LogIndex, Term } from '../../core/types.js';
import { hardStatePath, judgeCopy, judgeUnopened, readCopy, type HardStateCopy } from '../hard-state-file.js';
import { newLevel } from '../level-open.js';
import { inspectFolder, type FolderFlaw } from '../leveldb-inspect.js';
import {
  BASE_KEY,
  HARD_STATE_KEY,
  IDENTITY_KEY,
  decodeBaseRecord,
  decodeHardState,
  decodeIdentity,
  indexOfKey,
  type HardStateRecord,
} from '../records.js';
import { causeOf } from '../storage-failure.js';
import { readEntryAt, recordPages, type ByteLevel } from '../store-scan.js';
import { Ranges } from './ranges.js';
import { withScratch } from './scratch.js';

/** Whose log it is. */
export interface LogOwner {
  readonly cluster: string;
  readonly id: string;
}

/** What was found in a log store by reading alone. */
export interface LogExamination {
  readonly owner: LogOwner | null;
  /** What is wrong with LevelDB's files. */
  readonly flaws: readonly FolderFlaw[];
  /** What is wrong beyond that, as sentences; with no flaw and none of these the log is sound. */
  readonly problems: readonly string[];
  /** What the next start mends by itself, losing nothing, as sentences. */
  readonly mends: readonly string[];
  /** Term and vote as the store has them, null where it does not. */
  readonly hardState: HardState | null;
  /** Term and vote as their copy has them, null where it does not. */
  readonly copy: HardState | null;
  /** The log begins behind this index. */
  readonly baseIndex: LogIndex;
  /** Index of the last entry found, or of the base. */
  readonly lastIndex: LogIndex;
  /** Entries found whole. */
  readonly entries: number;
  readonly missing: Ranges;
  readonly damaged: Ranges;
}

/** What is found among the records. */
interface Found {
  readonly problems: string[];
  readonly missing: Ranges;
  readonly damaged: Ranges;
  owner: LogOwner | null;
  end: HardStateRecord | null;
  baseIndex: LogIndex;
  lastIndex: LogIndex;
  lastTerm: Term;
  entries: number;
}

/**
 * Examines the log store at `path`, which no process has open.
 * @param owner whose log it should be, where that is known from elsewhere
 * @returns null if there is no store, and no copy of a hard state that once was one's.
 * @throws RaftError `STORAGE_FAILED` if a file cannot be read.
 */
export async function examineLog(
  path: string,
  owner: LogOwner | null = null,
): Promise<LogExamination | null> {
  const { state, flaws, isTorn } = await inspectFolder(path);
  const isThere = state === 'store';
  const found: Found = {
    ...{ problems: [], missing: new Ranges(), damaged: new Ranges() },
    ...{ owner, end: null, baseIndex: 0, lastIndex: 0, lastTerm: 0, entries: 0 },
  };
  if (isThere) await withScratch(path, async (scratch) => readRecords(scratch, found));
  // LevelDB drops what it cannot read there, the record of where the log ended along with it.
  if (flaws.some(({ file }) => file.endsWith('.log'))) {
    found.problems.push(
      `entries behind ${found.lastIndex} are lost with the write-ahead file; how many is not known`,
    );
  }
  const copy = found.owner === null ? null : await readCopy(path, found.owner);
  if (!isThere && (copy === null || copy.flaw === 'missing')) return null;
  const mends = isTorn
    ? ['it ends in a write that a power loss or a crash has torn; nobody was told of it']
    : [];
  if (copy !== null) judge(path, found, copy, { isThere, isTorn, mends });
  else found.problems.push('whose log it is cannot be read');
  const { problems, missing, damaged, end, baseIndex, lastIndex, entries } = found;
  return {
    ...{ owner: found.owner, flaws, problems, mends, baseIndex, lastIndex, entries, missing, damaged },
    hardState: end?.hardState ?? null,
    copy: copy?.newest?.hardState ?? null,
  };
}

function judge(
  path: string,
  { end, problems }: Found,
  copy: HardStateCopy,
  store: { readonly isThere: boolean; readonly isTorn: boolean; readonly mends: string[] },
): void {
  const unopened = judgeUnopened(copy, store);
  const verdict = unopened.verdict === 'fine' && end !== null ? judgeCopy(end.hardState, copy) : unopened;
  if (verdict.verdict === 'damaged') problems.push(verdict.reason);
  if (verdict.verdict === 'repair') {
    store.mends.push(
      `the copy of the hard state at ${hardStatePath(path)} is made anew from the store: ${verdict.reason}`,
    );
  }
}

async function readRecords(scratch: string, found: Found): Promise<void> {
  const db = newLevel(scratch);
  try {
    await db.open();
  } catch (error) {
    found.problems.push(`LevelDB cannot open it, so nothing can be said of its entries: ${causeOf(error)}`);
    return;
  }
  try {
    readNamed(db, found);
    for await (const page of recordPages(db)) for (const [key, value] of page) visit(key, value, found);
  } catch (error) {
    found.problems.push(`it cannot be read behind entry ${found.lastIndex}: ${causeOf(error)}`);
  } finally {
    await db.close();
  }
  checkEnd(found);
}

function readNamed(db: ByteLevel, found: Found): void {
  const read = <T>(key: Uint8Array, name: string, decode: (value: Uint8Array) => T): T | null => {
    const value = db.getSync(key);
    if (value === undefined) return null;
    try {
      return decode(value);
    } catch (error) {
      found.problems.push(`${name}: ${causeOf(error)}`);
      return null;
    }
  };
  found.owner = read(IDENTITY_KEY, 'identity', decodeIdentity) ?? found.owner;
  found.end = read(HARD_STATE_KEY, 'hard state', decodeHardState);
  const base = read(BASE_KEY, 'base', decodeBaseRecord);
  found.baseIndex = base?.index ?? 0;
  found.lastIndex = found.baseIndex;
  found.lastTerm = base?.term ?? 0;
}

function visit(key: Uint8Array, value: Uint8Array, found: Found): void {
  const index = indexOfKey(key);
  if (index === null) {
    const isNamed = [BASE_KEY, HARD_STATE_KEY, IDENTITY_KEY].some((named) => named.equals(key));
    if (!isNamed) found.problems.push(`the key ${Buffer.from(key).toString('hex')} is none of a log store's`);
    return;
  }
  // What an interrupted compaction has left is void.
  if (index <= found.baseIndex) return;
  found.missing.add(found.lastIndex + 1, index - 1);
  found.lastIndex = index;
  try {
    const { term } = readEntryAt(index, value);
    if (term < found.lastTerm) {
      found.problems.push(`entry ${index} has term ${term}, below term ${found.lastTerm} before it`);
    }
    found.lastTerm = term;
    found.entries += 1;
  } catch {
    found.damaged.add(index);
  }
}

function checkEnd({ end, problems, missing, lastIndex, lastTerm, entries, damaged }: Found): void {
  if (end === null) {
    if (entries + damaged.count > 0)
      problems.push('the hard-state record is missing beside entries, or damaged');
    return;
  }
  missing.add(lastIndex + 1, end.lastIndex);
  if (lastIndex > end.lastIndex) problems.push(`it ends at ${lastIndex}, but should at ${end.lastIndex}`);
  if (
    lastIndex === end.lastIndex &&
    lastTerm !== end.lastTerm &&
    !damaged.runs.some(({ to }) => to === lastIndex)
  ) {
    problems.push(`its last entry has term ${lastTerm} instead of ${end.lastTerm}`);
  }
  if (end.hardState.term < lastTerm) {
    problems.push(
      `the hard-state record has term ${end.hardState.term}, below term ${lastTerm} of the last entry`,
    );
  }
}
