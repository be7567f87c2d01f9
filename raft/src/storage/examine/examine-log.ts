/**
 * Examines the log store of a stopped member without changing it, and reports what is damaged and what is
 * left. Opening the store stops at the first problem; this continues, so that an operator can decide what to
 * do.
 */
import type { HardState, LogIndex, Term } from '../../core/types.js';
import {
  hardStatePath,
  compareHardStates,
  checkCopyBeforeOpen,
  readHardStateCopy,
  type HardStateCopy,
} from '../hard-state-file.js';
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
import { innermostErrorMessage } from '../storage-error.js';
import { readEntryAt, readRecordPages, type ByteLevel } from '../store-scan.js';
import { NumberRanges } from './ranges.js';
import { withScratchCopy } from './scratch.js';

/** The member that a log belongs to. */
export interface LogOwner {
  /** Name of the cluster. */
  readonly cluster: string;
  /** Id of the member. */
  readonly id: string;
}

/** The result of examining a log store. */
export interface LogReport {
  /** The owner according to the store, or the expected one; null if neither is known. */
  readonly owner: LogOwner | null;
  /** Problems of LevelDB's files. */
  readonly flaws: readonly FolderFlaw[];
  /** Other problems, as sentences; a log without flaws and problems is sound. */
  readonly problems: readonly string[];
  /** Repairs that the next start makes without losing anything, as sentences. */
  readonly mends: readonly string[];
  /** Term and vote in the store, null if it has none. */
  readonly hardState: HardState | null;
  /** Term and vote in their second copy, null if it has none. */
  readonly copy: HardState | null;
  /** The log starts after this index. */
  readonly baseIndex: LogIndex;
  /** Index of the last entry found, or of the base. */
  readonly lastIndex: LogIndex;
  /** Number of intact entries. */
  readonly entries: number;
  /** Indexes without an entry. */
  readonly missing: NumberRanges;
  /** Indexes with an entry that cannot be read. */
  readonly damaged: NumberRanges;
}

/** The findings so far. */
interface Findings {
  readonly problems: string[];
  readonly missing: NumberRanges;
  readonly damaged: NumberRanges;
  owner: LogOwner | null;
  end: HardStateRecord | null;
  baseIndex: LogIndex;
  lastIndex: LogIndex;
  lastTerm: Term;
  entries: number;
}

/**
 * Examines the log store at `path`, which no process may have open.
 * @param owner the expected owner of the log, if it is known
 * @returns null if there is neither a store nor a copy of its hard state
 * @throws RaftError `STORAGE_FAILED` if a file cannot be read.
 */
export async function examineLog(path: string, owner: LogOwner | null = null): Promise<LogReport | null> {
  const { state, flaws, isTorn } = await inspectFolder(path);
  const isThere = state === 'store';
  const found: Findings = {
    problems: [],
    missing: new NumberRanges(),
    damaged: new NumberRanges(),
    owner,
    end: null,
    baseIndex: 0,
    lastIndex: 0,
    lastTerm: 0,
    entries: 0,
  };
  if (isThere) await withScratchCopy(path, async (scratch) => readRecords(scratch, found));
  // LevelDB skips unreadable writes, among them the record of where the log ended.
  if (flaws.some(({ file }) => file.endsWith('.log'))) {
    found.problems.push(
      `entries after ${found.lastIndex} are lost with the write-ahead file; their number is unknown`,
    );
  }
  const copy = found.owner === null ? null : await readHardStateCopy(path, found.owner);
  if (!isThere && (copy === null || copy.flaw === 'missing')) return null;
  const mends = isTorn
    ? ['the log ends in a write that was torn by a crash or a power loss; it was never acknowledged']
    : [];
  if (copy !== null) judge(path, found, copy, { isThere, isTorn, mends });
  else found.problems.push('the owner of the log cannot be read');
  const { problems, missing, damaged, end, baseIndex, lastIndex, entries } = found;
  return {
    owner: found.owner,
    flaws,
    problems,
    mends,
    baseIndex,
    lastIndex,
    entries,
    missing,
    damaged,
    hardState: end?.hardState ?? null,
    copy: copy?.newest?.hardState ?? null,
  };
}

function judge(
  path: string,
  { end, problems }: Findings,
  copy: HardStateCopy,
  store: { readonly isThere: boolean; readonly isTorn: boolean; readonly mends: string[] },
): void {
  const unopened = checkCopyBeforeOpen(copy, store);
  const verdict =
    unopened.verdict === 'fine' && end !== null ? compareHardStates(end.hardState, copy) : unopened;
  if (verdict.verdict === 'damaged') problems.push(verdict.reason);
  if (verdict.verdict === 'repair') {
    store.mends.push(
      `the copy of the hard state at ${hardStatePath(path)} is rebuilt from the store: ${verdict.reason}`,
    );
  }
}

async function readRecords(scratch: string, found: Findings): Promise<void> {
  const db = newLevel(scratch);
  try {
    await db.open();
  } catch (error) {
    found.problems.push(
      `LevelDB cannot open the store, so its entries cannot be checked: ${innermostErrorMessage(error)}`,
    );
    return;
  }
  try {
    readNamedRecords(db, found);
    for await (const page of readRecordPages(db))
      for (const [key, value] of page) visitRecord(key, value, found);
  } catch (error) {
    found.problems.push(
      `the store cannot be read after entry ${found.lastIndex}: ${innermostErrorMessage(error)}`,
    );
  } finally {
    await db.close();
  }
  checkEnd(found);
}

function readNamedRecords(db: ByteLevel, found: Findings): void {
  const read = <T>(key: Uint8Array, name: string, decode: (value: Uint8Array) => T): T | null => {
    const value = db.getSync(key);
    if (value === undefined) return null;
    try {
      return decode(value);
    } catch (error) {
      found.problems.push(`${name}: ${innermostErrorMessage(error)}`);
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

function visitRecord(key: Uint8Array, value: Uint8Array, found: Findings): void {
  const index = indexOfKey(key);
  if (index === null) {
    const isNamed = [BASE_KEY, HARD_STATE_KEY, IDENTITY_KEY].some((named) => named.equals(key));
    if (!isNamed)
      found.problems.push(`the key ${Buffer.from(key).toString('hex')} does not belong to a log store`);
    return;
  }
  // Entries up to the base are left over from an interrupted compaction and are void.
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

function checkEnd({ end, problems, missing, lastIndex, lastTerm, entries, damaged }: Findings): void {
  if (end === null) {
    if (entries + damaged.count > 0)
      problems.push('the hard-state record is missing or damaged, but there are entries');
    return;
  }
  missing.add(lastIndex + 1, end.lastIndex);
  if (lastIndex > end.lastIndex)
    problems.push(`the log ends at ${lastIndex}, but the hard-state record says ${end.lastIndex}`);
  if (
    lastIndex === end.lastIndex &&
    lastTerm !== end.lastTerm &&
    !damaged.ranges.some(({ to }) => to === lastIndex)
  ) {
    problems.push(`the last entry has term ${lastTerm}, but the hard-state record says ${end.lastTerm}`);
  }
  if (end.hardState.term < lastTerm) {
    problems.push(
      `the hard-state record has term ${end.hardState.term}, below term ${lastTerm} of the last entry`,
    );
  }
}
