/**
 * The open operations of the search: called, and not returned yet. An observation is placed as soon as it
 * fits, because it changes nothing. Of two changes by the same amount, the one with the earlier deadline is
 * placed first. An operation with an unknown outcome never has to be placed, so it comes last.
 */
import type { SearchState } from './search-state.js';
import type { StockAction } from './stock-operation.js';

/** An open operation. */
export interface OpenOperation {
  readonly action: StockAction;
  readonly label: string;
  readonly index: number;
  /** Time by which it must be placed; Infinity if its outcome is unknown. */
  readonly deadline: number;
  readonly bit: bigint;
}

/** An open operation that changes the quantity. */
export interface OpenChange extends OpenOperation {
  readonly delta: number;
}

export class OpenOperations {
  /** By amount; each list is sorted by deadline. */
  readonly #changes = new Map<number, OpenChange[]>();
  readonly #observations = new Map<number, OpenOperation>();

  add(open: OpenOperation): void {
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

  remove({ action, index }: OpenOperation): void {
    if (action.kind !== 'add') {
      this.#observations.delete(index);
      return;
    }
    const left = (this.#changes.get(action.delta) ?? []).filter((change) => change.index !== index);
    if (left.length === 0) this.#changes.delete(action.delta);
    else this.#changes.set(action.delta, left);
  }

  /** Places all observations that fit the state. */
  placeObservations(state: SearchState): SearchState {
    let { observed } = state;
    for (const { bit, action } of this.#observations.values()) {
      if ((observed & bit) === 0n && fits(action, state.quantity)) observed |= bit;
    }
    return observed === state.observed ? state : { ...state, observed };
  }

  /** Observations that are not placed. */
  *unplacedObservations({ observed }: SearchState): Generator<OpenOperation> {
    for (const open of this.#observations.values()) if ((observed & open.bit) === 0n) yield open;
  }

  /** Changes that are not placed: for each amount, the one with the earliest deadline. */
  *unplacedChanges({ placed }: SearchState): Generator<OpenChange> {
    for (const same of this.#changes.values()) {
      const first = same.find(({ bit }) => (placed & bit) === 0n);
      if (first !== undefined) yield first;
    }
  }

  /** The largest amount, as an absolute number. */
  get deltaMax(): number {
    return Math.max(0, ...[...this.#changes.keys()].map(Math.abs));
  }

  get all(): readonly OpenOperation[] {
    return [...this.#observations.values(), ...[...this.#changes.values()].flat()];
  }
}

function comesBefore(a: OpenChange, b: OpenChange): boolean {
  return a.deadline < b.deadline || (a.deadline === b.deadline && a.index < b.index);
}

function fits(action: StockAction, quantity: number): boolean {
  switch (action.kind) {
    case 'add':
      return false;
    case 'exactly':
      return quantity === action.quantity;
    case 'below':
      return quantity < action.quantity;
  }
}

export function isPlaced(state: SearchState, { bit }: OpenOperation): boolean {
  return ((state.placed | state.observed) & bit) !== 0n;
}
