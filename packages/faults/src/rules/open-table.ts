/**
 * The operations whose time has begun and not ended, as the search needs them: what only looks is placed as soon as
 * it fits, since that changes nothing; of two changes by the same amount, the one that must be placed first is placed
 * first. One whose outcome is unknown need never be placed, so it comes last.
 */
import type { State } from './search-state.js';
import type { StockAction } from './stock-operation.js';

/** An open operation. */
export interface Open {
  readonly action: StockAction;
  readonly label: string;
  readonly index: number;
  /** By when it has to be placed; Infinity where its outcome is unknown. */
  readonly deadline: number;
  readonly bit: bigint;
}

/** One that changes the quantity. */
export interface Change extends Open {
  readonly delta: number;
}

export class OpenTable {
  /** By amount, each list with the one that must be placed first in front. */
  readonly #changes = new Map<number, Change[]>();
  readonly #observations = new Map<number, Open>();

  add(open: Open): void {
    const { action } = open;
    if (action.kind !== 'add') {
      this.#observations.set(open.index, open);
      return;
    }
    const change = { ...open, delta: action.delta };
    const same = this.#changes.get(change.delta);
    if (same === undefined) {
      this.#changes.set(change.delta, [change]);
      return;
    }
    const at = same.findIndex((other) => comesBefore(change, other));
    same.splice(at < 0 ? same.length : at, 0, change);
  }

  remove({ action, index }: Open): void {
    if (action.kind !== 'add') {
      this.#observations.delete(index);
      return;
    }
    const left = (this.#changes.get(action.delta) ?? []).filter((change) => change.index !== index);
    if (left.length === 0) this.#changes.delete(action.delta);
    else this.#changes.set(action.delta, left);
  }

  /** Places what only looks and fits. */
  look(state: State): State {
    let { seen } = state;
    for (const { bit, action } of this.#observations.values()) {
      if ((seen & bit) === 0n && isSo(action, state.quantity)) seen |= bit;
    }
    return seen === state.seen ? state : { ...state, seen };
  }

  /** What has not been seen yet. */
  *waiting({ seen }: State): Generator<Open> {
    for (const open of this.#observations.values()) if ((seen & open.bit) === 0n) yield open;
  }

  /** Of the changes that are not placed, the one of each amount that must be placed first. */
  *candidates({ placed }: State): Generator<Change> {
    for (const same of this.#changes.values()) {
      const first = same.find(({ bit }) => (placed & bit) === 0n);
      if (first !== undefined) yield first;
    }
  }

  /** The largest amount, as an absolute number. */
  get deltaMax(): number {
    return Math.max(0, ...[...this.#changes.keys()].map(Math.abs));
  }

  get all(): readonly Open[] {
    return [...this.#observations.values(), ...[...this.#changes.values()].flat()];
  }
}

function comesBefore(a: Change, b: Change): boolean {
  return a.deadline < b.deadline || (a.deadline === b.deadline && a.index < b.index);
}

function isSo(action: StockAction, quantity: number): boolean {
  switch (action.kind) {
    case 'add':
      return false;
    case 'exactly':
      return quantity === action.quantity;
    case 'below':
      return quantity < action.quantity;
  }
}

export function isDone(state: State, { bit }: Open): boolean {
  return ((state.placed | state.seen) & bit) !== 0n;
}
