/** The initial state of a search, the steps from each state, and the next step of a fair scheduler. */
import { MemoizedFunction, type Part } from './parts.js';
import type { CatalogPart } from './catalog-part.js';
import type { FrontendPart } from './frontend-part.js';
import { ZERO_COUNTERS, valueAt, type RaftPart } from './raft-part.js';
import type { StepBounds, ExplorerScenario } from './scenario.js';
import { frontendName, Steps, type Step } from './steps.js';
import { ProcessTables, Transition, type State } from './transition.js';

const NO_FAULTS: StepBounds = {
  ...ZERO_COUNTERS,
  ticks: Infinity,
  authorityRequests: Infinity,
  leaseRequests: Infinity,
  lookUps: Infinity,
  lists: Infinity,
};

/** What the checks need to know of the leaders. */
interface RaftFacts {
  /** The visible value of each stock, which was acknowledged to clients. */
  readonly values: readonly number[];
  readonly wrong: string | null;
}

export class StateSpace {
  readonly scenario: ExplorerScenario;
  readonly processes: ProcessTables;
  readonly #steps: Steps;
  readonly #fairSteps: Steps;

  constructor(scenario: ExplorerScenario) {
    this.scenario = scenario;
    this.processes = new ProcessTables(scenario);
    this.#steps = new Steps(this.processes, scenario.bounds);
    this.#fairSteps = new Steps(this.processes, NO_FAULTS);
  }

  steps(state: State): readonly Step[] {
    return this.#steps.of(state);
  }

  take(state: State, step: Step): Transition {
    const transition = new Transition(this.processes, state);
    step.take(transition);
    return transition;
  }

  first(): State {
    const state = this.processes.first();
    return this.scenario.startsWithAuthority ? this.#atWork(state) : state;
  }

  /** The next state under a fair scheduler without further faults; null if no step changes anything. */
  fairNext(state: State): State | null {
    for (const step of this.#fairSteps.of(state)) {
      if (!step.isFair) continue;
      const next = this.take(state, step);
      if (isChanged(state, next)) return this.withoutCounters(next);
    }
    return null;
  }

  /** The same state with all counters reset. */
  withoutCounters(state: State): State {
    const to = new Transition(this.processes, state);
    to.callRaft(
      this.processes.onRaft('uncount', (_, part) => ({
        value: { ...part, used: ZERO_COUNTERS },
        effects: [],
      })),
    );
    const catalogs = this.processes.onCatalog('uncount', (_, part) => ({
      value: { ...part, requests: 0 },
      effects: [],
    }));
    for (const index of state.catalogs.keys()) to.callCatalog(index, catalogs);
    const frontends = this.processes.onFrontend('uncount', (_, part) => ({
      value: { ...part, requests: 0, lookUps: 0, lists: 0 },
      effects: [],
    }));
    for (const index of state.frontends.keys()) to.callFrontend(index, frontends);
    return to;
  }

  /** The same state with the two catalogs and their front-ends swapped. */
  swap({ raft, catalogs, frontends }: State): State {
    return {
      raft: this.#swappedRaft.of(raft),
      catalogs: catalogs.map((part) => this.#swappedCatalog.of(part)).reverse(),
      frontends: frontends.map((part) => this.#swappedFrontend.of(part)).reverse(),
    };
  }

  facts(part: Part<RaftPart>): RaftFacts {
    return this.#facts.of(part);
  }

  mayAnswer(part: Part<CatalogPart>): boolean {
    return this.#mayAnswer.of(part);
  }

  answersWithoutWaiting(part: Part<CatalogPart>): readonly boolean[] {
    return this.#answered.of(part);
  }

  cachedValues(part: Part<FrontendPart>): readonly (number | undefined)[] {
    return this.#cached.of(part);
  }

  readonly #swappedRaft = new MemoizedFunction<RaftPart, Part<RaftPart>>((part) =>
    this.processes.raftParts.intern(this.processes.raft.swap(part)),
  );
  readonly #swappedCatalog = new MemoizedFunction<CatalogPart, Part<CatalogPart>>((part) =>
    this.processes.catalogParts.intern(this.processes.catalogs.swap(part)),
  );
  readonly #swappedFrontend = new MemoizedFunction<FrontendPart, Part<FrontendPart>>((part) =>
    this.processes.frontendParts.intern(this.processes.frontends.swap(part)),
  );
  readonly #facts = new MemoizedFunction<RaftPart, RaftFacts>((part) => ({
    values: this.scenario.stocks.map((stock) => valueAt(part, part.visible, stock)),
    wrong: wrongLeader(part),
  }));
  readonly #mayAnswer = new MemoizedFunction<CatalogPart, boolean>((part) =>
    this.processes.catalogs.mayAnswer(part),
  );
  readonly #answered = new MemoizedFunction<CatalogPart, readonly boolean[]>((part) =>
    this.processes.catalogs.answeredAtOnce(part),
  );
  readonly #cached = new MemoizedFunction<FrontendPart, readonly (number | undefined)[]>((part) =>
    this.processes.frontends.cached(part),
  );

  /** Gives every catalog of the set authority, and every front-end a lease and all stocks in its cache. */
  #atWork(first: State): State {
    let state = this.withoutCounters(first);
    const take = (name: string): void => {
      const step = this.#fairSteps.of(state).find((one) => one.name === name);
      if (step === undefined) throw new Error(`step is not possible in the initial state: ${name}`);
      state = this.withoutCounters(this.take(state, step));
      for (let next: Step | undefined = step; next !== undefined;) {
        next = this.#fairSteps.of(state).find((one) => /receives|learns|sends|timer/.test(one.name));
        if (next !== undefined) state = this.withoutCounters(this.take(state, next));
      }
    };
    // Wait until authority of an earlier leader has expired.
    for (let ticks = 0; ticks <= this.scenario.authorityTicks + 1; ticks += 1) take('time passes');
    const { catalogs, initialSet, frontends, stocks } = this.scenario;
    const attached = catalogs.filter((id, at) => initialSet.includes(id) && catalogs.indexOf(id) === at);
    for (const id of attached) {
      take(`${id} attaches to leader 1`);
      take(`${id} requests authority`);
    }
    for (let index = 0; index < frontends; index += 1) {
      take(`${frontendName(index)} connects to ${attached[index % attached.length] ?? ''}`);
      take(`${frontendName(index)} requests a lease`);
      for (const stock of stocks) take(`${frontendName(index)} looks up ${stock}`);
    }
    return state;
  }
}

function wrongLeader({ leaders, history }: RaftPart): string | null {
  for (const [at, slot] of leaders.entries()) {
    if (slot !== null && slot.state.visible > history.length) {
      return `leader ${at + 1} makes entry ${slot.state.visible} visible, which is not committed`;
    }
  }
  return null;
}

function isChanged(before: State, after: State): boolean {
  return (
    before.raft !== after.raft ||
    before.catalogs.some((part, index) => part !== after.catalogs[index]) ||
    before.frontends.some((part, index) => part !== after.frontends[index])
  );
}
