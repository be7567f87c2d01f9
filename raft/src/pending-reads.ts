/** Reads on their way: first they wait for the leader to be confirmed, then for the machine to reach their index. */
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

  /** @throws RaftError `OVERLOADED` at the bound, which counts reads of both kinds. */
  checkRoom(): void {
    if (this.#unconfirmed.size + this.#confirmed.length < this.#sizeMax) return;
    throw new RaftError('OVERLOADED', `${this.#sizeMax} reads wait already`);
  }

  /** Resolves with the index that the read was confirmed at, once that is applied. */
  async add(id: number): Promise<LogIndex> {
    return new Promise((resolve, reject) => this.#unconfirmed.set(id, { resolve, reject }));
  }

  /** Resolves with `index`, at which the read may be served, once that is applied; `applied` is now. */
  async addConfirmed(index: LogIndex, applied: LogIndex): Promise<LogIndex> {
    if (index <= applied) return index;
    return new Promise((resolve, reject) => this.#confirmed.push({ index, waiter: { resolve, reject } }));
  }

  /** What the core says of reads; everything up to `applied` is applied. */
  settle({ reads, readsLost, readsExpired }: Ready, applied: LogIndex): void {
    this.#confirm(reads);
    if (reads.length > 0) this.serve(applied);
    if (readsLost.length > 0) {
      this.#reject(readsLost, new RaftError('LEADERSHIP_LOST', 'leadership was lost during the read'));
    }
    if (readsExpired.length > 0) {
      this.#reject(readsExpired, new RaftError('READ_TIMEOUT', 'the leader gave no answer to the read'));
    }
  }

  /** The leader was confirmed for these reads. */
  #confirm(grants: readonly ReadGrant[]): void {
    for (const { id, index } of grants) {
      const waiter = this.#unconfirmed.get(id);
      if (waiter !== undefined) this.#confirmed.push({ index, waiter });
      this.#unconfirmed.delete(id);
    }
  }

  /** Resolves what was confirmed up to the machine's `applied` index. */
  serve(applied: LogIndex): void {
    if (this.#confirmed.length === 0) return;
    const confirmed = this.#confirmed;
    this.#confirmed = confirmed.filter(({ index }) => index > applied);
    for (const { index, waiter } of confirmed) if (index <= applied) waiter.resolve(index);
  }

  /** These reads cannot be confirmed any more. */
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
