/** The operations of clients with their results, by key. */
import type { ServedBy } from '../cluster/port.js';
import type { Micros } from '../engine/scheduler.js';

export type OperationKind = 'put' | 'add' | 'get';

/** One operation on one key, from its invocation to its response. */
export interface Operation {
  readonly client: string;
  readonly key: string;
  readonly kind: OperationKind;
  /** The value that is put or added; 0 for a read. */
  readonly value: number;
  readonly invoked: Micros;
  /** Time of the response. Infinite if there was none: the operation may have taken effect at any time, or never. */
  returned: Micros;
  /** The value of the key after the change, or the value that was read. */
  result: number;
  /** The kind of member that answered; null if none did. */
  by: ServedBy | null;
}

/** @returns an operation without a response. */
export function startOperation(
  fields: Pick<Operation, 'client' | 'key' | 'kind' | 'value'>,
  invoked: Micros,
): Operation {
  return { ...fields, invoked, returned: Infinity, result: 0, by: null };
}

export class History {
  readonly #byKey = new Map<string, Operation[]>();
  /**
   * Number of operations by outcome. `reads` includes `leaseReads`, which a leader was allowed to answer by
   * lease, and `followerReads`, which a follower answered. `unknown` counts changes without a response.
   */
  readonly counts = { changes: 0, reads: 0, leaseReads: 0, followerReads: 0, unknown: 0 };
  /** Answered operations that were invoked at or after the time of `countFrom`. */
  readonly recent = { changes: 0, reads: 0 };
  #watchedFrom: Micros = Infinity;

  /** Counts operations that are invoked at or after `time` in `recent`. */
  countFrom(time: Micros): void {
    this.#watchedFrom = time;
  }

  add(operation: Operation): void {
    const operations = this.#byKey.get(operation.key);
    if (operations === undefined) this.#byKey.set(operation.key, [operation]);
    else operations.push(operation);
    if (operation.returned === Infinity) {
      this.counts.unknown += 1;
      return;
    }
    const count = operation.kind === 'get' ? 'reads' : 'changes';
    this.counts[count] += 1;
    if (operation.kind === 'get' && operation.by === 'leaseholder') this.counts.leaseReads += 1;
    if (operation.by === 'follower') this.counts.followerReads += 1;
    if (operation.invoked >= this.#watchedFrom) this.recent[count] += 1;
  }

  keys(): IterableIterator<[string, Operation[]]> {
    return this.#byKey.entries();
  }
}
