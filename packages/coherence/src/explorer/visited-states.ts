/** The visited states, in a few bytes each. The set is exact: states are compared, not only their hashes. */
import type { StateSpace } from './model.js';
import type { State } from './transition.js';

const INITIAL_LENGTH = 1 << 12;

/** A growing list of 32-bit numbers. */
export class Uint32List {
  #items = new Uint32Array(INITIAL_LENGTH);
  #length = 0;

  at(index: number): number {
    return this.#items[index] ?? 0;
  }

  push(item: number): void {
    if (this.#length === this.#items.length) {
      const grown = new Uint32Array(this.#length * 2);
      grown.set(this.#items);
      this.#items = grown;
    }
    this.#items[this.#length] = item;
    this.#length += 1;
  }
}

/** Assigns numbers from 0 to pairs of numbers: a hash table with linear probing that is at most half full. */
class Pairs {
  readonly #first = new Uint32List();
  readonly #second = new Uint32List();
  /** Number of the pair plus 1; 0 if the slot is free. */
  #slots = new Uint32Array(INITIAL_LENGTH * 2);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  first(number: number): number {
    return this.#first.at(number);
  }

  second(number: number): number {
    return this.#second.at(number);
  }

  of(a: number, b: number): number {
    const mask = this.#slots.length - 1;
    for (let slot = hash(a, b) & mask; ; slot = (slot + 1) & mask) {
      const number = (this.#slots[slot] ?? 0) - 1;
      if (number === -1) {
        this.#slots[slot] = this.#size + 1;
        break;
      }
      if (this.#first.at(number) === a && this.#second.at(number) === b) return number;
    }
    this.#first.push(a);
    this.#second.push(b);
    this.#size += 1;
    if (this.#size * 2 > this.#slots.length) this.#grow();
    return this.#size - 1;
  }

  #grow(): void {
    const slots = new Uint32Array(this.#slots.length * 2);
    const mask = slots.length - 1;
    for (let number = 0; number < this.#size; number += 1) {
      let slot = hash(this.#first.at(number), this.#second.at(number)) & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = number + 1;
    }
    this.#slots = slots;
  }
}

function hash(a: number, b: number): number {
  let mixed = Math.imul(a, 0x9e3779b1) ^ Math.imul(b, 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x2c1b3c6d);
  return (mixed ^ (mixed >>> 13)) >>> 0;
}

/**
 * Assigns numbers from 0 to states, and returns a state for its number. In a symmetric scenario a state and the
 * same state with the two catalogs and their front-ends swapped have one number, because no rule depends on a
 * name.
 */
export class VisitedStates {
  readonly #model: StateSpace;
  readonly #catalogs = new Pairs();
  readonly #frontends = new Pairs();
  readonly #processes = new Pairs();
  readonly #states = new Pairs();

  constructor(model: StateSpace) {
    this.#model = model;
  }

  get size(): number {
    return this.#states.size;
  }

  number(state: State): number {
    if (!this.#model.scenario.isSymmetric) return this.#number(state);
    const swapped = this.#model.swap(state);
    return this.#number(isFirst(state, swapped) ? state : swapped);
  }

  state(number: number): State {
    const { raftParts, catalogParts, frontendParts } = this.#model.processes;
    const { catalogs, frontends } = this.#model.scenario;
    const processes = this.#states.second(number);
    const list = (pairs: Pairs, head: number, length: number): number[] => {
      const numbers: number[] = new Array<number>(length);
      for (let at = length - 1, pair = head; at >= 0; at -= 1) {
        numbers[at] = pairs.second(pair);
        pair = pairs.first(pair);
      }
      return numbers;
    };
    return {
      raft: raftParts.at(this.#states.first(number)),
      catalogs: list(this.#catalogs, this.#processes.first(processes), catalogs.length).map((one) =>
        catalogParts.at(one),
      ),
      frontends: list(this.#frontends, this.#processes.second(processes), frontends).map((one) =>
        frontendParts.at(one),
      ),
    };
  }

  #number({ raft, catalogs, frontends }: State): number {
    let left = 0;
    for (const { number } of catalogs) left = this.#catalogs.of(left, number);
    let right = 0;
    for (const { number } of frontends) right = this.#frontends.of(right, number);
    return this.#states.of(raft.number, this.#processes.of(left, right));
  }
}

/** Whether `a` comes before `b` in the order of states by the numbers of their parts. */
function isFirst(a: State, b: State): boolean {
  if (a.raft.number !== b.raft.number) return a.raft.number < b.raft.number;
  for (const [index, { number }] of a.catalogs.entries()) {
    const other = b.catalogs[index]?.number ?? 0;
    if (number !== other) return number < other;
  }
  for (const [index, { number }] of a.frontends.entries()) {
    const other = b.frontends[index]?.number ?? 0;
    if (number !== other) return number < other;
  }
  return true;
}
