/**
 * Pending reads. They wait first for the confirmation of the leader, then until the machine has applied their
 * index.
 */
import { RaftError } from './core/errors.js';
import type { LogIndex, ReadGrant, Ready } from './core/types.js';

interface Waiter {
  readonly resolve: (index: LogIndex) => void;
  readonly reject: (error: RaftError) => void;
}

export class PendingReads {
  readonly #sizeMax: number;
  readonly #unconfirmed = new Map<number, Waiter>();
  #confirmed: { readonly index: LogIndex; readonly waiter: Waiter }[] = [];

  constructor(sizeMax: number) {
    this.#sizeMax = sizeMax;
  }

  /** @throws RaftError `OVERLOADED` at the bound, which counts unconfirmed and confirmed reads. */
  checkCapacity(): void {
    if (this.#unconfirmed.size + this.#confirmed.length < this.#sizeMax) return;
    throw new RaftError('OVERLOADED', `${this.#sizeMax} reads are already waiting; retry later`);
  }

  /** Resolves with the index at which the read was confirmed, once it is applied. */
  async add(id: number): Promise<LogIndex> {
    return new Promise((resolve, reject) => this.#unconfirmed.set(id, { resolve, reject }));
  }

  /**
   * Resolves with `index`, at which the read may be served, once it is applied.
   * @param applied the last applied index
   */
  async addConfirmed(index: LogIndex, applied: LogIndex): Promise<LogIndex> {
    if (index <= applied) return index;
    return new Promise((resolve, reject) => this.#confirmed.push({ index, waiter: { resolve, reject } }));
  }

  /** Handles the core's decisions about reads. @param applied the last applied index */
  handleReady({ reads, failedReads, expiredReads }: Ready, applied: LogIndex): void {
    this.#confirm(reads);
    if (reads.length > 0) this.onApplied(applied);
    if (failedReads.length > 0) {
      this.#reject(
        failedReads,
        new RaftError('LEADERSHIP_LOST', 'leadership was lost during the read; retry it'),
      );
    }
    if (expiredReads.length > 0) {
      this.#reject(
        expiredReads,
        new RaftError('READ_TIMEOUT', 'the leader did not answer the read in time; retry it'),
      );
    }
  }

  /** Moves reads for which the leader was confirmed. */
  #confirm(grants: readonly ReadGrant[]): void {
    for (const { id, index } of grants) {
      const waiter = this.#unconfirmed.get(id);
      if (waiter !== undefined) this.#confirmed.push({ index, waiter });
      this.#unconfirmed.delete(id);
    }
  }

  /** Resolves the confirmed reads up to the machine's `applied` index. */
  onApplied(applied: LogIndex): void {
    if (this.#confirmed.length === 0) return;
    const confirmed = this.#confirmed;
    this.#confirmed = confirmed.filter(({ index }) => index > applied);
    for (const { index, waiter } of confirmed) if (index <= applied) waiter.resolve(index);
  }

  /** Rejects reads that can no longer be confirmed. */
  #reject(ids: readonly number[], error: RaftError): void {
    for (const id of ids) {
      this.#unconfirmed.get(id)?.reject(error);
      this.#unconfirmed.delete(id);
    }
  }

  rejectAll(error: RaftError): void {
    this.#reject([...this.#unconfirmed.keys()], error);
    for (const { waiter } of this.#confirmed) waiter.reject(error);
    this.#confirmed = [];
  }
}
