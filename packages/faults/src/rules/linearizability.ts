/**
 * Checks whether all operations on one stock have a sequential order that respects real time (Herlihy and
 * Wing, "Linearizability", 1990). The algorithm is that of Wing and Gong with memoisation, in Lowe's
 * just-in-time form ("Testing for linearizability", 2017). It goes through the history in time. When an
 * operation returns, it places the operations that must have happened before. At a dead end it backtracks and
 * places more of them.
 */
import { OpenOperations, isPlaced, type OpenChange, type OpenOperation } from './open-operations.js';
import { addUndominated, type SearchState } from './search-state.js';
import type { StockOperation } from './stock-operation.js';
import { QuantityRange } from './quantity-range.js';

export type { StockOperation };

/** The result of the search. */
export type Linearization =
  | { readonly kind: 'linearizable' }
  | { readonly kind: 'violated'; readonly reason: string }
  /** The search exceeded its bound, without a result. The reason describes its progress. */
  | { readonly kind: 'undecided'; readonly reason: string };

/** Maximum number of visited states for one stock; beyond it the search is aborted. */
const STATES_MAX = 10_000_000;

/** How far one placement searches: changes in a row at most, and states that are kept for each quantity. */
interface Effort {
  readonly depth: number;
  readonly width: number;
}

/**
 * The efforts, tried in turn. After an outage a read may need dozens of orders of unknown outcome: a narrow search
 * without a limit of depth finds some combination of them, where a full one would try all.
 */
const EFFORTS: readonly Effort[] = [
  { depth: 2, width: Infinity },
  { depth: 4, width: Infinity },
  { depth: 7, width: Infinity },
  { depth: Infinity, width: 8 },
  { depth: Infinity, width: Infinity },
];

/**
 * Number of states that are followed at the same time, those with the fewest changes first; the others are
 * followed later.
 */
const BEAM = 12;

/** Maximum number of concurrent operations in a reason. */
const NAMED_MAX = 8;

interface Event {
  readonly kind: 'call' | 'return';
  readonly at: number;
  readonly open: OpenOperation;
}

/** A backtracking point: the states before an event, and the index in `EFFORTS` of the next attempt. */
interface Fork {
  readonly event: number;
  readonly states: readonly SearchState[];
  readonly effort: number;
}

/** Searches for a valid sequential order of the operations on one stock. */
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
  readonly #table = new OpenOperations();
  readonly #forks: Fork[] = [];
  /** States reached after each event; reaching one again would give the same result. */
  readonly #reached = new Map<number, SearchState[]>();
  #states: readonly SearchState[];
  #visited = 0;
  #next = 0;
  #furthest: { readonly event: number; readonly reason: string } = { event: -1, reason: '' };

  constructor(initial: number, operations: readonly StockOperation[], statesMax: number) {
    this.#statesMax = statesMax;
    this.#states = [{ quantity: initial, placed: 0n, placedCount: 0, observed: 0n }];
    this.#events = eventsOf(operations);
  }

  run(): Linearization {
    let effort = 0;
    for (;;) {
      const event = this.#events[this.#next];
      if (event === undefined) return { kind: 'linearizable' };
      const { open } = event;
      if (event.kind === 'call') {
        this.#table.add(open);
        if (open.action.kind !== 'add')
          this.#states = this.#states.map((state) => this.#table.placeObservations(state));
        this.#next += 1;
        continue;
      }
      const states = this.#place(open, effort);
      if (states === null) {
        return {
          kind: 'undecided',
          reason: `aborted after ${this.#visited} states: ${this.#furthest.reason}`,
        };
      }
      if (states.length > 0) {
        this.#states = states;
        this.#table.remove(open);
        this.#next += 1;
        effort = 0;
        continue;
      }
      this.#noteDeadEnd(open);
      const fork = this.#forks.pop();
      if (fork === undefined) return { kind: 'violated', reason: this.#furthest.reason };
      this.#goBack(fork);
      effort = fork.effort;
    }
  }

  /** All new states in which the operation is placed, at increasing depth; null if the search is aborted. */
  #place(goal: OpenOperation, effortFrom: number): SearchState[] | null {
    const reached = this.#reached.get(this.#next) ?? [];
    this.#reached.set(this.#next, reached);
    for (const [position, effort] of EFFORTS.entries()) {
      if (position < effortFrom) continue;
      const after: SearchState[] = [];
      let isCut = false;
      for (const state of this.#states) {
        if (isPlaced(state, goal)) addUndominated(after, state);
        else if (this.#explore(state, goal, after, effort)) isCut = true;
      }
      if (this.#visited > this.#statesMax) return null;
      const closed = after.map((state) => close(state, goal));
      const fresh = closed.filter((state) => addUndominated(reached, state));
      if (fresh.length > 0) {
        if (isCut) this.#forks.push({ event: this.#next, states: this.#states, effort: position + 1 });
        return this.#narrow(fresh);
      }
      if (!isCut) break;
    }
    return [];
  }

  #narrow(states: SearchState[]): SearchState[] {
    if (states.length <= BEAM) return states;
    states.sort((a, b) => a.placedCount - b.placedCount);
    this.#forks.push({ event: this.#next + 1, states: states.slice(BEAM), effort: 0 });
    return states.slice(0, BEAM);
  }

  /**
   * Adds to `after` every state with `goal` placed that is reached by placing open changes, `goal` as the
   * last one.
   * @returns whether there may be more states beyond the effort.
   */
  #explore(
    from: SearchState,
    goal: OpenOperation,
    after: SearchState[],
    { depth: depthMax, width }: Effort,
  ): boolean {
    const alone = this.#placeAlone(from, goal);
    if (alone !== null) {
      addUndominated(after, alone);
      return false;
    }
    const window = this.#windowOf(from, goal);
    const visited = new Map<number, SearchState[]>();
    let level: SearchState[] = [from];
    let isCut = false;
    for (let depth = 0; level.length > 0; depth += 1) {
      if (depth >= depthMax) return true;
      const next: SearchState[] = [];
      for (const state of level) {
        for (const change of this.#table.unplacedChanges(state)) {
          if (++this.#visited > this.#statesMax) return true;
          const reached = this.#apply(state, change, change.bit === goal.bit ? null : window);
          if (reached === null) continue;
          if (isPlaced(reached, goal)) addUndominated(after, reached);
          else {
            const known = statesAt(visited, reached.quantity);
            if (known.length >= width) isCut = true;
            else if (addUndominated(known, reached)) next.push(reached);
          }
        }
      }
      level = next;
    }
    return isCut;
  }

  #apply(state: SearchState, change: OpenChange, window: QuantityRange | null): SearchState | null {
    const quantity = state.quantity + change.delta;
    if (quantity < 0 || (window !== null && !window.contains(quantity))) return null;
    return this.#table.placeObservations(placeChange(state, change));
  }

  /** Without waiting observations, a change that fits is placed alone, and all others can be placed later. */
  #placeAlone(from: SearchState, { action, bit }: OpenOperation): SearchState | null {
    if (action.kind !== 'add' || from.quantity + action.delta < 0) return null;
    for (const _waiting of this.#table.unplacedObservations(from)) return null;
    return placeChange(from, { delta: action.delta, bit });
  }

  /**
   * The quantities that a path must reach: those of waiting observations, and the one at which the goal can
   * be placed. For any set of changes that leads from one to another, some order of them stays within the
   * window.
   */
  #windowOf(from: SearchState, goal: OpenOperation): QuantityRange {
    const window = new QuantityRange(from.quantity, this.#table.deltaMax);
    if (goal.action.kind === 'add') window.include(Math.max(0, -goal.action.delta));
    for (const { action } of this.#table.unplacedObservations(from)) {
      if (action.kind === 'exactly') window.include(action.quantity);
      if (action.kind === 'below') window.include(Math.max(0, action.quantity - 1));
    }
    return window;
  }

  #noteDeadEnd(goal: OpenOperation): void {
    if (this.#next <= this.#furthest.event) return;
    const quantities = [...new Set(this.#states.map(({ quantity }) => quantity))].sort((a, b) => a - b);
    const others = this.#table.all.filter((open) => open !== goal).map(({ label }) => label);
    const more = others.length > NAMED_MAX ? ` and ${others.length - NAMED_MAX} more` : '';
    const named = `concurrent operations: ${others.slice(0, NAMED_MAX).join('; ')}${more}`;
    const concurrent = others.length === 0 ? 'no concurrent operations' : named;
    const reason = `${goal.label} has no valid place: before it, the quantity can have been ${quantities.join(', ')}; ${concurrent}`;
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
 * Calls and returns, sorted by time. At the same time calls come before returns, so operations that touch
 * count as concurrent. Each operation has a bit that is unique among the open operations.
 */
function eventsOf(operations: readonly StockOperation[]): Event[] {
  const events = operations.flatMap((operation, index) => {
    const deadline = operation.return_ns ?? Infinity;
    const call = { kind: 'call' as const, at: operation.call_ns, index, operation, deadline };
    return operation.return_ns === null ? [call] : [call, { ...call, kind: 'return' as const, at: deadline }];
  });
  const rank = ({ kind }: { readonly kind: 'call' | 'return' }): number => (kind === 'call' ? 0 : 1);
  events.sort((a, b) => a.at - b.at || rank(a) - rank(b) || a.index - b.index);
  const opened = new Map<number, OpenOperation>();
  const freeBits: bigint[] = [];
  let bits = 0n;
  return events.map(({ kind, at, index, operation, deadline }) => {
    const known = opened.get(index);
    if (known !== undefined) {
      freeBits.push(known.bit);
      return { kind, at, open: known };
    }
    const bit = freeBits.pop() ?? 1n << bits++;
    const open: OpenOperation = { action: operation.action, label: operation.label, index, deadline, bit };
    opened.set(index, open);
    return { kind, at, open };
  });
}

function placeChange(
  state: SearchState,
  { delta, bit }: { readonly delta: number; readonly bit: bigint },
): SearchState {
  return {
    quantity: state.quantity + delta,
    placed: state.placed | bit,
    placedCount: state.placedCount + 1,
    observed: state.observed,
  };
}

/** Removes an operation that has returned from a state. */
function close(state: SearchState, { bit, action }: OpenOperation): SearchState {
  const placedCount = action.kind === 'add' ? state.placedCount - 1 : state.placedCount;
  return {
    quantity: state.quantity,
    placed: state.placed & ~bit,
    placedCount,
    observed: state.observed & ~bit,
  };
}

function statesAt(visited: Map<number, SearchState[]>, quantity: number): SearchState[] {
  const known = visited.get(quantity);
  if (known !== undefined) return known;
  const fresh: SearchState[] = [];
  visited.set(quantity, fresh);
  return fresh;
}
