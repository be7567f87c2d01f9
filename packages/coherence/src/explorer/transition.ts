/** One step from a state to the next: changes parts and passes their effects to other parts, as the adapters do. */
import type { LinkId, LogIndex } from '../index.js';
import { requestIdsOf, type CatalogPart, type CatalogPartEffect } from './catalog-part.js';
import { CatalogSteps } from './catalog-part.js';
import { sortedUnique, renumbering } from './clock.js';
import { FrontendSteps, knowsLink } from './frontend-part.js';
import type { FrontendEffect, FrontendPart, ToFrontend } from './frontend-part.js';
import { freeLink, processOf } from './links.js';
import { PartTable, canonicalText, type Call, type Part } from './parts.js';
import { openLinks, RaftSteps, requestIds, increment, valueAt, canonicalRaftText } from './raft-part.js';
import type { LeaderNumber, RaftEffect, RaftPart, Counters } from './raft-part.js';
import type { ExplorerScenario } from './scenario.js';

/** A state of the whole system. */
export interface State {
  readonly raft: Part<RaftPart>;
  readonly catalogs: readonly Part<CatalogPart>[];
  readonly frontends: readonly Part<FrontendPart>[];
}

type RaftCall = Call<RaftPart, RaftEffect>;
type CatalogCall = Call<CatalogPart, CatalogPartEffect>;
type FrontendCall = Call<FrontendPart, FrontendEffect>;

/** An effect of one part, as a call on another part. */
type Routed =
  | { readonly to: 'raft'; readonly call: RaftCall }
  | { readonly to: 'catalog'; readonly index: number; readonly call: CatalogCall }
  | { readonly to: 'frontend'; readonly index: number; readonly call: FrontendCall }
  /** An answer. The adapter of the catalog adds the values of the stocks. */
  | {
      readonly to: 'answer';
      readonly index: number;
      readonly names: readonly string[];
      readonly callOf: (catalog: number, values: readonly LogIndex[]) => FrontendCall;
    }
  /** A call that depends on the number of the sending catalog. */
  | {
      readonly to: 'frontendOf';
      readonly index: number;
      readonly callOf: (catalog: number) => FrontendCall;
    }
  | { readonly to: 'wrong'; readonly what: string };

/** All processes and the calls on them. Each call is created once and identified by its text. */
export class ProcessTables {
  readonly scenario: ExplorerScenario;
  readonly #raft: RaftSteps;
  readonly #catalogs: CatalogSteps;
  readonly #frontends: FrontendSteps;
  readonly raftParts: PartTable<RaftPart, RaftEffect, Routed>;
  readonly catalogParts: PartTable<CatalogPart, CatalogPartEffect, Routed>;
  readonly frontendParts: PartTable<FrontendPart, FrontendEffect, Routed>;

  constructor(scenario: ExplorerScenario) {
    this.scenario = scenario;
    this.#raft = new RaftSteps(scenario);
    this.#catalogs = new CatalogSteps(scenario);
    this.#frontends = new FrontendSteps(scenario);
    this.raftParts = new PartTable((effect) => this.#routeRaft(effect), canonicalRaftText);
    this.catalogParts = new PartTable((effect) => this.#routeCatalog(effect));
    this.frontendParts = new PartTable((effect) => this.#routeFrontend(effect));
  }

  get raft(): RaftSteps {
    return this.#raft;
  }

  get catalogs(): CatalogSteps {
    return this.#catalogs;
  }

  get frontends(): FrontendSteps {
    return this.#frontends;
  }

  /** The initial state: leader 1 was just elected, no catalog is attached and no front-end is connected. */
  first(): State {
    const { catalogs, frontends } = this.scenario;
    return {
      raft: this.raftParts.intern(this.#raft.first()),
      catalogs: catalogs.map((_, index) => this.catalogParts.intern(this.#catalogs.start(index, 0))),
      frontends: Array.from({ length: frontends }, () => this.frontendParts.intern(this.#frontends.first())),
    };
  }

  onRaft(text: string, act: (steps: RaftSteps, part: RaftPart) => ReturnType<RaftCall['act']>): RaftCall {
    return this.raftParts.call(text, (part) => act(this.#raft, part));
  }

  onCatalog(
    text: string,
    act: (steps: CatalogSteps, part: CatalogPart) => ReturnType<CatalogCall['act']>,
  ): CatalogCall {
    return this.catalogParts.call(text, (part) => act(this.#catalogs, part));
  }

  onFrontend(
    text: string,
    act: (steps: FrontendSteps, part: FrontendPart) => ReturnType<FrontendCall['act']>,
  ): FrontendCall {
    return this.frontendParts.call(text, (part) => act(this.#frontends, part));
  }

  /** Closes the catalog's end of a link to a leader. */
  catalogClosed(leader: LeaderNumber, link: LinkId, isReplaced: boolean): CatalogCall {
    return this.onCatalog(`detach ${leader} ${link} ${isReplaced}`, (steps, part) =>
      steps.detach(part, leader, link, isReplaced),
    );
  }

  /** Closes the leader's end of a link. */
  leaderClosed(leader: LeaderNumber, link: LinkId): RaftCall {
    return this.onRaft(`close ${leader} ${link}`, (steps, part) => steps.close(part, leader, link));
  }

  /** Breaks the front-end's end of a link. */
  frontendClosed(catalog: number, link: LinkId): FrontendCall {
    return this.onFrontend(`break ${catalog} ${link}`, (steps, part) => steps.breakLink(part, catalog, link));
  }

  #routeRaft(effect: RaftEffect): Routed {
    if (effect.do === 'wrong') return { to: 'wrong', what: effect.what };
    const { leader, link } = effect;
    const index = processOf(link);
    if (effect.do === 'close') {
      return { to: 'catalog', index, call: this.catalogClosed(leader, link, effect.isReplaced) };
    }
    const { message } = effect;
    const text = `send ${leader} ${link} ${canonicalText(message)}`;
    const call = this.onCatalog(text, (steps, part) => steps.send(part, leader, link, message));
    return { to: 'catalog', index, call };
  }

  #routeCatalog(effect: CatalogPartEffect): Routed {
    const { link } = effect;
    const index = processOf(link);
    if (effect.do === 'toLeader') {
      const { leader, message } = effect;
      const text = `from ${leader} ${link} ${canonicalText(message)}`;
      return {
        to: 'raft',
        call: this.onRaft(text, (steps, part) => steps.receive(part, leader, link, message)),
      };
    }
    if (effect.do === 'closeFrontend') {
      return { to: 'frontendOf', index, callOf: (catalog) => this.frontendClosed(catalog, link) };
    }
    const { message } = effect;
    const send = (catalog: number, sent: ToFrontend): FrontendCall =>
      this.onFrontend(`send ${catalog} ${link} ${canonicalText(sent)}`, (steps, part) =>
        steps.send(part, catalog, link, sent),
      );
    if (message.t !== 'stock' && message.t !== 'page')
      return { to: 'frontendOf', index, callOf: (catalog) => send(catalog, message) };
    const names = message.t === 'stock' ? [message.name] : this.scenario.stocks;
    return { to: 'answer', index, names, callOf: (catalog, values) => send(catalog, { ...message, values }) };
  }

  #routeFrontend(effect: FrontendEffect): Routed {
    if (effect.do === 'wrong') return { to: 'wrong', what: effect.what };
    const { catalog, link, message } = effect;
    const text = `from ${link} ${canonicalText(message)}`;
    const call = this.onCatalog(text, (steps, part) => steps.receiveFromFrontend(part, link, message));
    return { to: 'catalog', index: catalog, call };
  }
}

/**
 * Upward messages (requests, `attach`, `revoked`, `dropped`) arrive in the step in which they are sent. A
 * slower one leaves its sender less time or makes its receiver wait longer; a step that is taken later has the
 * same effect. Downward messages are delayed in every combination.
 */
export class Transition {
  readonly #processes: ProcessTables;
  raft: Part<RaftPart>;
  readonly catalogs: Part<CatalogPart>[];
  readonly frontends: Part<FrontendPart>[];
  /** Describes a wrong answer of this step; null if there is none. */
  wrong: string | null = null;

  constructor(processes: ProcessTables, { raft, catalogs, frontends }: State) {
    this.#processes = processes;
    this.raft = raft;
    this.catalogs = [...catalogs];
    this.frontends = [...frontends];
  }

  callRaft(call: RaftCall): void {
    const { part, effects } = this.#processes.raftParts.step(this.raft, call);
    this.raft = part;
    for (const effect of effects) this.#pass(effect, -1);
  }

  callCatalog(index: number, call: CatalogCall): void {
    const { part, effects } = this.#processes.catalogParts.step(this.catalog(index), call);
    this.catalogs[index] = part;
    for (const effect of effects) this.#pass(effect, index);
  }

  callFrontend(index: number, call: FrontendCall): void {
    const { part, effects } = this.#processes.frontendParts.step(this.frontend(index), call);
    this.frontends[index] = part;
    for (const effect of effects) this.#pass(effect, -1);
  }

  use(what: keyof Counters): void {
    this.callRaft(
      this.#processes.onRaft(`use ${what}`, (_, part) => ({ value: increment(part, what), effects: [] })),
    );
  }

  tick(): void {
    const processes = this.#processes;
    this.use('ticks');
    this.callRaft(processes.onRaft('tick', (steps, part) => ({ value: steps.tick(part), effects: [] })));
    const catalogs = processes.onCatalog('tick', (steps, part) => ({ value: steps.tick(part), effects: [] }));
    for (const index of this.catalogs.keys()) this.callCatalog(index, catalogs);
    const frontends = processes.onFrontend('tick', (steps, part) => ({
      value: steps.tick(part),
      effects: [],
    }));
    for (const index of this.frontends.keys()) this.callFrontend(index, frontends);
  }

  attach(index: number, leader: LeaderNumber): void {
    if (!this.#processes.scenario.isHalfOpen) this.detach(index);
    const { link: older, late } = this.catalog(index).value;
    const known = [...openLinks(this.raft.value, 0), ...openLinks(this.raft.value, 1), older, late?.link];
    const link = freeLink(index, (one) => known.includes(one));
    this.callCatalog(
      index,
      this.#processes.onCatalog(`attach ${leader} ${link}`, (steps, part) =>
        steps.attach(part, leader, link),
      ),
    );
  }

  /** The link between a catalog and its leader breaks. */
  detach(index: number): void {
    const { leader, link } = this.catalog(index).value;
    if (leader === null) return;
    this.callCatalog(index, this.#processes.catalogClosed(leader, link, false));
    this.#onCatalogDisconnected(leader, link);
  }

  requestAuthority(index: number): void {
    const { raft, catalogs } = { raft: this.raft.value, catalogs: this.catalog(index).value };
    const ids = sortedUnique([...requestIdsOf(catalogs), ...requestIds(raft, index)]);
    const text = `rename ${index} ${ids.join(' ')}`;
    const rename = renumbering(ids);
    this.callRaft(
      this.#processes.onRaft(text, (steps, part) => ({
        value: steps.rename(part, index, rename),
        effects: [],
      })),
    );
    this.callCatalog(
      index,
      this.#processes.onCatalog(text, (steps, part) => ({
        value: steps.rename(part, rename, ids.length),
        effects: [],
      })),
    );
    this.callCatalog(
      index,
      this.#processes.onCatalog('request', (steps, part) => steps.requestAuthority(part)),
    );
  }

  restartCatalog(index: number): void {
    this.#endCatalog(
      index,
      this.#processes.onCatalog(`restart ${index}`, (steps, part) => steps.restart(part, index)),
    );
  }

  stopCatalog(index: number): void {
    this.#endCatalog(
      index,
      this.#processes.onCatalog('stop', (steps, part) => steps.stop(part)),
    );
  }

  connect(frontend: number, index: number): void {
    const { value } = this.frontend(frontend);
    const { sessions } = this.catalog(index).value.state;
    const link = freeLink(frontend, (one) => sessions.has(one) || knowsLink(value, one));
    this.callFrontend(
      frontend,
      this.#processes.onFrontend(`connect ${index} ${link}`, (steps, part) =>
        steps.connect(part, index, link),
      ),
    );
    this.callCatalog(
      index,
      this.#processes.onCatalog(`connect ${link}`, (steps, part) => steps.connect(part, link)),
    );
  }

  /** The connection breaks. The catalog closes the session; the front-end has not noticed yet. */
  breakFrontendLink(frontend: number): void {
    const { catalog, link } = this.frontend(frontend).value;
    if (catalog === null) return;
    this.callFrontend(frontend, this.#processes.frontendClosed(catalog, link));
    this.callCatalog(
      catalog,
      this.#processes.onCatalog(`disconnect ${link}`, (steps, part) => steps.disconnect(part, link)),
    );
  }

  catalog(index: number): Part<CatalogPart> {
    const part = this.catalogs[index];
    if (part === undefined) throw new Error(`no catalog ${index}`);
    return part;
  }

  frontend(index: number): Part<FrontendPart> {
    const part = this.frontends[index];
    if (part === undefined) throw new Error(`no front-end ${index}`);
    return part;
  }

  #endCatalog(index: number, end: CatalogCall): void {
    const { leader, link } = this.catalog(index).value;
    this.callCatalog(index, end);
    if (leader !== null) this.#onCatalogDisconnected(leader, link);
  }

  /** The leader notices at once, or with half-open links in a later step. */
  #onCatalogDisconnected(leader: LeaderNumber, link: LinkId): void {
    if (!this.#processes.scenario.isHalfOpen) this.callRaft(this.#processes.leaderClosed(leader, link));
  }

  /** @param from number of the catalog that caused the effect, -1 for another process */
  #pass(effect: Routed, from: number): void {
    switch (effect.to) {
      case 'raft':
        this.callRaft(effect.call);
        break;
      case 'catalog':
        this.callCatalog(effect.index, effect.call);
        break;
      case 'frontend':
        this.callFrontend(effect.index, effect.call);
        break;
      case 'frontendOf':
        this.callFrontend(effect.index, effect.callOf(from));
        break;
      case 'answer': {
        const { visibleIndex } = this.catalog(from).value.state;
        const values = effect.names.map((name) => valueAt(this.raft.value, visibleIndex, name));
        this.callFrontend(effect.index, effect.callOf(from, values));
        break;
      }
      case 'wrong':
        this.wrong = effect.what;
    }
  }
}
