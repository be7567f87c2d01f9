/**
 * A simulation around the rules of the catalog: successive leaders that run the real leader rules, front-ends with real
 * caches and clocks of different rates, links that hold frames until they are delivered, and a catalog that crashes.
 * The test triggers every step, in virtual time. The simulation knows which entries are visible, and throws if an
 * answer was visible at no moment between the query and its answer.
 */
import { AuthorityManager, initialLeaderState, LeasedCache, type AuthorityEffect } from '@trireme/coherence';
import type {
  CatalogToFrontend,
  CatalogToReplica,
  Command,
  FrontendToCatalog,
  CatalogLookupResult,
  ReplicaToCatalog,
  StockWire,
} from '@trireme/domain';
import * as assert from 'uvu/assert';
import { CatalogCore } from '../catalog-core.js';
import { LIFE, stock } from './leader-log.js';
import { ReferenceLog } from './model-log.js';

/** Names of stocks. The last one is not listed at first. */
export const NAMES = ['A', 'B', 'C', 'N'] as const;

const AUTHORITY_MS = 100;
const TIMING = { authorityMs: AUTHORITY_MS, leaseMs: AUTHORITY_MS, lookupWaitMs: 400 };
/** Rate of the catalog's clock. */
const RATE = 0.95;

interface Leader {
  readonly rules: AuthorityManager;
  readonly term: number;
  link: number;
  /** Frames in flight to the catalog. */
  down: ReplicaToCatalog[];
  /** A newer leader was elected, so no majority confirms its rounds. */
  isDeposed: boolean;
}

interface Query {
  /** The stock, or null for a list. */
  readonly name: string | null;
  /** The last visible entry when the query was sent. */
  readonly visibleFrom: number;
}

export interface SimulatedFrontend {
  readonly name: string;
  /** Rate of its clock, relative to true time. */
  readonly rate: number;
  readonly cache: LeasedCache<StockWire>;
  link: number | null;
  toCatalog: FrontendToCatalog[];
  toFrontend: CatalogToFrontend[];
  /** Unanswered queries by kind and id. */
  readonly queries: Map<string, Query>;
  knowsLife: boolean;
  lastId: number;
}

export class CatalogSimulation {
  readonly frontends: readonly SimulatedFrontend[];
  readonly log = new ReferenceLog(NAMES.slice(0, 3).map((name) => stock(name, 100)));
  readonly counts = { answers: 0, pages: 0, cachedReads: 0, installs: 0, refusals: 0 };
  /** The last visible entry. */
  visible = 1;
  #committed = 1;
  #now = 0;
  /** Milliseconds that only the wall clock of the catalog counted. */
  #skipped = 0;
  #links = 0;
  #terms = 0;
  #processes = 0;
  /** The deposed leader, if any, then the current one. */
  readonly #leaders: Leader[] = [];
  #catalog: CatalogCore;
  #wakeAt: number | null = null;
  readonly #open = new Map<number, SimulatedFrontend>();

  constructor() {
    this.frontends = [0.9, 1, 1.1].map((rate, position) => ({
      name: `frontend-${position}`,
      rate,
      cache: new LeasedCache<StockWire>(new Map()),
      link: null,
      toCatalog: [],
      toFrontend: [],
      queries: new Map(),
      knowsLife: false,
      lastId: 0,
    }));
    this.#catalog = this.#newCatalog();
    this.#addLeader(1);
  }

  get unansweredCount(): number {
    return this.frontends.reduce((sum, { queries }) => sum + queries.size, 0);
  }

  get isAnswering(): boolean {
    return this.#catalog.unreadyReason(this.#catalogTime) === null;
  }

  /** Advances the time in steps, and fires the timers that are due. */
  advance(ms: number): void {
    for (let passed = 0; passed < ms; passed += 5) {
      this.#now += Math.min(5, ms - passed);
      if (this.#wakeAt !== null && this.#wakeAt <= this.#catalogTime)
        this.#input((now) => this.#catalog.tick(now));
      for (const leader of this.#leaders) this.#execute(leader, leader.rules.advance(this.#now));
    }
  }

  /** Sets the wall clock of the catalog forward. */
  setWallClockForward(ms: number): void {
    this.#skipped += ms;
    this.#catalog.onClockSkipped(ms);
    this.#input((now) => this.#catalog.tick(now));
  }

  // ---- leaders ----

  /** The leader appends a batch, or an entry without one. */
  append(commands: readonly Command[] | null, skip: readonly number[]): void {
    const names = this.log.append(commands, skip);
    this.#execute(this.#leader, this.#leader.rules.onLogged(this.log.lastIndex, names));
  }

  /** Commits the next `entries` entries. */
  commit(entries: number): void {
    this.#committed = Math.min(this.#committed + entries, this.log.lastIndex);
    this.#execute(this.#leader, this.#leader.rules.onCommitted(this.#committed, this.#now));
  }

  trim(): void {
    this.log.compactedIndex = this.visible;
  }

  /**
   * Elects a new leader, which has every committed entry.
   * @param kept number of uncommitted entries that it has
   * @param knownVisible number of entries that are visible to clients, but not yet to the new leader
   */
  elect(kept: number, knownVisible: number): void {
    this.#leader.isDeposed = true;
    this.log.truncate(Math.min(this.#committed + kept, this.log.lastIndex));
    this.#addLeader(Math.max(this.log.compactedIndex, this.visible - knownVisible, 1));
  }

  /** Breaks the link between the catalog and a leader, and opens it again. */
  breakLeaderLink(isDeposed: boolean): void {
    const leader = isDeposed ? this.#deposed : this.#leader;
    if (leader === undefined) return;
    this.#input((now) => this.#catalog.onReplicaClosed(leader.link, now));
    this.#unlink(leader);
    this.#connect(leader);
  }

  /** Delivers one frame of a leader to the catalog. */
  deliverToCatalog(isDeposed: boolean): void {
    const leader = isDeposed ? this.#deposed : this.#leader;
    const frame = leader?.down.shift();
    if (leader !== undefined && frame !== undefined)
      this.#input((now) => this.#catalog.onReplicaMessage(leader.link, frame, now));
  }

  /** Crashes the catalog and starts it again without data. */
  crash(): void {
    for (const { link } of [...this.#open.values()]) if (link !== null) this.#open.delete(link);
    for (const leader of this.#leaders) this.#unlink(leader);
    this.#catalog = this.#newCatalog();
    for (const leader of this.#leaders) this.#connect(leader);
  }

  // ---- front-ends ----

  open(frontend: SimulatedFrontend): void {
    if (frontend.link !== null) return;
    const link = ++this.#links;
    Object.assign(frontend, { link, toCatalog: [], toFrontend: [], knowsLife: false });
    frontend.queries.clear();
    frontend.cache.onConnected(link);
    this.#open.set(link, frontend);
    this.#input((now) => this.#catalog.onFrontendOpened(link, frontend.name, now));
  }

  renew(frontend: SimulatedFrontend): void {
    if (frontend.link === null) return;
    frontend.toCatalog.push({ t: 'renew', id: frontend.cache.requestLease(this.#now * frontend.rate) });
  }

  lookUp(frontend: SimulatedFrontend, name: string): void {
    if (frontend.link === null) return;
    const id = ++frontend.lastId;
    frontend.queries.set(`lookup ${id}`, { name, visibleFrom: this.visible });
    frontend.toCatalog.push({ t: 'lookup', items: [[id, name]] });
  }

  list(frontend: SimulatedFrontend): void {
    if (frontend.link === null) return;
    // Look-ups and lists may share ids.
    const id = frontend.lastId;
    frontend.queries.set(`list ${id}`, { name: null, visibleFrom: this.visible });
    frontend.toCatalog.push({ t: 'list', id, after: 'A', limit: 2 });
  }

  deliverToCatalogFrom(frontend: SimulatedFrontend): void {
    const { link } = frontend;
    const frame = frontend.toCatalog.shift();
    if (frame === undefined || link === null || !this.#open.has(link)) return;
    this.#input((now) => this.#catalog.onFrontendMessage(link, frame, now));
  }

  deliverToFrontend(frontend: SimulatedFrontend): void {
    const frame = frontend.toFrontend.shift();
    const { link, cache } = frontend;
    if (frame === undefined || link === null) return;
    switch (frame.t) {
      case 'life':
        assert.is(frame.life, LIFE);
        frontend.knowsLife = true;
        return;
      case 'lease':
        cache.onLease(link, frame.id, frame.ms);
        return;
      case 'revoke':
        cache.revoke(frame.names);
        frontend.toCatalog.push({ t: 'dropped', seq: frame.seq });
        return;
      case 'stocks':
        for (const result of frame.items) this.#onResult(frontend, link, result);
        return;
      case 'page':
      case 'pageUnready':
        frontend.queries.delete(`list ${frame.id}`);
        return;
      case 'pageInvalid':
      case 'report':
        throw new Error(`unexpected frame ${frame.t}`);
    }
  }

  /** The catalog notices that the link is broken; the front-end may notice it much later. */
  closeLinkAtCatalog({ link }: SimulatedFrontend): void {
    if (link === null || !this.#open.delete(link)) return;
    this.#input((now) => this.#catalog.onFrontendClosed(link, now));
  }

  /** The front-end notices that the link is broken. */
  closeLinkAtFrontend(frontend: SimulatedFrontend): void {
    this.closeLinkAtCatalog(frontend);
    if (frontend.link !== null) frontend.cache.onDisconnected(frontend.link);
    frontend.link = null;
    frontend.queries.clear();
  }

  readCache(frontend: SimulatedFrontend, name: string): void {
    const value = frontend.cache.get(name, this.#now * frontend.rate);
    if (value === undefined) return;
    this.counts.cachedReads += 1;
    assert.equal(
      value,
      this.#wire(this.visible, name),
      `${frontend.name} answers from its cache with the visible value`,
    );
  }

  get #leader(): Leader {
    const leader = this.#leaders.at(-1);
    assert.ok(leader);
    return leader;
  }

  get #deposed(): Leader | undefined {
    return this.#leaders.at(-2);
  }

  get #catalogTime(): number {
    return this.#now * RATE + this.#skipped;
  }

  #newCatalog(): CatalogCore {
    return new CatalogCore({
      id: 'catalog-1',
      newInstanceId: () => `${(this.#processes += 1)}`.padStart(16, '0'),
      now: this.#catalogTime,
      timing: TIMING,
    });
  }

  #addLeader(visible: number): void {
    this.log.append(null, []);
    const state = initialLeaderState(this.log.lastIndex, visible, ['catalog-1'], AUTHORITY_MS, this.#now);
    const leader: Leader = {
      rules: new AuthorityManager(state, AUTHORITY_MS),
      term: ++this.#terms,
      link: 0,
      down: [],
      isDeposed: false,
    };
    this.#leaders.push(leader);
    this.#connect(leader);
    if (this.#leaders.length <= 2) return;
    const [oldest] = this.#leaders.splice(0, 1);
    if (oldest !== undefined) this.#input((now) => this.#catalog.onReplicaClosed(oldest.link, now));
  }

  #connect(leader: Leader): void {
    leader.link = ++this.#links;
    leader.down = [{ t: 'lead', term: leader.term }];
    this.#input((now) =>
      this.#catalog.onReplicaOpened(leader.link, `replica-${leader.term}`, 'http://h', now),
    );
  }

  #unlink(leader: Leader): void {
    leader.down = [];
    leader.rules.onLinkClosed(leader.link);
  }

  #input(input: (now: number) => void): void {
    input(this.#catalogTime);
    const { sends, closes, events, wakeAt } = this.#catalog.takeEffects();
    this.#wakeAt = wakeAt;
    assert.equal(closes, []);
    this.counts.installs += events.filter(({ kind }) => kind === 'installed').length;
    for (const { link, frame } of sends) {
      const frontend = this.#open.get(link);
      if (frontend !== undefined) {
        this.#check(frontend, frame as CatalogToFrontend);
        frontend.toFrontend.push(frame as CatalogToFrontend);
      } else {
        const leader = this.#leaders.find((one) => one.link === link);
        if (leader !== undefined) this.#toLeader(leader, frame as CatalogToReplica);
      }
    }
  }

  #toLeader(leader: Leader, frame: CatalogToReplica): void {
    if (frame.t === 'hello' || (frame.t === 'attach' && frame.term !== leader.term)) return;
    if (frame.t !== 'attach') {
      this.#execute(leader, leader.rules.onMessage(leader.link, frame, this.#now));
      return;
    }
    const { process, visible, hadAuthority, life } = frame;
    const attach = { t: 'attach', catalog: 'catalog-1', process, visible, hadAuthority } as const;
    this.#execute(leader, leader.rules.onMessage(leader.link, attach, this.#now), life === null);
  }

  /** Executes the effects of a leader's rules. */
  #execute(leader: Leader, effects: readonly AuthorityEffect[], isEmpty = false): void {
    const { rules } = leader;
    if (rules.state.visible > this.visible) this.visible = rules.state.visible;
    for (const effect of effects) {
      if (effect.link !== leader.link) continue;
      switch (effect.do) {
        case 'send':
          leader.down.push(this.#frame(effect.message));
          break;
        case 'catchUp': {
          let after = effect.after;
          if (isEmpty || after < this.log.compactedIndex) {
            after = Math.max(after, rules.state.visible);
            leader.down.push(...this.log.snapshot(rules.state.visible));
          }
          // A deposed leader may have entries that its successor lacks; the model has discarded them.
          for (let index = after + 1; index <= rules.state.lastIndex; index += 1) {
            if (index <= this.log.lastIndex) leader.down.push(this.log.entry(index));
          }
          if (!leader.isDeposed) this.#execute(leader, rules.onCaughtUp(leader.link, this.#now));
          break;
        }
        case 'confirm':
          this.#execute(leader, rules.onRoundEnd(leader.link, effect.id, !leader.isDeposed, this.#now));
          break;
        case 'close':
          assert.unreachable(effect.reason);
      }
    }
  }

  #frame(message: Extract<AuthorityEffect, { readonly do: 'send' }>['message']): ReplicaToCatalog {
    switch (message.t) {
      case 'entry':
        return this.log.entry(message.index);
      case 'visible':
        return this.log.visible(message.index);
      case 'authority':
        return message;
      case 'snapshot':
        throw new Error('the rules of a leader send no snapshot');
    }
  }

  /** Checks that the values in a frame were visible at some moment since the query. */
  #check(frontend: SimulatedFrontend, frame: CatalogToFrontend): void {
    if (frame.t === 'page') {
      const query = frontend.queries.get(`list ${frame.id}`);
      if (query === undefined) return;
      this.counts.pages += 1;
      this.#assertVisibleSince(query.visibleFrom, frame.stocks, (index) => this.#page(index));
    }
    if (frame.t !== 'stocks') return;
    for (const [id, result, wire] of frame.items) {
      const name = frontend.queries.get(`lookup ${id}`)?.name;
      const visibleFrom = frontend.queries.get(`lookup ${id}`)?.visibleFrom;
      if (typeof name !== 'string' || visibleFrom === undefined) continue;
      if (result === 'unready') this.counts.refusals += 1;
      if (result !== 'stock' && result !== 'missing') continue;
      this.counts.answers += 1;
      const answer = result === 'stock' ? wire : undefined;
      this.#assertVisibleSince(visibleFrom, answer, (index) => this.#wire(index, name));
    }
  }

  #assertVisibleSince(from: number, answer: unknown, at: (index: number) => unknown): void {
    const text = JSON.stringify(answer);
    for (let index = from; index <= this.visible; index += 1) if (JSON.stringify(at(index)) === text) return;
    assert.unreachable(`${text} was not visible from entry ${from} to ${this.visible}`);
  }

  #onResult(frontend: SimulatedFrontend, link: number, result: CatalogLookupResult): void {
    const name = frontend.queries.get(`lookup ${result[0]}`)?.name;
    frontend.queries.delete(`lookup ${result[0]}`);
    if (result[1] !== 'unready') assert.ok(frontend.knowsLife, 'the catalog sends life before any stock');
    if (result[1] === 'stock' && typeof name === 'string')
      frontend.cache.fill(link, name, result[2], result[3]);
  }

  #wire(index: number, name: string): StockWire | undefined {
    const found = this.log.stocks(index).get(name);
    return found && [found.name, found.price, found.quantity, found.version];
  }

  #page(index: number): readonly (StockWire | undefined)[] {
    const names = [...this.log.stocks(index).keys()].filter((name) => name > 'A').sort();
    return names.slice(0, 2).map((name) => this.#wire(index, name));
  }
}
