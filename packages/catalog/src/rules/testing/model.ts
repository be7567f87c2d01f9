/**
 * A small world around the rules of the catalog: front-ends with caches and clocks of their own rate, links that hold back what
 * is on its way, a disk that finishes when told to, crashes that lose what was not on it. Everything happens when the test
 * says so, in virtual time. The checker knows what has been told to anyone, and throws when a reader gets something
 * older, or a leader other outcomes, than anyone was told in any life of the catalog.
 */
import * as assert from 'uvu/assert';
import type {
  CatalogToFrontend,
  CatalogToLeader,
  Command,
  FrontendToCatalog,
  LeaderToCatalog,
  LookupResult,
  Stock,
} from '@trireme/domain';
import { Catalog, type CatalogState } from '../catalog.js';
import type { CatalogWrite } from '../round.js';
import type { RecordedOutcomes } from '../ledger.js';
import { stock } from './frames.js';
import { TradeLog } from './trade-log.js';

export const NAMES = ['A', 'B', 'C'] as const;
const LEASE_MS = 500;

/** A front-end that takes no margin of its own: what protects it is the catalog's. */
interface Frontend {
  readonly name: string;
  /** Its clock runs this much slower or faster than the catalog's. */
  readonly rate: number;
  readonly cache: Map<string, number>;
  /** What is on its way from the front-end to the catalog. */
  up: FrontendToCatalog[];
  /** And back. */
  down: CatalogToFrontend[];
  link: number | null;
  /** On its own clock. */
  leaseEnd: number;
  renewals: Map<number, number>;
  lookups: Map<number, { readonly name: string; readonly floor: number }>;
  ids: number;
}

export class World {
  readonly frontends: readonly Frontend[];
  /** Reads from a cache that were checked. */
  cachedReads = 0;
  /** Trades that were told and that a crash took from the catalog. */
  lost = 0;
  replays = 0;
  #now = 0;
  #links = 0;
  /** The leader's link; null while there is none. */
  #leader: number | null = null;
  /** Whether the catalog has said on that link where it stands. */
  #isLeading = false;
  /** The link of a leader that was deposed and does not know. */
  #deposed: number | null = null;
  #catalog: Catalog;
  #write: CatalogWrite | null = null;
  #durable: {
    lastIndex: number;
    settled: number;
    stocks: Map<string, Stock>;
    outcomes: Map<number, RecordedOutcomes>;
  };
  #open = new Map<number, Frontend>();
  readonly #log = new TradeLog(NAMES.map((name) => stock(name, 100)));
  /** The version that every later read of a stock must reach. */
  readonly #floor = new Map<string, number>();

  constructor() {
    this.#durable = {
      lastIndex: 0,
      settled: 0,
      stocks: new Map(NAMES.map((name) => [name, stock(name, 100)])),
      outcomes: new Map(),
    };
    this.frontends = [0.95, 1, 1.1].map((rate, position) => ({
      name: `frontend-${position}`,
      rate,
      cache: new Map(),
      up: [],
      down: [],
      link: null,
      leaseEnd: -Infinity,
      renewals: new Map(),
      lookups: new Map(),
      ids: 0,
    }));
    this.#catalog = new Catalog({ state: this.#state(), leaseMs: LEASE_MS, now: 0 });
    this.#connect();
  }

  /** Trades that were never answered. */
  get waiting(): number {
    return this.#log.waiting;
  }

  get answered(): number {
    return this.#log.answered;
  }

  get isReady(): boolean {
    return this.#catalog.unready() === null;
  }

  /** Whether all that was decided is on disk. */
  get isSaved(): boolean {
    const { lastIndex, savedIndex } = this.#catalog.status();
    assert.is(savedIndex, this.#durable.lastIndex, 'what is said to be on disk is');
    return savedIndex === lastIndex;
  }

  advance(ms: number): void {
    this.#now += ms;
    this.#catalog.tick(this.#now);
    this.#flush();
  }

  open(frontend: Frontend): void {
    if (frontend.link !== null) return;
    frontend.link = ++this.#links;
    frontend.cache.clear();
    frontend.renewals.clear();
    frontend.lookups.clear();
    frontend.leaseEnd = -Infinity;
    frontend.up = [];
    frontend.down = [];
    this.#open.set(frontend.link, frontend);
    this.#catalog.frontendOpened(frontend.link, frontend.name, this.#now);
    this.#flush();
  }

  renew(frontend: Frontend): void {
    const id = ++frontend.ids;
    frontend.renewals.set(id, this.#clock(frontend));
    frontend.up.push({ t: 'renew', id });
  }

  lookup(frontend: Frontend, name: string): void {
    const id = ++frontend.ids;
    frontend.lookups.set(id, { name, floor: this.#floor.get(name) ?? 0 });
    frontend.up.push({ t: 'lookup', items: [[id, name]] });
  }

  /** Delivers one frame to the catalog, if the catalog still has the link. */
  deliverUp(frontend: Frontend): void {
    const frame = frontend.up.shift();
    if (frame === undefined || frontend.link === null || !this.#open.has(frontend.link)) return;
    this.#catalog.frontendMessage(frontend.link, frame, this.#now);
    this.#flush();
  }

  deliverDown(frontend: Frontend): void {
    const frame = frontend.down.shift();
    if (frame === undefined || frontend.link === null) return;
    switch (frame.t) {
      case 'lease':
        frontend.leaseEnd = Math.max(
          frontend.leaseEnd,
          (frontend.renewals.get(frame.id) ?? -Infinity) + frame.ms,
        );
        return;
      case 'stocks':
        for (const item of frame.items) this.#filled(frontend, item);
        return;
      case 'revoke':
        for (const name of frame.names) frontend.cache.delete(name);
        frontend.up.push({ t: 'dropped', seq: frame.seq });
        return;
      case 'life':
      case 'page':
      case 'pageUnready':
      case 'pageInvalid':
      case 'report':
        throw new Error('this was not asked for');
    }
  }

  /** The catalog finds the link broken; the front-end may not for long. */
  catalogLosesLink(frontend: Frontend): void {
    if (frontend.link === null || !this.#open.delete(frontend.link)) return;
    this.#catalog.frontendClosed(frontend.link, this.#now);
    this.#flush();
  }

  /** The front-end finds the link broken. It goes on answering from its cache until its lease is over. */
  frontendLosesLink(frontend: Frontend): void {
    this.catalogLosesLink(frontend);
    frontend.link = null;
  }

  readCache(frontend: Frontend, name: string): void {
    const version = frontend.cache.get(name);
    if (version === undefined || this.#clock(frontend) >= frontend.leaseEnd) return;
    this.cachedReads += 1;
    this.#observe(name, version, this.#floor.get(name) ?? 0, `the cache of ${frontend.name}`);
  }

  /** A batch is committed; the leader sends it on if it is that far. */
  trade(commands: readonly Command[]): void {
    const frame = this.#log.commit(commands);
    if (this.#isLeading) this.#toCatalog(frame);
  }

  finishWrite(): void {
    if (this.#write === null) return;
    this.#makeDurable(this.#write);
    this.#write = null;
    this.#catalog.written(this.#now);
    this.#flush();
  }

  /**
   * The catalog dies and starts again without what was not written; a write under way may or may not have reached the disk.
   * The leader may die with it: then the next one begins when the world has one elected.
   */
  crash(writeSurvives: boolean, leaderDies: boolean): void {
    if (this.#write !== null && writeSurvives) this.#makeDurable(this.#write);
    this.#write = null;
    this.#open = new Map();
    this.#leader = null;
    this.#isLeading = false;
    this.#deposed = null;
    this.lost += this.#log.answeredBehind(this.#durable.lastIndex);
    this.#catalog = new Catalog({ state: this.#state(), leaseMs: LEASE_MS, now: this.#now });
    this.#flush();
    if (!leaderDies) this.#connect();
  }

  /** Another one leads from now on; the one before may not know it, and keep its link. */
  replaceLeader(isNoticed: boolean): void {
    const before = this.#leader;
    if (!isNoticed) this.#deposed = before;
    else if (before !== null) this.#catalog.leaderClosed(before, this.#now);
    this.#flush();
    this.#connect();
  }

  /** A deposed leader asks again what was committed under it, without knowing what is settled since. */
  deposedAsks(): void {
    if (this.#deposed === null) return;
    for (const frame of this.#log.frames(0)) {
      this.#catalog.leaderMessage(this.#deposed, frame, this.#now);
      this.#flush();
    }
  }

  #connect(): void {
    this.#leader = ++this.#links;
    this.#isLeading = false;
    this.#catalog.leaderOpened(this.#leader, this.#now);
    this.#flush();
    this.#toCatalog({ t: 'begin' });
  }

  #toCatalog(frame: LeaderToCatalog): void {
    if (this.#leader === null) return;
    this.#catalog.leaderMessage(this.#leader, frame, this.#now);
    this.#flush();
  }

  /** What a confirmed leader does once it knows where the catalog stands. */
  #lead(standing: number): void {
    this.#isLeading = true;
    this.#toCatalog({ t: 'attach', upTo: this.#log.lastIndex });
    for (const frame of this.#log.replays(standing)) {
      this.replays += 1;
      this.#toCatalog(frame);
    }
    for (const frame of this.#log.frames(this.#log.settled)) this.#toCatalog(frame);
  }

  #flush(): void {
    const { sends, write } = this.#catalog.take();
    if (write !== null) {
      assert.is(this.#write, null, 'one write at a time');
      this.#write = write;
    }
    for (const [link, frame] of sends) {
      const frontend = this.#open.get(link);
      if (frontend !== undefined) frontend.down.push(frame as CatalogToFrontend);
      else if (link === this.#leader) this.#toLeader(frame as CatalogToLeader);
      else if (link === this.#deposed) this.#toDeposed(frame as CatalogToLeader);
    }
  }

  #toLeader(frame: CatalogToLeader): void {
    switch (frame.t) {
      case 'standing':
        this.#lead(frame.lastIndex);
        return;
      case 'replayed':
        return;
      case 'refused':
        // A deposed leader's batches came in between: it finds out anew.
        if (!this.#isLeading) return;
        this.#isLeading = false;
        this.#toCatalog({ t: 'begin' });
        return;
      case 'decided':
        for (const [index, outcomes] of frame.items) {
          const names = this.#isLeading ? this.#log.answer(index, outcomes) : this.#log.hear(index, outcomes);
          for (const name of names) this.#raise(name, index);
        }
    }
  }

  /** It may be refused, and tells its clients what it hears. */
  #toDeposed(frame: CatalogToLeader): void {
    if (frame.t !== 'decided') return;
    for (const [index, outcomes] of frame.items) {
      for (const name of this.#log.hear(index, outcomes)) this.#raise(name, index);
    }
  }

  #filled(frontend: Frontend, [id, result, wire, cacheable]: LookupResult): void {
    const lookup = frontend.lookups.get(id);
    frontend.lookups.delete(id);
    if (result !== 'stock' || lookup === undefined) return;
    const [name, price, quantity, version] = wire;
    const who = `a lookup of ${frontend.name}`;
    this.#log.see(name, version, [price, quantity]);
    this.#observe(lookup.name, version, lookup.floor, who);
    if (cacheable) frontend.cache.set(lookup.name, wire[3]);
  }

  #observe(name: string, version: number, floor: number, who: string): void {
    assert.ok(version >= floor, `${who} gives version ${version} of ${name}, and ${floor} was told before`);
    this.#raise(name, version);
  }

  #raise(name: string, version: number): void {
    this.#floor.set(name, Math.max(this.#floor.get(name) ?? 0, version));
  }

  #clock(frontend: Frontend): number {
    return this.#now * frontend.rate;
  }

  #makeDurable(write: CatalogWrite): void {
    const { stocks, outcomes } = this.#durable;
    for (const changed of write.stocks) stocks.set(changed.name, changed);
    for (const recorded of write.outcomes) {
      assert.not.ok(outcomes.has(recorded[0]), 'outcomes are written once');
      outcomes.set(recorded[0], recorded);
    }
    for (const index of write.forgotten) assert.ok(outcomes.delete(index), 'what is forgotten was on disk');
    this.#durable = { lastIndex: write.lastIndex, settled: write.settled, stocks, outcomes };
  }

  #state(): CatalogState {
    const { lastIndex, settled, stocks, outcomes } = this.#durable;
    return { lastIndex, settled, stocks: [...stocks.values()], outcomes: [...outcomes.values()] };
  }
}
