/**
 * A small world around the rules of the catalog: leaders that follow one another and run the real rules of a leader,
 * front-ends with real caches and clocks of their own rate, links that hold back what is on its way, and a catalog
 * that crashes. Everything happens when the test says so, in virtual time. The world knows which entries are visible,
 * and throws when a reader gets anything else than what was visible at some moment between question and answer.
 */
import { CatalogAuthorities, electedState, LeasedCache, type LeaderEffect } from '@trireme/coherence';
import type {
  CatalogToFrontend,
  CatalogToReplica,
  Command,
  FrontendToCatalog,
  LookupResult,
  ReplicaToCatalog,
  StockWire,
} from '@trireme/domain';
import * as assert from 'uvu/assert';
import { Catalog } from '../catalog.js';
import { LIFE, stock } from './leader-log.js';
import { ModelLog } from './model-log.js';

/** The last one is not listed at first. */
export const NAMES = ['A', 'B', 'C', 'N'] as const;

const AUTHORITY_MS = 100;
const TIMING = { authorityMs: AUTHORITY_MS, leaseMs: AUTHORITY_MS, lookupMs: 400 };
/** Of the catalog's clock. */
const RATE = 0.95;

interface Leader {
  readonly rules: CatalogAuthorities;
  readonly term: number;
  link: number;
  /** What is on its way to the catalog. */
  down: ReplicaToCatalog[];
  /** Another one was elected: no majority confirms its rounds. */
  isDeposed: boolean;
}

interface Question {
  readonly name: string | null;
  /** What was visible when it was asked. */
  readonly floor: number;
}

export interface Frontend {
  readonly name: string;
  /** Its clock runs this much slower or faster than true time. */
  readonly rate: number;
  readonly cache: LeasedCache<StockWire>;
  link: number | null;
  up: FrontendToCatalog[];
  down: CatalogToFrontend[];
  /** By kind and id. */
  readonly asked: Map<string, Question>;
  knowsLife: boolean;
  ids: number;
}

export class World {
  readonly frontends: readonly Frontend[];
  readonly log = new ModelLog(NAMES.slice(0, 3).map((name) => stock(name, 100)));
  readonly counts = { answers: 0, pages: 0, cachedReads: 0, installs: 0, refusals: 0 };
  /** The last entry that is visible to anyone. */
  visible = 1;
  #committed = 1;
  #now = 0;
  /** What only the wall clock of the catalog has counted. */
  #skipped = 0;
  #links = 0;
  #terms = 0;
  #processes = 0;
  /** The leader last, one that was deposed before it. */
  readonly #leaders: Leader[] = [];
  #catalog: Catalog;
  #wakeAt: number | null = null;
  readonly #open = new Map<number, Frontend>();

  constructor() {
    this.frontends = [0.9, 1, 1.1].map((rate, position) => ({
      name: `frontend-${position}`,
      rate,
      cache: new LeasedCache<StockWire>(new Map()),
      link: null,
      up: [],
      down: [],
      asked: new Map(),
      knowsLife: false,
      ids: 0,
    }));
    this.#catalog = this.#start();
    this.#elected(1);
  }

  get unanswered(): number {
    return this.frontends.reduce((sum, { asked }) => sum + asked.size, 0);
  }

  get isAnswering(): boolean {
    return this.#catalog.unready(this.#catalogTime) === null;
  }

  /** Time passes, in steps: whatever has a timer acts on it. */
  advance(ms: number): void {
    for (let passed = 0; passed < ms; passed += 5) {
      this.#now += Math.min(5, ms - passed);
      if (this.#wakeAt !== null && this.#wakeAt <= this.#catalogTime)
        this.#give((now) => this.#catalog.tick(now));
      for (const leader of this.#leaders) this.#lead(leader, leader.rules.advance(this.#now));
    }
  }

  /** The wall clock of the catalog is set forward. */
  setForward(ms: number): void {
    this.#skipped += ms;
    this.#catalog.clockSkipped(ms);
    this.#give((now) => this.#catalog.tick(now));
  }

  // ---- leaders ----

  /** The leader logs a batch, or an entry without one. */
  append(commands: readonly Command[] | null, skip: readonly number[]): void {
    const names = this.log.append(commands, skip);
    this.#lead(this.#leader, this.#leader.rules.onLogged(this.log.lastIndex, names));
  }

  /** A majority has the first `entries` that are not committed. */
  commit(entries: number): void {
    this.#committed = Math.min(this.#committed + entries, this.log.lastIndex);
    this.#lead(this.#leader, this.#leader.rules.onCommitted(this.#committed, this.#now));
  }

  trim(): void {
    this.log.trimmed = this.visible;
  }

  /**
   * Another one leads from now on, with every committed entry and `kept` of the others.
   * @param knownVisible how many entries less it knows to be visible than clients do
   */
  elect(kept: number, knownVisible: number): void {
    this.#leader.isDeposed = true;
    this.log.truncate(Math.min(this.#committed + kept, this.log.lastIndex));
    this.#elected(Math.max(this.log.trimmed, this.visible - knownVisible, 1));
  }

  /** The link between the catalog and a leader breaks; it is opened again. */
  breakLeaderLink(isDeposed: boolean): void {
    const leader = isDeposed ? this.#deposed : this.#leader;
    if (leader === undefined) return;
    this.#give((now) => this.#catalog.replicaClosed(leader.link, now));
    this.#unlink(leader);
    this.#connect(leader);
  }

  /** Delivers one frame of a leader to the catalog. */
  deliverToCatalog(isDeposed: boolean): void {
    const leader = isDeposed ? this.#deposed : this.#leader;
    const frame = leader?.down.shift();
    if (leader !== undefined && frame !== undefined)
      this.#give((now) => this.#catalog.replicaMessage(leader.link, frame, now));
  }

  /** The catalog dies, and another process starts with nothing. */
  crash(): void {
    for (const { link } of [...this.#open.values()]) if (link !== null) this.#open.delete(link);
    for (const leader of this.#leaders) this.#unlink(leader);
    this.#catalog = this.#start();
    for (const leader of this.#leaders) this.#connect(leader);
  }

  // ---- front-ends ----

  open(frontend: Frontend): void {
    if (frontend.link !== null) return;
    const link = ++this.#links;
    Object.assign(frontend, { link, up: [], down: [], knowsLife: false });
    frontend.asked.clear();
    frontend.cache.onConnected(link);
    this.#open.set(link, frontend);
    this.#give((now) => this.#catalog.frontendOpened(link, frontend.name, now));
  }

  renew(frontend: Frontend): void {
    if (frontend.link === null) return;
    frontend.up.push({ t: 'renew', id: frontend.cache.requestLease(this.#now * frontend.rate) });
  }

  lookUp(frontend: Frontend, name: string): void {
    if (frontend.link === null) return;
    const id = ++frontend.ids;
    frontend.asked.set(`lookup ${id}`, { name, floor: this.visible });
    frontend.up.push({ t: 'lookup', items: [[id, name]] });
  }

  list(frontend: Frontend): void {
    if (frontend.link === null) return;
    // The same ids as look-ups have.
    const id = frontend.ids;
    frontend.asked.set(`list ${id}`, { name: null, floor: this.visible });
    frontend.up.push({ t: 'list', id, after: 'A', limit: 2 });
  }

  deliverUp(frontend: Frontend): void {
    const { link } = frontend;
    const frame = frontend.up.shift();
    if (frame === undefined || link === null || !this.#open.has(link)) return;
    this.#give((now) => this.#catalog.frontendMessage(link, frame, now));
  }

  deliverDown(frontend: Frontend): void {
    const frame = frontend.down.shift();
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
        frontend.up.push({ t: 'dropped', seq: frame.seq });
        return;
      case 'stocks':
        for (const result of frame.items) this.#onResult(frontend, link, result);
        return;
      case 'page':
      case 'pageUnready':
        frontend.asked.delete(`list ${frame.id}`);
        return;
      case 'pageInvalid':
      case 'report':
        throw new Error('this was not asked for');
    }
  }

  /** The catalog finds the link broken; the front-end may not for long. */
  catalogLosesLink({ link }: Frontend): void {
    if (link === null || !this.#open.delete(link)) return;
    this.#give((now) => this.#catalog.frontendClosed(link, now));
  }

  /** The front-end finds the link broken. */
  frontendLosesLink(frontend: Frontend): void {
    this.catalogLosesLink(frontend);
    if (frontend.link !== null) frontend.cache.onDisconnected(frontend.link);
    frontend.link = null;
    frontend.asked.clear();
  }

  readCache(frontend: Frontend, name: string): void {
    const value = frontend.cache.get(name, this.#now * frontend.rate);
    if (value === undefined) return;
    this.counts.cachedReads += 1;
    assert.equal(
      value,
      this.#wire(this.visible, name),
      `${frontend.name} answers what is visible from its cache`,
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

  #start(): Catalog {
    return new Catalog({
      id: 'catalog-1',
      newProcess: () => `${(this.#processes += 1)}`.padStart(16, '0'),
      now: this.#catalogTime,
      timing: TIMING,
    });
  }

  #elected(visible: number): void {
    this.log.append(null, []);
    const state = electedState(this.log.lastIndex, visible, ['catalog-1'], AUTHORITY_MS, this.#now);
    const leader: Leader = {
      rules: new CatalogAuthorities(state, AUTHORITY_MS),
      term: ++this.#terms,
      ...{ link: 0, down: [], isDeposed: false },
    };
    this.#leaders.push(leader);
    this.#connect(leader);
    if (this.#leaders.length <= 2) return;
    const [gone] = this.#leaders.splice(0, 1);
    if (gone !== undefined) this.#give((now) => this.#catalog.replicaClosed(gone.link, now));
  }

  #connect(leader: Leader): void {
    leader.link = ++this.#links;
    leader.down = [{ t: 'lead', term: leader.term }];
    this.#give((now) => this.#catalog.replicaOpened(leader.link, `replica-${leader.term}`, 'http://h', now));
  }

  #unlink(leader: Leader): void {
    leader.down = [];
    leader.rules.onClosed(leader.link);
  }

  #give(input: (now: number) => void): void {
    input(this.#catalogTime);
    const { sends, closes, events, wakeAt } = this.#catalog.take();
    this.#wakeAt = wakeAt;
    assert.equal(closes, []);
    this.counts.installs += events.filter(({ kind }) => kind === 'installed').length;
    for (const [link, frame] of sends) {
      const frontend = this.#open.get(link);
      if (frontend !== undefined) {
        this.#check(frontend, frame as CatalogToFrontend);
        frontend.down.push(frame as CatalogToFrontend);
      } else {
        const leader = this.#leaders.find((one) => one.link === link);
        if (leader !== undefined) this.#toLeader(leader, frame as CatalogToReplica);
      }
    }
  }

  #toLeader(leader: Leader, frame: CatalogToReplica): void {
    if (frame.t === 'hello' || (frame.t === 'attach' && frame.term !== leader.term)) return;
    if (frame.t !== 'attach') {
      this.#lead(leader, leader.rules.onMessage(leader.link, frame, this.#now));
      return;
    }
    const { process, visible, hadAuthority, life } = frame;
    const attach = { t: 'attach', catalog: 'catalog-1', process, visible, hadAuthority } as const;
    this.#lead(leader, leader.rules.onMessage(leader.link, attach, this.#now), life === null);
  }

  /** Does what the rules of a leader ask for. */
  #lead(leader: Leader, effects: readonly LeaderEffect[], isEmpty = false): void {
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
          if (isEmpty || after < this.log.trimmed) {
            after = Math.max(after, rules.state.visible);
            leader.down.push(...this.log.snapshot(rules.state.visible));
          }
          // A leader that was deposed has the entries that its successor has not; nobody needs them here.
          for (let index = after + 1; index <= rules.state.logged; index += 1) {
            if (index <= this.log.lastIndex) leader.down.push(this.log.entry(index));
          }
          if (!leader.isDeposed) this.#lead(leader, rules.onCaughtUp(leader.link, this.#now));
          break;
        }
        case 'confirm':
          this.#lead(leader, rules.onRoundEnd(leader.link, effect.id, !leader.isDeposed, this.#now));
          break;
        case 'close':
          assert.unreachable(effect.reason);
      }
    }
  }

  #frame(message: Extract<LeaderEffect, { readonly do: 'send' }>['message']): ReplicaToCatalog {
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

  /** Whether what leaves now was visible at some moment since it was asked. */
  #check(frontend: Frontend, frame: CatalogToFrontend): void {
    if (frame.t === 'page') {
      const question = frontend.asked.get(`list ${frame.id}`);
      if (question === undefined) return;
      this.counts.pages += 1;
      this.#isOneOf(question.floor, frame.stocks, (index) => this.#page(index));
    }
    if (frame.t !== 'stocks') return;
    for (const [id, result, wire] of frame.items) {
      const name = frontend.asked.get(`lookup ${id}`)?.name;
      const floor = frontend.asked.get(`lookup ${id}`)?.floor;
      if (typeof name !== 'string' || floor === undefined) continue;
      if (result === 'unready') this.counts.refusals += 1;
      if (result !== 'stock' && result !== 'missing') continue;
      this.counts.answers += 1;
      this.#isOneOf(floor, result === 'stock' ? wire : undefined, (index) => this.#wire(index, name));
    }
  }

  #isOneOf(floor: number, shown: unknown, at: (index: number) => unknown): void {
    const text = JSON.stringify(shown);
    for (let index = floor; index <= this.visible; index += 1) if (JSON.stringify(at(index)) === text) return;
    assert.unreachable(`${text} was not visible from entry ${floor} to ${this.visible}`);
  }

  #onResult(frontend: Frontend, link: number, result: LookupResult): void {
    const name = frontend.asked.get(`lookup ${result[0]}`)?.name;
    frontend.asked.delete(`lookup ${result[0]}`);
    if (result[1] !== 'unready')
      assert.ok(frontend.knowsLife, 'the life of the log is told before any stock');
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
