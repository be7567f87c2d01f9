/**
 * Breadth-first search over every world that can be reached, so that the trace of a violation is a shortest one. Of the
 * worlds themselves only the next level is kept.
 */
import { brokenRule, isDone } from './checks.js';
import { Explorer, type World } from './world.js';
import type { Scenario } from './scenario.js';

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

interface Node {
  readonly id: number;
  readonly world: World;
}

const PART_MAX = 2 ** 26;
const SHARDS = 256;

/** Numbers pairs of numbers, from 0. Exact: nothing rests on a hash. */
class Pairs {
  readonly #shards: Map<number, number>[] = Array.from({ length: SHARDS }, () => new Map<number, number>());
  #size = 0;

  get size(): number {
    return this.#size;
  }

  of(a: number, b: number): number {
    if (a >= PART_MAX || b >= PART_MAX) throw new Error('too many different parts of worlds');
    const shard = this.#shards[(a * 31 + b) % SHARDS];
    const key = a * PART_MAX + b;
    const known = shard?.get(key);
    if (known !== undefined) return known;
    shard?.set(key, this.#size);
    this.#size += 1;
    return this.#size - 1;
  }
}

/** The worlds that were seen. Two worlds are one if they differ only by which of two front-ends is called first. */
class Seen {
  readonly #catalogs = new Pairs();
  readonly #frontends = new Pairs();
  readonly #processes = new Pairs();
  readonly #worlds = new Pairs();

  get size(): number {
    return this.#worlds.size;
  }

  number({ raft, catalogs, frontends }: World): number {
    const left = catalogs.reduce((all, { number }) => this.#catalogs.of(all, number), 0);
    const right = frontends.reduce((all, { number }) => this.#frontends.of(all, number), 0);
    return this.#worlds.of(raft.number, this.#processes.of(left, right));
  }
}

/** How each world was reached. */
class Paths {
  readonly parents: number[] = [];
  readonly choices: number[] = [];

  /** The choices that lead from the first world to this one. */
  path(id: number): number[] {
    const path: number[] = [];
    for (let at = id; at !== 0; at = this.parents[at] ?? 0) path.unshift(this.choices[at] ?? 0);
    return path;
  }
}

export interface SearchOptions {
  /** The search ends there, incomplete. */
  readonly statesMax: number;
  /** Whether rule E is checked as well, from every state. */
  readonly isFairnessChecked: boolean;
}

export function search(scenario: Scenario, { statesMax, isFairnessChecked }: SearchOptions): SearchResult {
  const explorer = new Explorer(scenario);
  const seen = new Seen();
  const paths = new Paths();
  const fairness = new Fairness(explorer);
  const first = explorer.atWork();
  let level: Node[] = [{ id: seen.number(first), world: first }];
  let depth = 0;
  const violation = (what: string, id: number, last?: string): SearchResult => {
    const trace = [...retrace(explorer, first, paths.path(id)), ...(last === undefined ? [] : [last])];
    return { states: seen.size, depth: trace.length, isComplete: false, violation: { what, trace } };
  };
  while (level.length > 0) {
    const next: Node[] = [];
    for (const { id, world } of level) {
      if (isFairnessChecked && !fairness.isAnswered(world)) return violation(NEVER_ANSWERED, id);
      for (const [choice, step] of explorer.steps(world).entries()) {
        const result = step.take();
        if (result.wrong !== null) return violation(result.wrong, id, step.name);
        const size = seen.size;
        const to = seen.number(result.world);
        if (to !== size) continue;
        paths.parents[to] = id;
        paths.choices[to] = choice;
        const broken = brokenRule(explorer, result.world);
        if (broken !== null) return violation(broken, id, step.name);
        next.push({ id: to, world: result.world });
      }
      if (seen.size > statesMax) return { states: seen.size, depth, isComplete: false, violation: null };
    }
    level = next;
    depth += 1;
  }
  return { states: seen.size, depth: depth - 1, isComplete: true, violation: null };
}

const NEVER_ANSWERED = 'something is never answered, although no more faults happen';

/** Rule E, checked along the way of a fair scheduler. */
class Fairness {
  readonly #explorer: Explorer;
  readonly #seen = new Seen();
  /** By number: everything is answered in the end from here. */
  readonly #isGood: boolean[] = [];

  constructor(explorer: Explorer) {
    this.#explorer = explorer;
  }

  isAnswered(world: World): boolean {
    const path = new Set<number>();
    for (const at of this.#explorer.fairly(world)) {
      const number = this.#seen.number(at);
      if (path.has(number)) return false;
      path.add(number);
      if (this.#isGood[number] !== true && !isDone(this.#explorer, at)) continue;
      for (const one of path) this.#isGood[one] = true;
      return true;
    }
    return false;
  }
}

function retrace(explorer: Explorer, first: World, path: readonly number[]): string[] {
  const names: string[] = [];
  let world = first;
  for (const choice of path) {
    const step = explorer.steps(world)[choice];
    if (step === undefined) throw new Error('a path leads through a step that does not exist');
    names.push(step.name);
    world = step.take().world;
  }
  return names;
}
