/** The state that the explorer searches, made of shared parts, and every step that can follow it. */
import { usableMs, type FrontendToCatalog, type LinkId } from '../index.js';
import {
  CatalogSteps,
  type CatalogPart,
  type CatalogPartEffect,
  type CatalogResult,
} from './catalog-part.js';
import { NOW } from './clock.js';
import { FrontendSteps } from './frontend-part.js';
import type { FrontendEffect, FrontendPart, FrontendResult, ToFrontend } from './frontend-part.js';
import { Parts, write, type Part } from './parts.js';
import {
  catalogSet,
  committedAt,
  RaftSteps,
  slotOf,
  use,
  valueAt,
  type LeaderNumber,
  type RaftEffect,
  type RaftPart,
  type RaftResult,
  type Used,
} from './raft-part.js';
import type { Bounds, PlannedEntry, Scenario } from './scenario.js';

export interface World {
  readonly raft: Part<RaftPart>;
  readonly catalogs: readonly Part<CatalogPart>[];
  readonly frontends: readonly Part<FrontendPart>[];
}

/** One thing that can happen. */
interface Step {
  readonly name: string;
  /** It is no fault and must happen in the end if nothing prevents it. */
  readonly isFair: boolean;
  take(): StepResult;
}

interface StepResult {
  readonly world: World;
  /** What is wrong with an answer that was given, null if nothing is. */
  readonly wrong: string | null;
}

/** Links of a front-end have ids `frontend + LINKS * n`, with the lowest n that its catalog does not know. */
const LINKS = 8;
const LEADERS: readonly LeaderNumber[] = [0, 1];

const UNBOUNDED: Bounds = {
  elections: 0,
  leaderCrashes: 0,
  catalogBreaks: 0,
  frontendBreaks: 0,
  catalogRestarts: 0,
  leaderReads: 0,
  ticks: Infinity,
  authorityRequests: Infinity,
  leaseRequests: Infinity,
  lookUps: Infinity,
};

type Act = (draft: Draft) => void;
type Add = (name: string, act: Act) => void;

export class Explorer {
  readonly scenario: Scenario;
  #bounds: Bounds;
  readonly raft: RaftSteps;
  readonly catalogs: CatalogSteps;
  readonly frontends: FrontendSteps;
  readonly raftParts = new Parts<RaftPart, RaftEffect>();
  readonly catalogParts = new Parts<CatalogPart, CatalogPartEffect>();
  readonly frontendParts = new Parts<FrontendPart, FrontendEffect>();

  constructor(scenario: Scenario) {
    this.scenario = scenario;
    this.#bounds = UNBOUNDED;
    this.raft = new RaftSteps(scenario);
    this.catalogs = new CatalogSteps(scenario);
    this.frontends = new FrontendSteps(scenario);
  }

  /** All processes have started long ago; no catalog has attached and no front-end has connected. */
  first(): World {
    const { catalogs, frontends } = this.scenario;
    return {
      raft: this.raftParts.of(this.raft.first()),
      catalogs: catalogs.map((_, index) => {
        const part = this.catalogs.started(index);
        return this.catalogParts.of({ ...part, state: { ...part.state, attachFrom: NOW } });
      }),
      frontends: Array.from({ length: frontends }, () => this.frontendParts.of(this.frontends.first())),
    };
  }

  /** A cluster at work: every catalog of the set has authority, every front-end a lease and all stocks in its cache. */
  atWork(): World {
    this.#bounds = UNBOUNDED;
    let world = this.first();
    const { stocks, catalogs, frontends, initialSet } = this.scenario;
    const take = (name: string): void => {
      const step = this.steps(world).find((one) => one.name === name);
      if (step === undefined) throw new Error(`not possible at the start: ${name}`);
      world = step.take().world;
      for (;;) {
        const next = this.steps(world).find(
          (one) => one.isFair && /receives|confirms|grants|sends/.test(one.name),
        );
        if (next === undefined) return;
        world = next.take().world;
      }
    };
    // By then what an earlier leader may have granted is over.
    take('time passes');
    take('time passes');
    for (const id of catalogs) {
      if (!initialSet.includes(id)) continue;
      take(`${id} attaches to leader 1`);
      take(`${id} requests authority`);
    }
    for (let index = 0; index < frontends; index += 1) {
      take(`${frontendName(index)} connects to ${this.#catalog(index % initialSet.length)}`);
      take(`${frontendName(index)} requests a lease`);
      for (const stock of stocks) take(`${frontendName(index)} looks up ${stock}`);
    }
    this.#bounds = this.scenario.bounds;
    return this.#uncounted(world);
  }

  /** What a fair scheduler does from now on, if no more faults happen: the worlds that follow, each the first of `steps`. */
  *fairly(world: World): Generator<World> {
    const bounds = this.#bounds;
    this.#bounds = UNBOUNDED;
    try {
      for (let at = this.#uncounted(world); ;) {
        yield at;
        const step = this.steps(at).find(({ isFair }) => isFair);
        if (step === undefined) return;
        at = this.#uncounted(step.take().world);
      }
    } finally {
      this.#bounds = bounds;
    }
  }

  /** The same world with nothing counted. */
  #uncounted({ raft, catalogs, frontends }: World): World {
    return {
      raft: this.raftParts.of({ ...raft.value, used: this.raft.first().used }),
      catalogs: catalogs.map(({ value }) => this.catalogParts.of({ ...value, requests: 0 })),
      frontends: frontends.map(({ value }) => this.frontendParts.of({ ...value, requests: 0, lookUps: 0 })),
    };
  }

  /**
   * The steps that can follow, those first that a fair scheduler takes first: messages arrive, processes do what they have
   * to, and only if there is nothing else to do, time passes.
   */
  steps(world: World): Step[] {
    const steps: Step[] = [];
    const add = (name: string, isFair: boolean, act: Act): void => {
      const take = (): StepResult => {
        const draft = new Draft(this, world);
        act(draft);
        return { world: draft.world, wrong: draft.wrong };
      };
      steps.push({ name, isFair, take });
    };
    const fair: Add = (name, act) => add(name, true, act);
    const fault: Add = (name, act) => add(name, false, act);
    this.#deliveries(world, fair);
    this.#leaderSteps(world, fair);
    this.#readSteps(world, fair, fault);
    this.#catalogSteps(world, fair);
    this.#frontendSteps(world, fair, fault);
    this.#faults(world, fault);
    if (this.#mayUse(world.raft.value, 'ticks')) fair('time passes', (draft) => draft.tick());
    return steps;
  }

  #deliveries({ catalogs, frontends }: World, fair: Add): void {
    for (const [index, { value }] of catalogs.entries()) {
      const [message] = value.toCatalog;
      if (message === undefined) continue;
      fair(`${this.#catalog(index)} receives ${describe(message)}`, (draft) => draft.toCatalog(index));
    }
    for (const [index, { value }] of frontends.entries()) {
      const [message] = value.toFrontend;
      if (message === undefined) continue;
      fair(`${frontendName(index)} receives ${describe(message)}`, (draft) => draft.toFrontend(index));
    }
  }

  #leaderSteps({ raft }: World, fair: Add): void {
    const part = raft.value;
    for (const leader of LEADERS) {
      const slot = part.leaders[leader];
      if (slot === null) continue;
      const name = leaderName(leader);
      if (leader === 1 && !part.isReady) {
        fair(`${name} commits an entry of its term`, (draft) =>
          draft.onRaft('ready', (it) => this.raft.ready(it)),
        );
      }
      const committed = committedAt(part, leader);
      if (slot.state.committed < committed) {
        fair(`${name} learns that ${committed} entries are committed`, (draft) =>
          draft.onRaft(`learn ${leader}`, (it) => this.raft.learnCommitted(it, leader)),
        );
      }
      if (this.raft.canAdvance(slot)) {
        fair(`${name} has waited long enough`, (draft) =>
          draft.onRaft(`timer ${leader}`, (it) => this.raft.timer(it, leader)),
        );
      }
      const next = this.scenario.plans[leader].find((entry) => !slot.log.includes(entry));
      if (next !== undefined) this.#logStep(part, leader, next, fair);
    }
    const [first] = part.leaders;
    if (!part.isElected && first !== null && part.acknowledged < first.log.length) {
      fair(`a majority holds entry ${part.acknowledged + 1}`, (draft) =>
        draft.onRaft('acknowledge', (it) => this.raft.acknowledgeEntry(it)),
      );
    }
    for (const [index, { leader, catalog, after }] of part.catchingUp.entries()) {
      const to = this.#catalog(catalog);
      fair(`${leaderName(leader)} sends its log to ${to}`, (draft) =>
        draft.onRaft(`catch up ${index}`, (it) => this.raft.catchUp(it, index, false)),
      );
      if (slotOf(part, leader).state.visible <= after) continue;
      fair(`${leaderName(leader)} sends a snapshot to ${to}`, (draft) =>
        draft.onRaft(`send snapshot ${index}`, (it) => this.raft.catchUp(it, index, true)),
      );
    }
    for (const [index, round] of part.rounds.entries()) {
      const name = leaderName(round.leader);
      const id = this.#catalog(round.catalog);
      if (!round.isAcknowledged && canConfirm(part, round.leader)) {
        fair(`a majority confirms ${name} for ${id}`, (draft) =>
          draft.onRaft(`round ${index}`, (it) => this.raft.acknowledgeRound(it, index)),
        );
      }
      if (round.isAcknowledged) {
        fair(`${name} grants authority to ${id}`, (draft) =>
          draft.onRaft(`grant ${index}`, (it) => this.raft.finishRound(it, index)),
        );
      }
    }
  }

  /** A catalog leaves the set only after it was retired and surely holds no authority. */
  #logStep(part: RaftPart, leader: LeaderNumber, entry: PlannedEntry, fair: Add): void {
    const slot = slotOf(part, leader);
    const name = leaderName(leader);
    const leaving = catalogSet(this.scenario, slot.log).filter(
      (id) => entry.catalogs?.includes(id) === false,
    );
    const active = leaving.filter((id) => slot.state.catalogs.get(id)?.retired !== true);
    for (const id of active) {
      fair(`${name} retires ${id}`, (draft) =>
        draft.onRaft(`retire ${leader} ${id}`, (it) => this.raft.retire(it, leader, id)),
      );
    }
    if (!leaving.every((id) => this.raft.mayRemove(slot, id))) return;
    fair(`${name} logs entry ${slot.log.length + 1}: ${entry.name}`, (draft) =>
      draft.onRaft(`log ${leader} ${entry.name}`, (it) => this.raft.log(it, leader, entry)),
    );
  }

  #readSteps({ raft }: World, fair: Add, fault: Add): void {
    const part = raft.value;
    for (const leader of LEADERS) {
      if (part.leaders[leader] === null || !this.#mayUse(part, 'leaderReads')) continue;
      fault(`${leaderName(leader)} is asked for a linearizable read`, (draft) =>
        draft.onRaft(`ask ${leader}`, (it) => this.raft.ask(it, leader)),
      );
    }
    for (const [index, read] of part.reads.entries()) {
      const name = leaderName(read.leader);
      const advance: Act = (draft) => draft.onRaft(`read ${index}`, (it) => this.raft.advanceRead(it, index));
      if (read.visibleFrom !== null) {
        const { visible } = slotOf(part, read.leader).state;
        if (visible >= read.visibleFrom) fair(`${name} answers a read with its visible state`, advance);
      } else if (read.isAcknowledged) fair(`${name} learns that its read is confirmed`, advance);
      else if (canConfirm(part, read.leader)) fair(`a majority confirms ${name} for a read`, advance);
    }
  }

  #catalogSteps({ raft, catalogs }: World, fair: Add): void {
    for (const [index, part] of catalogs.entries()) {
      const { state, leader, requests } = part.value;
      const id = this.#catalog(index);
      for (const other of LEADERS) {
        const slot = raft.value.leaders[other];
        if (slot?.state.catalogs.has(id) !== true || state.attachFrom > NOW) continue;
        // A catalog that follows the first leader moves on to the second; one that lost its link may attach to either.
        if (leader === null || (leader === 0 && other === 1)) {
          fair(`${id} attaches to ${leaderName(other)}`, (draft) => draft.attach(index, other));
        }
      }
      // One request for each tick: a second one in the same tick would be granted the same authority.
      const isAsked = [...state.authority.requestedAt.values()].includes(NOW);
      const isFresh = state.authority.until >= usableMs(this.scenario.authorityTicks);
      if (leader !== null && !isAsked && !isFresh && requests < this.#bounds.authorityRequests) {
        fair(`${id} requests authority`, (draft) => draft.requestAuthority(index));
      }
      if (this.isTimerDue(part)) {
        fair(`${id} acts on its timer`, (draft) =>
          draft.onCatalog(index, 'timer', (it) => this.catalogs.timer(it)),
        );
      }
    }
  }

  #frontendSteps({ raft, frontends }: World, fair: Add, fault: Add): void {
    const { leaseTicks, authorityTicks, stocks } = this.scenario;
    const fullLease = usableMs(Math.min(leaseTicks, usableMs(authorityTicks)));
    for (const [index, part] of frontends.entries()) {
      const { catalog, isBroken, lease, asked, requests, lookUps } = part.value;
      const name = frontendName(index);
      if (isBroken) fair(`${name} notices that its link is broken`, (draft) => draft.disconnect(index));
      if (catalog === null) {
        for (const at of this.scenario.catalogs.keys()) {
          fair(`${name} connects to ${this.#catalog(at)}`, (draft) => draft.connect(index, at));
        }
        continue;
      }
      if (isBroken) continue;
      const isAsked = [...lease.requestedAt.values()].includes(NOW);
      if (!isAsked && lease.until < fullLease && requests < this.#bounds.leaseRequests) {
        fair(`${name} requests a lease`, (draft) => draft.requestLease(index));
      }
      if (lookUps >= this.#bounds.lookUps) continue;
      for (const stock of stocks) {
        if (asked.has(stock) || this.frontends.cached(part.value, stock) !== undefined) continue;
        const floor = valueAt(raft.value, raft.value.visible, stock);
        fault(`${name} looks up ${stock}`, (draft) => draft.lookUp(index, stock, floor));
      }
    }
  }

  #faults({ raft, catalogs, frontends }: World, fault: Add): void {
    const part = raft.value;
    const [first] = part.leaders;
    if (this.#mayUse(part, 'elections') && !part.isElected && first !== null) {
      for (let inherited = part.acknowledged; inherited <= first.log.length; inherited += 1) {
        fault(`leader 2 is elected with ${inherited} entries`, (draft) =>
          draft.onRaft(`elect ${inherited}`, (it) => this.raft.elect(it, inherited)),
        );
      }
    }
    if (this.#mayUse(part, 'leaderCrashes') && part.isElected && first !== null) {
      fault('leader 1 crashes', (draft) => draft.onRaft('crash', (it) => this.raft.crash(it)));
    }
    for (const [index, { value }] of catalogs.entries()) {
      const id = this.#catalog(index);
      if (value.leader !== null && this.#mayUse(part, 'catalogBreaks')) {
        fault(`the link between ${id} and its leader breaks`, (draft) => {
          draft.use('catalogBreaks');
          draft.detach(index);
        });
      }
      if (this.#mayUse(part, 'catalogRestarts')) {
        fault(`${id} is killed and starts again`, (draft) => {
          draft.use('catalogRestarts');
          draft.restartCatalog(index);
        });
      }
    }
    if (!this.#mayUse(part, 'frontendBreaks')) return;
    for (const [index, { value }] of frontends.entries()) {
      if (value.catalog === null || value.isBroken) continue;
      fault(`the link of ${frontendName(index)} breaks`, (draft) => {
        draft.use('frontendBreaks');
        draft.breakFrontendLink(index);
      });
    }
  }

  isTimerDue(part: Part<CatalogPart>): boolean {
    return this.#timerDue.of(part);
  }

  answeredAtOnce(part: Part<CatalogPart>): readonly string[] {
    return this.#answered.of(part);
  }

  readonly #timerDue = new Facts((part: CatalogPart) => this.catalogs.isTimerDue(part));
  readonly #answered = new Facts((part: CatalogPart) => this.catalogs.answeredAtOnce(part));

  #mayUse({ used }: RaftPart, what: keyof Used): boolean {
    return used[what] < this.#bounds[what];
  }

  #catalog(index: number): string {
    return this.scenario.catalogs[index] ?? '';
  }
}

/** What the rules say about a part, worked out once. */
class Facts<S, T> {
  readonly #known: { readonly value: T }[] = [];
  readonly #ask: (value: S) => T;

  constructor(ask: (value: S) => T) {
    this.#ask = ask;
  }

  of({ number, value }: Part<S>): T {
    const known = (this.#known[number] ??= { value: this.#ask(value) });
    return known.value;
  }
}

/**
 * A world under construction: changes parts and carries their effects to the others, as the adapters do.
 *
 * Messages that travel upwards (requests, `attach`, `revoked`, `dropped`) arrive in the step in which they are sent. A slower
 * one gives its sender less time, or makes its receiver wait longer, as a step that comes later does as well. Messages that
 * travel downwards, and tell of changes, are delayed in every combination.
 */
class Draft {
  readonly #explorer: Explorer;
  #raft: Part<RaftPart>;
  readonly #catalogs: Part<CatalogPart>[];
  readonly #frontends: Part<FrontendPart>[];
  wrong: string | null = null;

  constructor(explorer: Explorer, { raft, catalogs, frontends }: World) {
    this.#explorer = explorer;
    this.#raft = raft;
    this.#catalogs = [...catalogs];
    this.#frontends = [...frontends];
  }

  get world(): World {
    return { raft: this.#raft, catalogs: this.#catalogs, frontends: this.#frontends };
  }

  onRaft(call: string, act: (part: RaftPart) => RaftResult): void {
    const { part, effects } = this.#explorer.raftParts.step(this.#raft, call, act);
    this.#raft = part;
    for (const effect of effects) {
      if (effect.do === 'wrong') this.wrong = effect.what;
      else if (effect.do === 'close') this.detach(effect.catalog);
      else {
        const { message } = effect;
        this.onCatalog(effect.catalog, `send ${write(message)}`, (it) =>
          this.#explorer.catalogs.send(it, message),
        );
      }
    }
  }

  onCatalog(index: number, call: string, act: (part: CatalogPart) => CatalogResult): void {
    const { part, effects } = this.#explorer.catalogParts.step(this.#catalog(index), call, act);
    this.#catalogs[index] = part;
    for (const effect of effects) {
      const frontend = effect.link % LINKS;
      const { catalog, link, isBroken } = this.#frontend(frontend).value;
      if (catalog !== index || link !== effect.link || isBroken) continue;
      if (effect.do === 'closeFrontend') this.#lose(frontend);
      else this.#sendToFrontend(frontend, this.#withValue(index, effect.message));
    }
    this.#toLeader(index);
  }

  use(what: keyof Used): void {
    this.onRaft(`use ${what}`, (it) => ({ value: use(it, what), effects: [] }));
  }

  tick(): void {
    const { raft, catalogs, frontends } = this.#explorer;
    this.use('ticks');
    this.onRaft('tick', (it) => ({ value: raft.tick(it), effects: [] }));
    for (const index of this.#catalogs.keys()) {
      this.onCatalog(index, 'tick', (it) => ({ value: catalogs.tick(it), effects: [] }));
    }
    for (const index of this.#frontends.keys()) {
      this.#onFrontend(index, 'tick', (it) => ({ value: frontends.tick(it), effects: [] }));
    }
  }

  attach(index: number, leader: LeaderNumber): void {
    this.detach(index);
    this.onCatalog(index, `attach ${leader}`, (it) => this.#explorer.catalogs.attach(it, leader));
  }

  detach(index: number): void {
    const { leader } = this.#catalog(index).value;
    if (leader === null) return;
    this.onCatalog(index, 'detach', (it) => this.#explorer.catalogs.detach(it));
    this.onRaft(`closed ${leader} ${index}`, (it) => this.#explorer.raft.closed(it, leader, index));
  }

  requestAuthority(index: number): void {
    const rounds = this.#raft.value.rounds.filter(({ catalog }) => catalog === index).map(({ id }) => id);
    this.onCatalog(index, `request ${rounds.join(' ')}`, (it) =>
      this.#explorer.catalogs.requestAuthority(it, rounds),
    );
  }

  #toLeader(index: number): void {
    const { leader, toLeader } = this.#catalog(index).value;
    const [message] = toLeader;
    if (leader === null || message === undefined) return;
    this.onCatalog(index, 'sent', (it) => this.#explorer.catalogs.sent(it));
    this.onRaft(`from ${leader} ${index} ${write(message)}`, (it) =>
      this.#explorer.raft.receive(it, leader, index, message),
    );
    this.#toLeader(index);
  }

  toCatalog(index: number): void {
    this.onCatalog(index, 'receive', (it) => this.#explorer.catalogs.receive(it));
  }

  restartCatalog(index: number): void {
    this.detach(index);
    this.onCatalog(index, 'restart', () => ({ value: this.#explorer.catalogs.started(index), effects: [] }));
    for (const [at, { value }] of this.#frontends.entries()) if (value.catalog === index) this.#lose(at);
  }

  connect(frontend: number, index: number): void {
    const { sessions } = this.#catalog(index).value.state;
    let link: LinkId = frontend;
    while (sessions.has(link)) link += LINKS;
    this.#onFrontend(frontend, `connect ${index} ${link}`, (it) =>
      this.#explorer.frontends.connect(it, index, link),
    );
    this.onCatalog(index, `connect ${link}`, (it) => this.#explorer.catalogs.connected(it, link));
  }

  /** The connection breaks. The catalog closes the session; the front-end has yet to notice. */
  breakFrontendLink(frontend: number): void {
    const { catalog, link } = this.#frontend(frontend).value;
    this.#lose(frontend);
    if (catalog === null) return;
    this.onCatalog(catalog, `disconnect ${link}`, (it) => this.#explorer.catalogs.disconnected(it, link));
  }

  disconnect(frontend: number): void {
    this.#onFrontend(frontend, 'disconnect', (it) => this.#explorer.frontends.disconnect(it));
  }

  requestLease(frontend: number): void {
    this.#onFrontend(frontend, 'request', (it) => this.#explorer.frontends.requestLease(it));
  }

  lookUp(frontend: number, stock: string, floor: number): void {
    this.#onFrontend(frontend, `look up ${stock} ${floor}`, (it) =>
      this.#explorer.frontends.lookUp(it, stock, floor),
    );
  }

  #fromFrontend(frontend: number): void {
    const { catalog, link, toCatalog } = this.#frontend(frontend).value;
    const [message] = toCatalog;
    if (catalog === null || message === undefined) return;
    this.#onFrontend(frontend, 'sent', (it) => this.#explorer.frontends.sent(it));
    this.#toCatalogFrom(catalog, link, message);
  }

  toFrontend(frontend: number): void {
    this.#onFrontend(frontend, 'receive', (it) => this.#explorer.frontends.receive(it));
  }

  #toCatalogFrom(catalog: number, link: LinkId, message: FrontendToCatalog): void {
    this.onCatalog(catalog, `from ${link} ${write(message)}`, (it) =>
      this.#explorer.catalogs.receiveFromFrontend(it, link, message),
    );
  }

  #sendToFrontend(frontend: number, message: ToFrontend): void {
    this.#onFrontend(frontend, `send ${write(message)}`, (it) => this.#explorer.frontends.send(it, message));
  }

  #withValue(index: number, message: ToFrontend): ToFrontend {
    if (message.t !== 'stock') return message;
    const { visible } = this.#catalog(index).value.state;
    return { ...message, value: valueAt(this.#raft.value, visible, message.name) };
  }

  #lose(frontend: number): void {
    this.#onFrontend(frontend, 'lose', (it) => this.#explorer.frontends.lose(it));
  }

  #onFrontend(frontend: number, call: string, act: (part: FrontendPart) => FrontendResult): void {
    const { part, effects } = this.#explorer.frontendParts.step(this.#frontend(frontend), call, act);
    this.#frontends[frontend] = part;
    for (const { what } of effects) this.wrong = what;
    this.#fromFrontend(frontend);
  }

  #catalog(index: number): Part<CatalogPart> {
    const part = this.#catalogs[index];
    if (part === undefined) throw new Error(`no catalog ${index}`);
    return part;
  }

  #frontend(index: number): Part<FrontendPart> {
    const part = this.#frontends[index];
    if (part === undefined) throw new Error(`no front-end ${index}`);
    return part;
  }
}

/** A majority that has voted for the second leader confirms the first one no more. */
function canConfirm(part: RaftPart, leader: LeaderNumber): boolean {
  return leader === 0 ? !part.isElected : part.isReady;
}

function leaderName(leader: LeaderNumber): string {
  return `leader ${leader + 1}`;
}

function frontendName(index: number): string {
  return `front-end ${index + 1}`;
}

interface Described {
  readonly t: string;
  readonly index?: number;
  readonly name?: string;
  readonly value?: number;
}

function describe({ t, index, name, value }: Described): string {
  if (index !== undefined) return `"${t} ${index}"`;
  if (name === undefined) return `"${t}"`;
  return value === undefined ? `"${t} ${name}"` : `"${t} ${name} = ${value}"`;
}
