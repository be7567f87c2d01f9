/** Log and state machine together: how a snapshot becomes both, and at a start whether they fit. */
import { RaftError } from './core/errors.js';
import type { LogBase, PersistBatch } from './core/types.js';
import type { StateMachine } from './machine.js';
import type { Snapshots } from './snapshots.js';
import type { LogStorage } from './storage/storage.js';

interface InstallOptions {
  readonly storage: LogStorage;
  /** Has received the snapshot. */
  readonly snapshots: Pick<Snapshots, 'install'>;
  /** Whether the node goes on. */
  readonly isRunning: () => boolean;
}

/**
 * Installs a snapshot as of `base`, with what is to be written besides. Nothing is being applied or compacted. A crash may
 * come between any two of these steps:
 *
 *     1. term and vote are written, so that the log's term is never below that of its base
 *     2. the snapshot becomes the state machine, which from now on says what it was restored from
 *     3. the log begins anew behind it
 *
 * Before 2 nothing has happened: the log goes on as it was. Between 2 and 3 the machine is ahead of its log; the next
 * start sees from what the machine says that it is step 3 that is missing, and does it (`finishInstall`). The other
 * way round the log would begin behind a machine that has not got so far.
 */
export async function install(
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
 * Where a snapshot became the state machine and a crash kept its log from beginning anew, does that. It is seen from a
 * machine that has applied nothing since, and from a log without that place; a log that was lost or went back is not
 * taken for it by its term: the term was written before the machine was.
 * @throws RaftError `STORAGE_FAILED`.
 */
export async function finishInstall(storage: LogStorage, machine: StateMachine): Promise<void> {
  const base = machine.snapshots?.restored ?? null;
  if (base === null || machine.applied !== base.index) return;
  const isBefore = base.index < storage.base().index;
  const isInLog = !isBefore && base.index <= storage.lastIndex() && storage.term(base.index) === base.term;
  if (isBefore || isInLog || storage.hardState().term < base.term) return;
  await storage.persist({ base, hardState: null, entries: [] });
}

/** @throws RaftError `LOG_DAMAGED` if what the machine has applied is not within the log, its base included. */
export function checkStart(storage: LogStorage, { applied }: StateMachine): void {
  const { index } = storage.base();
  const last = storage.lastIndex();
  if (applied > last) {
    throw new RaftError(
      'LOG_DAMAGED',
      `the state machine has applied index ${applied}, but the log ends at ${last}: it lost its tail`,
    );
  }
  if (applied < index) {
    throw new RaftError(
      'LOG_DAMAGED',
      `the state machine has applied index ${applied}, but the log begins behind ${index}: the machine lost something`,
    );
  }
}
