/** All possible steps from a state, computed once for each part. */
import { holderLeaseMs } from '../index.js';
import type { CatalogPart } from './catalog-part.js';
import { NOW } from './clock.js';
import type { FrontendPart } from './frontend-part.js';
import { processOf } from './links.js';
import { MemoizedFunction, type Part } from './parts.js';
import { catalogSet, committableIndexes, openLinks, electionOutcomes, slotOf, valueAt } from './raft-part.js';
import type { LeaderNumber, RaftPart, Counters } from './raft-part.js';
import type { StepBounds, PlannedEntry } from './scenario.js';
import type { ProcessTables, State, Transition } from './transition.js';

/** A possible step. */
export interface Step {
  readonly name: string;
  /** Whether the step is not a fault, so that a fair scheduler takes it eventually. */
  readonly isFair: boolean;
  readonly take: (transition: Transition) => void;
}

type Add = (name: string, take: Step['take']) => void;

const LEADERS: readonly LeaderNumber[] = [0, 1];

/**
 * What the steps of catalogs and front-ends depend on in addition to their own part. Equal facts are one
 * object.
 */
interface Facts {
  readonly number: number;
  /** For each catalog, the leaders to which it may attach. */
  readonly attachable: readonly (readonly LeaderNumber[])[];
  readonly mayBreakCatalog: boolean;
  readonly mayRestartCatalog: boolean;
  readonly mayBreakFrontend: boolean;
  /** The visible value of each stock. */
  readonly floors: readonly number[];
}

export class Steps {
  readonly #processes: ProcessTables;
  readonly #bounds: StepBounds;
  readonly #byText = new Map<string, Facts>();
  readonly #raft: MemoizedFunction<RaftPart, { readonly steps: readonly Step[]; readonly facts: Facts }>;
  readonly #ofCatalog: MemoizedFunction<CatalogPart, readonly Step[]>[][] = [];
  readonly #ofFrontend: MemoizedFunction<FrontendPart, readonly Step[]>[][] = [];
  readonly #tick: Step = { name: 'time passes', isFair: true, take: (to) => to.tick() };

  constructor(processes: ProcessTables, bounds: StepBounds) {
    this.#processes = processes;
    this.#bounds = bounds;
    this.#raft = new MemoizedFunction((part) => ({ steps: this.#ofRaft(part), facts: this.#facts(part) }));
  }

  /**
   * All steps from a state, in the order in which a fair scheduler prefers them: messages arrive, processes
   * act, and time passes only if nothing else is possible.
   */
  of({ raft, catalogs, frontends }: State): readonly Step[] {
    const { steps, facts } = this.#raft.of(raft);
    const all = [...steps];
    for (let index = 0; index < catalogs.length; index += 1) {
      const part = catalogs[index];
      if (part !== undefined) all.push(...this.#catalog(part, index, facts));
    }
    for (let index = 0; index < frontends.length; index += 1) {
      const part = frontends[index];
      if (part !== undefined) all.push(...this.#frontend(part, index, facts));
    }
    if (raft.value.used.ticks < this.#bounds.ticks) all.push(this.#tick);
    return all;
  }

  #catalog(part: Part<CatalogPart>, index: number, facts: Facts): readonly Step[] {
    const memos = (this.#ofCatalog[facts.number] ??= []);
    const memo = (memos[index] ??= new MemoizedFunction((value) => this.#catalogSteps(value, index, facts)));
    return memo.of(part);
  }

  #frontend(part: Part<FrontendPart>, index: number, facts: Facts): readonly Step[] {
    const memos = (this.#ofFrontend[facts.number] ??= []);
    const memo = (memos[index] ??= new MemoizedFunction((value) => this.#frontendSteps(value, index, facts)));
    return memo.of(part);
  }

  #facts(part: RaftPart): Facts {
    const { catalogs, stocks } = this.#processes.scenario;
    const facts: Omit<Facts, 'number'> = {
      attachable: catalogs.map((id) =>
        LEADERS.filter((leader) => part.leaders[leader]?.state.catalogs.has(id)),
      ),
      mayBreakCatalog: this.#mayUse(part, 'catalogBreaks'),
      mayRestartCatalog: this.#mayUse(part, 'catalogRestarts'),
      mayBreakFrontend: this.#mayUse(part, 'frontendBreaks'),
      floors: stocks.map((name) => valueAt(part, part.visible, name)),
    };
    const text = JSON.stringify(facts);
    let known = this.#byText.get(text);
    if (known === undefined) {
      known = { ...facts, number: this.#byText.size };
      this.#byText.set(text, known);
    }
    return known;
  }

  #ofRaft(part: RaftPart): Step[] {
    const { fair, fault, steps } = collect();
    for (const leader of LEADERS) if (part.leaders[leader] !== null) this.#leaderSteps(part, leader, fair);
    this.#linkSteps(part, fair);
    this.#readSteps(part, fair, fault);
    this.#leaderFaults(part, fault);
    return steps;
  }

  #leaderSteps(part: RaftPart, leader: LeaderNumber, fair: Add): void {
    const processes = this.#processes;
    const slot = slotOf(part, leader);
    const name = leaderName(leader);
    for (const index of committableIndexes(part, leader)) {
      const call = processes.onRaft(`commit ${leader} ${index}`, (actor, value) =>
        actor.commit(value, leader, index),
      );
      fair(`${name} learns that ${index} entries are committed`, (to) => to.callRaft(call));
    }
    if (processes.raft.isTimerDue(slot)) {
      const call = processes.onRaft(`timer ${leader}`, (actor, value) => actor.timer(value, leader));
      fair(`${name} acts on its timer`, (to) => to.callRaft(call));
    }
    const next = processes.scenario.plans[leader].find((entry) => !slot.log.includes(entry));
    if (next !== undefined) this.#logStep(part, leader, next, fair);
  }

  /** A catalog leaves the set only after it was retired and its authority has expired. */
  #logStep(part: RaftPart, leader: LeaderNumber, entry: PlannedEntry, fair: Add): void {
    const processes = this.#processes;
    const slot = slotOf(part, leader);
    const name = leaderName(leader);
    const set = catalogSet(processes.scenario.initialSet, slot.log);
    const leaving = set.filter((id) => entry.catalogs?.includes(id) === false);
    for (const id of leaving) {
      if (slot.state.catalogs.get(id)?.isRetired === true) continue;
      const call = processes.onRaft(`retire ${leader} ${id}`, (actor, value) =>
        actor.retire(value, leader, id),
      );
      fair(`${name} retires ${id}`, (to) => to.callRaft(call));
    }
    if (!leaving.every((id) => processes.raft.mayRemove(slot, id))) return;
    const call = processes.onRaft(`log ${leader} ${entry.name}`, (actor, value) =>
      actor.log(value, leader, entry),
    );
    fair(`${name} logs entry ${slot.log.length + 1}: ${entry.name}`, (to) => to.callRaft(call));
  }

  #linkSteps(part: RaftPart, fair: Add): void {
    const processes = this.#processes;
    for (const [index, { leader, link, after }] of part.catchingUp.entries()) {
      const id = this.#catalogName(processOf(link));
      const log = processes.onRaft(`catch up ${index}`, (actor, value) => actor.catchUp(value, index, false));
      fair(`${leaderName(leader)} sends its log to ${id}`, (to) => to.callRaft(log));
      if (slotOf(part, leader).state.visible <= after) continue;
      const snapshot = processes.onRaft(`send snapshot ${index}`, (actor, value) =>
        actor.catchUp(value, index, true),
      );
      fair(`${leaderName(leader)} sends a snapshot to ${id}`, (to) => to.callRaft(snapshot));
    }
    for (const [index, { leader, link, isConfirmed }] of part.rounds.entries()) {
      if (leader === 0 && part.isElected && !isConfirmed) continue;
      const id = this.#catalogName(processOf(link));
      const call = processes.onRaft(`end round ${index}`, (actor, value) => actor.endRound(value, index));
      fair(`${leaderName(leader)} learns that its round for ${id} is confirmed`, (to) => to.callRaft(call));
    }
    if (!processes.scenario.isHalfOpen) return;
    for (const leader of LEADERS) {
      for (const link of openLinks(part, leader)) {
        const index = processOf(link);
        const call = processes.leaderClosed(leader, link);
        // Only the transition knows whether the link is closed at the catalog.
        const name = `${leaderName(leader)} notices that its link to ${this.#catalogName(index)} is closed`;
        fair(name, (to) => {
          const { value } = to.catalog(index);
          if (value.leader !== leader || value.link !== link) to.callRaft(call);
        });
      }
    }
  }

  #readSteps(part: RaftPart, fair: Add, fault: Add): void {
    const processes = this.#processes;
    for (const leader of LEADERS) {
      const slot = part.leaders[leader];
      if (slot === null || !this.#mayUse(part, 'leaderReads')) continue;
      if (slot.state.committed < slot.state.firstIndexOfTerm) continue;
      const call = processes.onRaft(`ask ${leader}`, (actor, value) => actor.startRead(value, leader));
      fault(`${leaderName(leader)} is asked for a linearizable read`, (to) => to.callRaft(call));
    }
    for (const [index, read] of part.reads.entries()) {
      const name = leaderName(read.leader);
      const call = processes.onRaft(`read ${index}`, (actor, value) => actor.advanceRead(value, index));
      const advance: Step['take'] = (to) => to.callRaft(call);
      if (read.visibleFrom !== null) {
        const { visible } = slotOf(part, read.leader).state;
        if (visible >= read.visibleFrom) fair(`${name} answers a read with its visible state`, advance);
      } else if (read.isConfirmed) fair(`${name} learns that its read is confirmed`, advance);
      else if (read.leader === 1 || !part.isElected) fair(`a majority confirms ${name} for a read`, advance);
    }
  }

  #leaderFaults(part: RaftPart, fault: Add): void {
    const processes = this.#processes;
    const [first] = part.leaders;
    if (first === null) return;
    if (this.#mayUse(part, 'elections') && !part.isElected) {
      for (const [at, outcome] of electionOutcomes(part, processes.scenario).entries()) {
        const { log, held, rounds } = outcome;
        const call = processes.onRaft(`elect ${at}`, (actor, value) => {
          const chosen = electionOutcomes(value, processes.scenario)[at];
          if (chosen === undefined) throw new Error(`no outcome ${at} of the election`);
          return actor.elect(value, chosen);
        });
        const names = log.map((entry) => entry.name).join(', ');
        const confirmed = rounds.filter((one) => one).length;
        const known = rounds.length > 0 ? `, rounds confirmed before: ${confirmed} of ${rounds.length}` : '';
        fault(`leader 2 is elected with log [${names}], committed up to ${held}${known}`, (to) =>
          to.callRaft(call),
        );
      }
    }
    if (this.#mayUse(part, 'leaderCrashes') && part.isElected) {
      const call = processes.onRaft('crash', (actor, value) => actor.crash(value));
      fault('leader 1 crashes', (to) => to.callRaft(call));
    }
  }

  #catalogSteps(part: CatalogPart, index: number, facts: Facts): Step[] {
    const processes = this.#processes;
    const { fair, fault, steps } = collect();
    const { state, leader, requests, toCatalog, late, isReplaced, isStopped } = part;
    const id = this.#catalogName(index);
    if (isStopped) return steps;
    const [message] = toCatalog;
    if (message !== undefined) {
      const call = processes.onCatalog('receive', (actor, value) => actor.receive(value));
      fair(`${id} receives ${describe(message)}`, (to) => to.callCatalog(index, call));
    }
    if (late !== null) {
      const call = processes.onCatalog('receive late', (actor, value) => actor.receiveLate(value));
      fair(`${id} handles ${describe(late.message)} of a closed link`, (to) => to.callCatalog(index, call));
    }
    if (isReplaced) fair(`${id} stops because another process replaced it`, (to) => to.stopCatalog(index));
    for (const other of facts.attachable[index] ?? []) {
      // A catalog of the first leader may move to the second; one without a link may attach to either.
      const isFree = leader === null || (leader === 0 && other === 1);
      if (isFree && !isReplaced)
        fair(`${id} attaches to ${leaderName(other)}`, (to) => to.attach(index, other));
    }
    // One request per tick: a second one in the same tick would be granted the same authority.
    const isAsked = [...state.authority.requestedAt.values()].includes(NOW);
    const isFresh = state.authority.until >= holderLeaseMs(processes.scenario.authorityTicks);
    if (leader !== null && !isAsked && !isFresh && requests < this.#bounds.authorityRequests) {
      fair(`${id} requests authority`, (to) => to.requestAuthority(index));
    }
    if (processes.catalogs.isTimerDue(part)) {
      const call = processes.onCatalog('timer', (actor, value) => actor.timer(value));
      fair(`${id} acts on its timer`, (to) => to.callCatalog(index, call));
    }
    if (leader !== null && facts.mayBreakCatalog) {
      fault(`the link between ${id} and its leader breaks`, (to) => {
        to.use('catalogBreaks');
        to.detach(index);
      });
    }
    if (facts.mayRestartCatalog) {
      fault(`${id} is killed and restarted`, (to) => {
        to.use('catalogRestarts');
        to.restartCatalog(index);
      });
    }
    return steps;
  }

  #frontendSteps(part: FrontendPart, index: number, facts: Facts): Step[] {
    const processes = this.#processes;
    const { leaseTicks, authorityTicks, stocks, catalogs } = processes.scenario;
    const { fair, fault, steps } = collect();
    const fullLease = holderLeaseMs(Math.min(leaseTicks, holderLeaseMs(authorityTicks)));
    const { catalog, isBroken, lease, asked, listed, requests, lookUps, lists, late, toFrontend } = part;
    const name = frontendName(index);
    const [message] = toFrontend;
    if (message !== undefined) {
      const call = processes.onFrontend('receive', (actor, value) => actor.receive(value));
      fair(`${name} receives ${describe(message)}`, (to) => to.callFrontend(index, call));
    }
    if (late !== null) {
      const call = processes.onFrontend('receive late', (actor, value) => actor.receiveLate(value));
      fair(`${name} handles ${describe(late.message)} of a closed link`, (to) =>
        to.callFrontend(index, call),
      );
    }
    if (isBroken) {
      const call = processes.onFrontend('disconnect', (actor, value) => actor.disconnect(value));
      fair(`${name} notices that its link is broken`, (to) => to.callFrontend(index, call));
      return steps;
    }
    if (catalog === null) {
      for (const at of catalogs.keys()) {
        // A stopped process accepts no connections.
        fair(`${name} connects to ${this.#catalogName(at)}`, (to) => {
          if (!to.catalog(at).value.isStopped) to.connect(index, at);
        });
      }
      return steps;
    }
    const isAsked = [...lease.requestedAt.values()].includes(NOW);
    if (!isAsked && lease.until < fullLease && requests < this.#bounds.leaseRequests) {
      const call = processes.onFrontend('request', (actor, value) => actor.requestLease(value));
      fair(`${name} requests a lease`, (to) => to.callFrontend(index, call));
    }
    const cached = processes.frontends.cached(part);
    for (const [at, stock] of stocks.entries()) {
      if (lookUps >= this.#bounds.lookUps || asked.has(stock) || cached[at] !== undefined) continue;
      const floor = facts.floors[at] ?? 0;
      const call = processes.onFrontend(`look up ${stock} ${floor}`, (actor, value) =>
        actor.lookUp(value, stock, floor),
      );
      fault(`${name} looks up ${stock}`, (to) => to.callFrontend(index, call));
    }
    if (listed === null && lists < this.#bounds.lists) {
      const { floors } = facts;
      const call = processes.onFrontend(`list ${floors.join(' ')}`, (actor, value) =>
        actor.list(value, floors),
      );
      fault(`${name} lists the stocks`, (to) => to.callFrontend(index, call));
    }
    if (facts.mayBreakFrontend) {
      fault(`the link of ${name} breaks`, (to) => {
        to.use('frontendBreaks');
        to.breakFrontendLink(index);
      });
    }
    return steps;
  }

  #mayUse({ used }: RaftPart, what: keyof Counters): boolean {
    return used[what] < this.#bounds[what];
  }

  /** The catalog's id; a second process of the same catalog gets a prime. */
  #catalogName(index: number): string {
    const { catalogs } = this.#processes.scenario;
    const id = catalogs[index] ?? '';
    return catalogs.indexOf(id) === index ? id : `${id}'`;
  }
}

function collect(): { readonly fair: Add; readonly fault: Add; readonly steps: Step[] } {
  const steps: Step[] = [];
  return {
    steps,
    fair: (name, take) => steps.push({ name, isFair: true, take }),
    fault: (name, take) => steps.push({ name, isFair: false, take }),
  };
}

function leaderName(leader: LeaderNumber): string {
  return `leader ${leader + 1}`;
}

export function frontendName(index: number): string {
  return `front-end ${index + 1}`;
}

interface Described {
  readonly t: string;
  readonly index?: number;
  readonly name?: string;
  readonly values?: readonly number[];
}

function describe({ t, index, name, values }: Described): string {
  if (index !== undefined) return `"${t} ${index}"`;
  const of = name === undefined ? t : `${t} ${name}`;
  return values === undefined ? `"${of}"` : `"${of} = ${values.join(', ')}"`;
}
