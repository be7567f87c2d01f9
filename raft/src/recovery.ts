/** Log and state machine at a start: whether they fit, and what an interrupted install left to be done. */
import { RaftError } from './core/errors.js';
import type { StateMachine } from './machine.js';
import type { LogStorage } from './storage/storage.js';

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
