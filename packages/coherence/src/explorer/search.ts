/** Breadth-first search over every state that can be reached, so that the trace of a violation is a shortest one. */
import { InvariantError } from '@trireme/domain';
import { brokenRule, isDone } from './checks.js';
import { Model } from './model.js';
import type { Scenario } from './scenario.js';
import { Numbers, Seen } from './seen.js';
import type { Step } from './steps.js';
import type { State } from './transition.js';

export interface Violation {
  readonly what: string;
  readonly trace: readonly string[];
}

export interface SearchResult {
  readonly states: number;
  readonly depth: number;
  /** All states that can be reached were seen. */
  readonly isComplete: boolean;
  readonly violation: Violation | null;
}

export interface SearchOptions {
  /** The search ends there, incomplete. */
  readonly statesMax: number;
  /** Whether rule E is checked as well, from every state. */
  readonly isFairnessChecked: boolean;
}

const NEVER_ANSWERED = 'something is never answered, although no more faults happen';

export function search(scenario: Scenario, { statesMax, isFairnessChecked }: SearchOptions): SearchResult {
  const model = new Model(scenario);
  const seen = new Seen(model);
  const fairness = new Fairness(model);
  /** By which state each one was reached first. States are expanded in the order of their numbers: breadth-first. */
  const parents = new Numbers();
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

/** Takes a step. Returns what is wrong instead if it breaks a rule. */
function takeChecked(model: Model, state: State, step: Step): State | string {
  try {
    const next = model.take(state, step);
    return next.wrong ?? next;
  } catch (error) {
    if (error instanceof InvariantError) return error.message;
    throw error;
  }
}

/** Rule E, checked along the way of a fair scheduler. */
class Fairness {
  readonly #model: Model;
  readonly #seen: Seen;
  /** By number: everything is answered in the end from here. */
  readonly #isGood: boolean[] = [];

  constructor(model: Model) {
    this.#model = model;
    this.#seen = new Seen(model);
  }

  isAnswered(from: State): boolean {
    const path = new Set<number>();
    for (let state: State | null = this.#model.uncounted(from); state !== null;) {
      const number = this.#seen.number(state);
      if (path.has(number)) return false;
      path.add(number);
      if (this.#isGood[number] === true || isDone(this.#model, state)) {
        for (const one of path) this.#isGood[one] = true;
        return true;
      }
      state = this.#model.fairNext(state);
    }
    return false;
  }
}

/** The numbers of the states on the way to this one, without the first. */
function pathTo(parents: Numbers, number: number): number[] {
  const path: number[] = [];
  for (let at = number; at !== 0; at = parents.at(at)) path.unshift(at);
  return path;
}

/** The names of the steps. In a symmetric scenario a state stands for two: the steps are taken again from the first one. */
function retrace(model: Model, seen: Seen, first: State, path: readonly number[]): string[] {
  const names: string[] = [];
  let state = first;
  for (const number of path) {
    const step = model.steps(state).find((one) => seen.number(model.take(state, one)) === number);
    if (step === undefined) throw new Error('a path leads through a step that does not exist');
    names.push(step.name);
    state = model.take(state, step);
  }
  return names;
}
