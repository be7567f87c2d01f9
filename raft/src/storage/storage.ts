/** What the driver needs of a disk. The core sees only the `LogReader` half. */
import type { HardState, LogBase, LogReader, PersistBatch } from '../core/types.js';

/** A log with its hard state that survives a power loss. */
export interface LogStorage extends LogReader {
  /** What was on disk when the store was opened, then what the last finished `persist` wrote. */
  hardState(): HardState;
  /**
   * Writes the batch atomically and durably: when the promise resolves, a power loss does not undo it. At most one
   * call at a time. After it resolves, reads show the batch. Until then hard state and last index stay as they were,
   * and entries at and behind the batch's first index must not be read: the disk may show the old or the new ones. Nor
   * may any entry while a batch with a base is under way.
   * @throws RaftError `STORAGE_FAILED`: what is on disk is unknown and the process has to stop.
   */
  persist(batch: PersistBatch): Promise<void>;
  /**
   * Drops the entries up to `base`, which is the place of one of them; does nothing if they are gone. From the call on
   * nothing below the base may be read. The new base is durable before anything is gone; a crash leaves the log whole
   * behind the old base or the new one. At most one call at a time, and none while a batch with a base is under way;
   * other batches may be.
   * @throws RaftError `STORAGE_FAILED`: the process has to stop.
   */
  compact(base: LogBase): Promise<void>;
  /** Closes the store; nothing may be called afterwards. */
  close(): Promise<void>;
}
