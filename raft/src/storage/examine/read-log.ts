/** Reads the log of a stopped member without changing it. Only for a log in which `examineLog` finds no damage. */
import { NO_BASE } from '../../core/log.js';
import { decodeMembership } from '../../core/membership-codec.js';
import { RaftError } from '../../core/errors.js';
import type { Entry, LogBase, Membership } from '../../core/types.js';
import { newLevel, toOpenError } from '../level-open.js';
import { BASE_KEY, IDENTITY_KEY, decodeBaseRecord, decodeIdentity, indexOfKey } from '../records.js';
import { readEntryAt, readRecordPages } from '../store-scan.js';
import type { LogOwner } from './examine-log.js';
import { withScratchCopy } from './scratch.js';

/** An entry of a stopped log. */
export interface StoppedEntry {
  /** The entry as it was persisted. */
  readonly entry: Entry;
  /** The configuration that the entry sets; null if it sets none. */
  readonly membership: Membership | null;
}

/** A log that is open for reading. */
export interface StoppedLog {
  /** The cluster and the member that the log belongs to. */
  readonly owner: LogOwner;
  /** The log starts after it. */
  readonly base: LogBase;
  /** All entries after the base, in order. */
  entries(): AsyncGenerator<StoppedEntry>;
}

/**
 * Runs `use` with the log at `path`, which no process may have open.
 * @throws RaftError `LOG_DAMAGED` if a record cannot be read, `STORAGE_FAILED`, or the error of `use`.
 */
export async function withStoppedLog<T>(path: string, use: (log: StoppedLog) => Promise<T>): Promise<T> {
  return withScratchCopy(path, async (scratch) => {
    const db = newLevel(scratch);
    try {
      await db.open();
    } catch (error) {
      throw toOpenError(path, error);
    }
    try {
      const identity = db.getSync(IDENTITY_KEY);
      if (identity === undefined)
        throw new RaftError('LOG_DAMAGED', `log store ${path}: the identity record is missing`);
      const { cluster, id } = decodeIdentity(identity);
      const baseRecord = db.getSync(BASE_KEY);
      const base = baseRecord === undefined ? NO_BASE : decodeBaseRecord(baseRecord);
      async function* entries(): AsyncGenerator<StoppedEntry> {
        for await (const page of readRecordPages(db)) {
          for (const [key, value] of page) {
            const index = indexOfKey(key);
            // Entries up to the base are left over from an interrupted compaction and are void.
            if (index === null || index <= base.index) continue;
            const entry = readEntryAt(index, value);
            yield { entry, membership: entry.kind === 'membership' ? decodeMembership(entry.data) : null };
          }
        }
      }
      return await use({ owner: { cluster, id }, base, entries });
    } finally {
      await db.close();
    }
  });
}
