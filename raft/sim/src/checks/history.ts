/** What clients asked for and saw, key by key. */
import type { Server } from '../cluster/port.js';
import type { Micros } from '../engine/scheduler.js';

export type OperationKind = 'put' | 'add' | 'get';

/** One operation on one key, from the moment when it was asked for to the answer. */
export interface Operation {
  readonly client: string;
  readonly key: string;
  readonly kind: OperationKind;
  /** What is put or added; 0 for a read. */
  readonly value: number;
  readonly invoked: Micros;
  /** When the answer came; infinite if none did: then the operation may have taken effect at any time, or never. */
  returned: Micros;
  /** The value of the key after the change, or as it was read. */
  result: number;
  /** Who answered; null if no one did. */
  by: Server | null;
}

/** @returns an operation without an answer yet. */
export function invoke(
  fields: Pick<Operation, 'client' | 'key' | 'kind' | 'value'>,
  invoked: Micros,
): Operation {
  return { ...fields, invoked, returned: Infinity, result: 0, by: null };
}

export class History {
  readonly #byKey = new Map<string, Operation[]>();
  /** Reads by who answered them: leaders by a quorum round, leaders that might do without, followers. */
  readonly answered = { changes: 0, reads: 0, leaseReads: 0, followerReads: 0, unknown: 0 };
  /** Of `answered`, those that were asked for since `watchFrom`. */
  readonly watched = { changes: 0, reads: 0 };
  #watchedFrom: Micros = Infinity;

  /** From now on counts what was asked for at or after `time`. */
  watchFrom(time: Micros): void {
    this.#watchedFrom = time;
  }

  add(operation: Operation): void {
    const operations = this.#byKey.get(operation.key);
    if (operations === undefined) this.#byKey.set(operation.key, [operation]);
    else operations.push(operation);
    if (operation.returned === Infinity) {
      this.answered.unknown += 1;
      return;
    }
    const count = operation.kind === 'get' ? 'reads' : 'changes';
    this.answered[count] += 1;
    if (operation.kind === 'get' && operation.by === 'leaseholder') this.answered.leaseReads += 1;
    if (operation.by === 'follower') this.answered.followerReads += 1;
    if (operation.invoked >= this.#watchedFrom) this.watched[count] += 1;
  }

  keys(): IterableIterator<[string, Operation[]]> {
    return this.#byKey.entries();
  }
}
