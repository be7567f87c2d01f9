/** Breadth-first search over all reachable states, so that the trace of a violation is a shortest one. */
import { InvariantError } from '@trireme/domain';
import { brokenRule, isProgressComplete } from './checks.js';
import { StateSpace } from './model.js';
import type { ExplorerScenario } from './scenario.js';
import { Uint32List, VisitedStates } from './visited-states.js';
import type { Step } from './steps.js';
import type { State } from './transition.js';

export interface Violation {
  readonly what: string;
  readonly trace: readonly string[];
}

export interface SearchResult {
  readonly states: number;
  readonly depth: number;
  /** Whether all reachable states were visited. */
  readonly isComplete: boolean;
  readonly violation: Violation | null;
}

export interface SearchOptions {
  /** The search stops, incomplete, when it has found more states. */
  readonly statesMax: number;
  /** Whether rule E is checked too, from every state. */
  readonly isFairnessChecked: boolean;
}

const NEVER_ANSWERED = 'a request, an entry or a catalog waits forever, although no more faults happen';

export function search(
  scenario: ExplorerScenario,
  { statesMax, isFairnessChecked }: SearchOptions,
): SearchResult {
  const model = new StateSpace(scenario);
  const seen = new VisitedStates(model);
  const fairness = new Fairness(model);
  /**
   * The state from which each state was first reached. States are expanded in the order of their numbers:
   * breadth-first.
   */
  const parents = new Uint32List();
  const first = model.first();
  seen.number(first);
  parents.push(0);
  let depth = 0;
  let levelEnd = 1;
  const violation = (what: string, number: number, last?: string): SearchResult => {
    const trace = [...retrace(model, seen, first, pathTo(parents, number))];
    if (last !== undefined) trace.push(last);
    return { states: seen.size, depth: trace.length, isComplete: false, violation: { what, trace } };
  };
  for (let number = 0; number < seen.size; number += 1) {
    if (number === levelEnd) {
      depth += 1;
      levelEnd = seen.size;
    }
    if (seen.size > statesMax) return { states: seen.size, depth, isComplete: false, violation: null };
    const state = seen.state(number);
    if (isFairnessChecked && !fairness.isAnswered(state)) return violation(NEVER_ANSWERED, number);
    for (const step of model.steps(state)) {
      const next = takeChecked(model, state, step);
      if (typeof next === 'string') return violation(next, number, step.name);
      const size = seen.size;
      const to = seen.number(next);
      if (to !== size) continue;
      parents.push(number);
      const broken = brokenRule(model, next);
      if (broken !== null) return violation(broken, to);
    }
  }
  return { states: seen.size, depth, isComplete: true, violation: null };
}

/** Takes a step. Returns the new state, or a description if the step breaks a rule. */
function takeChecked(model: StateSpace, state: State, step: Step): State | string {
  try {
    const next = model.take(state, step);
    return next.wrong ?? next;
  } catch (error) {
    if (error instanceof InvariantError) return error.message;
    throw error;
  }
}

/** Checks rule E along the path of a fair scheduler. */
class Fairness {
  readonly #model: StateSpace;
  readonly #seen: VisitedStates;
  /** By number of the state: whether everything is eventually answered from there. */
  readonly #isGood: boolean[] = [];

  constructor(model: StateSpace) {
    this.#model = model;
    this.#seen = new VisitedStates(model);
  }

  isAnswered(from: State): boolean {
    const path = new Set<number>();
    for (let state: State | null = this.#model.withoutCounters(from); state !== null;) {
      const number = this.#seen.number(state);
      if (path.has(number)) return false;
      path.add(number);
      if (this.#isGood[number] === true || isProgressComplete(this.#model, state)) {
        for (const one of path) this.#isGood[one] = true;
        return true;
      }
      state = this.#model.fairNext(state);
    }
    return false;
  }
}

/** The numbers of the states on the path to this one, without the first state. */
function pathTo(parents: Uint32List, number: number): number[] {
  const path: number[] = [];
  for (let at = number; at !== 0; at = parents.at(at)) path.unshift(at);
  return path;
}

/**
 * Names the steps of a path. In a symmetric scenario a number stands for two states, so the steps are taken
 * again.
 */
function retrace(model: StateSpace, seen: VisitedStates, first: State, path: readonly number[]): string[] {
  const names: string[] = [];
  let state = first;
  for (const number of path) {
    const step = model.steps(state).find((one) => seen.number(model.take(state, one)) === number);
    if (step === undefined) throw new Error(`no step leads to state ${number} of the path`);
    names.push(step.name);
    state = model.take(state, step);
  }
  return names;
}
