/**
 * Keeps log and state machine consistent: installs a snapshot into both, and checks at a start that they
 * match.
 */
import { RaftError } from './core/errors.js';
import type { LogBase, PersistBatch } from './core/types.js';
import type { StateMachine } from './state-machine.js';
import type { SnapshotManager } from './snapshot-manager.js';
import type { LogStorage } from './storage/storage.js';

interface InstallOptions {
  readonly storage: LogStorage;
  /** Holds the received snapshot. */
  readonly snapshots: Pick<SnapshotManager, 'install'>;
  /** Whether the node is still running. */
  readonly isRunning: () => boolean;
}

/**
 * Installs a snapshot at `base`, and writes the rest of the batch. No entries are applied or compacted
 * meanwhile. A crash may come between any two of these steps:
 *
 *     1. write term and vote, so that the log's term is never below that of its base
 *     2. install the snapshot in the state machine, which records its base as `restored`
 *     3. restart the log after the base
 *
 * A crash before step 2 changes nothing. After a crash between steps 2 and 3 the machine is ahead of its log;
 * the next start detects this by `restored`, and runs step 3 (`completeInterruptedInstall`). In the opposite order the log
 * could start after a machine that has not yet applied the entries before it.
 */
export async function installSnapshot(
  { hardState, entries }: PersistBatch,
  base: LogBase,
  { storage, snapshots, isRunning }: InstallOptions,
): Promise<void> {
  if (hardState !== null) await storage.persist({ hardState, entries: [] });
  if (!isRunning()) return;
  await snapshots.install(base);
  await storage.persist({ base, hardState: null, entries });
}

/**
 * Restarts the log after a crash between installing a snapshot and restarting the log. That is the case if
 * the machine has applied nothing since the snapshot, and the log does not contain the snapshot's base. A log
 * that lost data is told apart by its term: the term was written before the snapshot was installed.
 * @throws RaftError `STORAGE_FAILED`.
 */
export async function completeInterruptedInstall(storage: LogStorage, machine: StateMachine): Promise<void> {
  const base = machine.snapshots?.restoredBase ?? null;
  if (base === null || machine.applied !== base.index) return;
  const isBefore = base.index < storage.base().index;
  const isInLog = !isBefore && base.index <= storage.lastIndex() && storage.term(base.index) === base.term;
  if (isBefore || isInLog || storage.hardState().term < base.term) return;
  await storage.persist({ base, hardState: null, entries: [] });
}

/**
 * @throws RaftError `LOG_DAMAGED` if the last index that the machine has applied is not within the log or its
 *   base.
 */
export function checkLogMatchesMachine(storage: LogStorage, { applied }: StateMachine): void {
  const { index } = storage.base();
  const last = storage.lastIndex();
  if (applied > last) {
    throw new RaftError(
      'LOG_DAMAGED',
      `the state machine has applied index ${applied}, but the log ends at ${last}: the log has lost its tail`,
    );
  }
  if (applied < index) {
    throw new RaftError(
      'LOG_DAMAGED',
      `the log starts after ${index}, but the state machine has applied only ${applied}: it has lost data`,
    );
  }
}
