/**
 * Whether all that clients saw of one stock can be put in one order that respects real time (Herlihy and Wing,
 * "Linearizability", 1990). The search is that of Wing and Gong with memoisation, in Lowe's just-in-time form
 * ("Testing for linearizability", 2017): it walks through the history in time, and whenever an operation returns,
 * takes up what must have happened before; where it comes to a dead end, it goes back and takes up more.
 */
import { OpenTable, isDone, type Change, type Open } from './open-table.js';
import { addUndominated, type State } from './search-state.js';
import type { StockOperation } from './stock-operation.js';
import { Window } from './window.js';

export type { StockOperation };

/** What the search came to. */
export type Linearization =
  | { readonly kind: 'linearizable' }
  | { readonly kind: 'violated'; readonly reason: string }
  /** The search was given up: nothing is known. The reason tells how far it came. */
  | { readonly kind: 'undecided'; readonly reason: string };

/** States looked at before the search for one stock is given up. */
const STATES_MAX = 10_000_000;

/** Changes that are placed before one return, at most, at the first try and at each further one. */
const DEPTHS = [2, 4, 7, Infinity] as const;

/** States that are followed at a time, those with the fewest changes first; the others wait until these are at an end. */
const BEAM = 12;

/** Open operations named in a report. */
const NAMED_MAX = 8;

interface Event {
  readonly kind: 'call' | 'return';
  readonly at: number;
  readonly open: Open;
}

/** Where the search can go back to: the states before an event, and how deep to look this time. */
interface Fork {
  readonly event: number;
  readonly states: readonly State[];
  readonly depth: number;
}

/** Searches for an order of the operations on one stock. */
export function linearize(
  initial: number,
  operations: readonly StockOperation[],
  statesMax = STATES_MAX,
): Linearization {
  return new Search(initial, operations, statesMax).run();
}

class Search {
  readonly #events: readonly Event[];
  readonly #statesMax: number;
  readonly #table = new OpenTable();
  readonly #forks: Fork[] = [];
  /** What was reached behind each event: reached again, it would come to the same end. */
  readonly #reached = new Map<number, State[]>();
  #states: readonly State[];
  #looked = 0;
  #next = 0;
  #furthest: { readonly event: number; readonly reason: string } = { event: -1, reason: '' };

  constructor(initial: number, operations: readonly StockOperation[], statesMax: number) {
    this.#statesMax = statesMax;
    this.#states = [{ quantity: initial, placed: 0n, placedCount: 0, seen: 0n }];
    this.#events = eventsOf(operations);
  }

  run(): Linearization {
    let depth = 0;
    for (;;) {
      const event = this.#events[this.#next];
      if (event === undefined) return { kind: 'linearizable' };
      const { open } = event;
      if (event.kind === 'call') {
        this.#table.add(open);
        if (open.action.kind !== 'add') this.#states = this.#states.map((state) => this.#table.look(state));
        this.#next += 1;
        continue;
      }
      const states = this.#place(open, depth);
      if (states === null) {
        return {
          kind: 'undecided',
          reason: `given up after ${this.#looked} states: ${this.#furthest.reason}`,
        };
      }
      if (states.length > 0) {
        this.#states = states;
        this.#table.remove(open);
        this.#next += 1;
        depth = 0;
        continue;
      }
      this.#noteDeadEnd(open);
      const fork = this.#forks.pop();
      if (fork === undefined) return { kind: 'violated', reason: this.#furthest.reason };
      this.#goBack(fork);
      depth = fork.depth;
    }
  }

  /** Every new state with the operation placed, looking deeper until there is one; null where the search is given up. */
  #place(goal: Open, depthFrom: number): State[] | null {
    const reached = this.#reached.get(this.#next) ?? [];
    this.#reached.set(this.#next, reached);
    for (let depth = depthFrom; depth < DEPTHS.length; depth += 1) {
      const after: State[] = [];
      let isCut = false;
      for (const state of this.#states) {
        if (isDone(state, goal)) addUndominated(after, state);
        else if (this.#explore(state, goal, after, DEPTHS[depth] ?? Infinity)) isCut = true;
      }
      if (this.#looked > this.#statesMax) return null;
      const closed = after.map((state) => close(state, goal));
      const fresh = closed.filter((state) => addUndominated(reached, state));
      if (fresh.length > 0) {
        if (isCut) this.#forks.push({ event: this.#next, states: this.#states, depth: depth + 1 });
        return this.#narrow(fresh);
      }
      if (!isCut) break;
    }
    return [];
  }

  #narrow(states: State[]): State[] {
    if (states.length <= BEAM) return states;
    states.sort((a, b) => a.placedCount - b.placedCount);
    this.#forks.push({ event: this.#next + 1, states: states.slice(BEAM), depth: 0 });
    return states.slice(0, BEAM);
  }

  /**
   * Adds to `after` every state, reached by placing open changes, in which `goal` is placed and no earlier one was.
   * @returns whether there may be more beyond `depthMax` changes.
   */
  #explore(from: State, goal: Open, after: State[], depthMax: number): boolean {
    const alone = this.#placeAlone(from, goal);
    if (alone !== null) {
      addUndominated(after, alone);
      return false;
    }
    const window = this.#windowOf(from, goal);
    const visited = new Map<number, State[]>();
    let level: State[] = [from];
    for (let depth = 0; level.length > 0; depth += 1) {
      if (depth >= depthMax) return true;
      const next: State[] = [];
      for (const state of level) {
        for (const change of this.#table.candidates(state)) {
          if (++this.#looked > this.#statesMax) return true;
          const reached = this.#apply(state, change, change.bit === goal.bit ? null : window);
          if (reached === null) continue;
          if (isDone(reached, goal)) addUndominated(after, reached);
          else if (addUndominated(statesAt(visited, reached.quantity), reached)) next.push(reached);
        }
      }
      level = next;
    }
    return false;
  }

  #apply(state: State, change: Change, window: Window | null): State | null {
    const quantity = state.quantity + change.delta;
    if (quantity < 0 || (window !== null && !window.holds(quantity))) return null;
    return this.#table.look(placeChange(state, change));
  }

  /** Where nothing waits to be seen, a change that fits is placed and everything else can wait. */
  #placeAlone(from: State, { action, bit }: Open): State | null {
    if (action.kind !== 'add' || from.quantity + action.delta < 0) return null;
    for (const _waiting of this.#table.waiting(from)) return null;
    return placeChange(from, { delta: action.delta, bit });
  }

  /**
   * The quantities that a path has to touch are those that an open observation waits for, and that which lets the
   * goal be placed. Whatever changes lead from one to another, there is an order of them that stays near.
   */
  #windowOf(from: State, goal: Open): Window {
    const window = new Window(from.quantity, this.#table.deltaMax);
    if (goal.action.kind === 'add') window.include(Math.max(0, -goal.action.delta));
    for (const { action } of this.#table.waiting(from)) {
      if (action.kind === 'exactly') window.include(action.quantity);
      if (action.kind === 'below') window.include(Math.max(0, action.quantity - 1));
    }
    return window;
  }

  #noteDeadEnd(goal: Open): void {
    if (this.#next <= this.#furthest.event) return;
    const quantities = [...new Set(this.#states.map(({ quantity }) => quantity))].sort((a, b) => a - b);
    const others = this.#table.all.filter((open) => open !== goal).map(({ label }) => label);
    const more = others.length > NAMED_MAX ? ` and ${others.length - NAMED_MAX} more` : '';
    const named = `open beside it: ${others.slice(0, NAMED_MAX).join('; ')}${more}`;
    const beside = others.length === 0 ? 'nothing else open' : named;
    const reason = `${goal.label} fits nowhere: before it, the quantity can have been ${quantities.join(', ')}; ${beside}`;
    this.#furthest = { event: this.#next, reason };
  }

  #goBack(fork: Fork): void {
    while (this.#next > fork.event) {
      this.#next -= 1;
      const event = this.#events[this.#next];
      if (event?.kind === 'call') this.#table.remove(event.open);
      else if (event !== undefined) this.#table.add(event.open);
    }
    this.#states = fork.states;
  }
}

/**
 * Calls and returns in time. Calls come before returns of the same instant: operations that touch are taken for
 * concurrent. Each operation gets a bit that no other has while it is open.
 */
function eventsOf(operations: readonly StockOperation[]): Event[] {
  const events = operations.flatMap((operation, index) => {
    const deadline = operation.return_ns ?? Infinity;
    const call = { kind: 'call' as const, at: operation.call_ns, index, operation, deadline };
    return operation.return_ns === null ? [call] : [call, { ...call, kind: 'return' as const, at: deadline }];
  });
  const rank = ({ kind }: { readonly kind: 'call' | 'return' }): number => (kind === 'call' ? 0 : 1);
  events.sort((a, b) => a.at - b.at || rank(a) - rank(b) || a.index - b.index);
  const opened = new Map<number, Open>();
  const freeBits: bigint[] = [];
  let bits = 0n;
  return events.map(({ kind, at, index, operation, deadline }) => {
    const known = opened.get(index);
    if (known !== undefined) {
      freeBits.push(known.bit);
      return { kind, at, open: known };
    }
    const bit = freeBits.pop() ?? 1n << bits++;
    const open: Open = { action: operation.action, label: operation.label, index, deadline, bit };
    opened.set(index, open);
    return { kind, at, open };
  });
}

function placeChange(state: State, { delta, bit }: { readonly delta: number; readonly bit: bigint }): State {
  return {
    quantity: state.quantity + delta,
    placed: state.placed | bit,
    placedCount: state.placedCount + 1,
    seen: state.seen,
  };
}

/** Forgets an operation that is over. */
function close(state: State, { bit, action }: Open): State {
  const placedCount = action.kind === 'add' ? state.placedCount - 1 : state.placedCount;
  return { quantity: state.quantity, placed: state.placed & ~bit, placedCount, seen: state.seen & ~bit };
}

function statesAt(visited: Map<number, State[]>, quantity: number): State[] {
  const known = visited.get(quantity);
  if (known !== undefined) return known;
  const fresh: State[] = [];
  visited.set(quantity, fresh);
  return fresh;
}
