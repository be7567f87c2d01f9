/** The storage interface of the driver. The core uses only its `LogReader` part. */
import type { HardState, LogBase, LogReader, PersistBatch } from '../core/types.js';

/**
 * A durable log with its hard state. Run `logStorageConformance` of `@trireme/raft/testing` on each
 * implementation.
 */
export interface LogStorage extends LogReader {
  /**
   * The durable hard state: as found when the store was opened, then as written by the last completed
   * `persist`.
   */
  hardState(): HardState;
  /**
   * Writes the batch atomically and durably: when the promise resolves, the batch survives a power loss. At
   * most one call at a time. Reads show the batch after the promise has resolved. Until then hard state and
   * last index are unchanged, and entries from the batch's first index on must not be read: the disk may have
   * the old or the new ones. While a batch with a base is being written, no entry may be read.
   * @throws RaftError `INVARIANT`: another call is in progress, or the batch breaks a rule of the log, such as by a gap, a
   *   term that decreases or a changed vote; nothing is written. `STORAGE_FAILED` or `STORAGE_FULL`: the state on disk is
   *   unknown, and the process has to stop.
   */
  persist(batch: PersistBatch): Promise<void>;
  /**
   * Removes the entries up to `base`, which must be an entry of the log; does nothing if they are already
   * removed. From the call on, nothing below the base may be read. The new base is durable before entries are
   * removed; after a crash the log is complete after the old base or the new one. At most one call at a time,
   * and none while a batch with a base is being written; other batches are allowed.
   * @throws RaftError `INVARIANT`: the log has no such entry, or the call is not allowed now; nothing is removed.
   *   `STORAGE_FAILED` or `STORAGE_FULL`: the process has to stop.
   */
  compact(base: LogBase): Promise<void>;
  /** Closes the store. No method may be called afterwards. */
  close(): Promise<void>;
}

/**
 * A storage that differs from `storage` only in `persist`, for programs that measure, observe or fail the writes of the
 * log. Reads and compactions go to `storage`.
 * @param storage which the new one also closes
 * @param persist called instead of that of `storage`; it usually calls that one, and keeps its contract
 * @example
 * const timed = withPersist(storage, async (batch) => {
 *   const startedAt = performance.now();
 *   await storage.persist(batch);
 *   console.log(`persisted in ${performance.now() - startedAt} ms`);
 * });
 */
export function withPersist(storage: LogStorage, persist: LogStorage['persist']): LogStorage {
  return {
    hardState: () => storage.hardState(),
    base: () => storage.base(),
    lastIndex: () => storage.lastIndex(),
    term: (index) => storage.term(index),
    entries: (low, high, bytesMax) => storage.entries(low, high, bytesMax),
    lastMembership: (index) => storage.lastMembership(index),
    persist,
    compact: async (base) => storage.compact(base),
    close: async () => storage.close(),
  };
}
