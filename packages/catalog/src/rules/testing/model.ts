/**
 * A small world around the rules of the catalog: front-ends with caches and clocks of their own rate, links that hold back what
 * is on its way, a disk that finishes when told to, crashes. Everything happens when the test says so, in virtual time.
 * The checker knows what has been told to anyone, and throws when a reader gets something older.
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
import { decideFrame, stock } from './frames.js';

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

interface Pending {
  readonly index: number;
  readonly frame: LeaderToCatalog;
  readonly names: readonly string[];
}

export class World {
  readonly frontends: readonly Frontend[];
  /** Reads from a cache that were checked. */
  cachedReads = 0;
  answered = 0;
  #now = 0;
  #links = 0;
  #leader = 0;
  #catalog: Catalog;
  #write: CatalogWrite | null = null;
  #durable: {
    lastIndex: number;
    settled: number;
    stocks: Map<string, Stock>;
    outcomes: Map<number, RecordedOutcomes>;
  };
  #open = new Map<number, Frontend>();
  #pending: Pending[] = [];
  #lastIndex = 0;
  #lastAnswered = 0;
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
    this.#toCatalog({ t: 'attach', upTo: 0 });
  }

  get waiting(): number {
    return this.#pending.length;
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
      case 'page':
      case 'pageUnready':
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

  trade(commands: readonly Command[]): void {
    const prev = this.#lastIndex;
    // Indexes have holes: entries without commands.
    this.#lastIndex += 2;
    const frame = decideFrame(this.#lastIndex, prev, commands, { settled: this.#settled() });
    this.#pending.push({ index: this.#lastIndex, frame, names: commands.map((command) => command.name) });
    this.#toCatalog(frame);
  }

  finishWrite(): void {
    if (this.#write === null) return;
    this.#makeDurable(this.#write);
    this.#write = null;
    this.#catalog.written(this.#now);
    this.#flush();
  }

  /** The catalog dies and starts again; a write under way may or may not have reached the disk. */
  crash(writeSurvives: boolean): void {
    if (this.#write !== null && writeSurvives) this.#makeDurable(this.#write);
    this.#write = null;
    this.#open = new Map();
    this.#catalog = new Catalog({ state: this.#state(), leaseMs: LEASE_MS, now: this.#now });
    this.#connect();
    // All that was told to anyone is at or below the last answer: what was written and not answered is not.
    this.#toCatalog({ t: 'attach', upTo: this.#lastAnswered });
    for (const { frame } of this.#pending) this.#toCatalog(frame);
  }

  /** The leader's link breaks and a successor asks everything that was not answered again. */
  replaceLeader(): void {
    this.#catalog.leaderClosed(this.#leader, this.#now);
    this.#flush();
    this.#connect();
    for (const { frame } of this.#pending) this.#toCatalog(frame);
  }

  #connect(): void {
    this.#leader = ++this.#links;
    this.#catalog.leaderOpened(this.#leader, this.#now);
    this.#toCatalog({ t: 'begin' });
  }

  #toCatalog(frame: LeaderToCatalog): void {
    this.#catalog.leaderMessage(this.#leader, frame, this.#now);
    this.#flush();
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
    }
  }

  #toLeader(frame: CatalogToLeader): void {
    if (frame.t === 'standing') return;
    assert.is(frame.t, 'decided', JSON.stringify(frame));
    for (const [index, outcomes] of frame.t === 'decided' ? frame.items : []) {
      const pending = this.#pending.shift();
      assert.is(pending?.index, index, 'answered once and in order');
      this.#lastAnswered = index;
      this.answered += 1;
      outcomes.forEach((outcome, position) => {
        const name = pending?.names[position] ?? '';
        if (outcome !== null && outcome >= 0)
          this.#floor.set(name, Math.max(this.#floor.get(name) ?? 0, index));
      });
    }
  }

  #filled(frontend: Frontend, [id, result, wire, cacheable]: LookupResult): void {
    const lookup = frontend.lookups.get(id);
    frontend.lookups.delete(id);
    if (result !== 'stock' || lookup === undefined) return;
    this.#observe(lookup.name, wire[3], lookup.floor, `a lookup of ${frontend.name}`);
    if (cacheable) frontend.cache.set(lookup.name, wire[3]);
  }

  #observe(name: string, version: number, floor: number, who: string): void {
    assert.ok(version >= floor, `${who} gives version ${version} of ${name}, and ${floor} was told before`);
    this.#floor.set(name, Math.max(this.#floor.get(name) ?? 0, version));
  }

  #clock(frontend: Frontend): number {
    return this.#now * frontend.rate;
  }

  /** A leader settles a while after it was answered. */
  #settled(): number {
    return Math.max(0, this.#lastAnswered - 4);
  }

  #makeDurable(write: CatalogWrite): void {
    const { stocks, outcomes } = this.#durable;
    for (const changed of write.stocks) stocks.set(changed.name, changed);
    for (const recorded of write.outcomes) outcomes.set(recorded[0], recorded);
    for (const index of write.forgotten) assert.ok(outcomes.delete(index), 'what is forgotten was on disk');
    this.#durable = { lastIndex: write.lastIndex, settled: write.settled, stocks, outcomes };
  }

  #state(): CatalogState {
    const { lastIndex, settled, stocks, outcomes } = this.#durable;
    return { lastIndex, settled, stocks: [...stocks.values()], outcomes: [...outcomes.values()] };
  }
}
