/**
 * A small world around the rules of the catalog: front-ends with caches and clocks of their own rate, links that hold back what
 * is on its way, leaders that follow one another, and a catalog that crashes and then knows nothing. Everything happens when
 * the test says so, in virtual time. The checker knows what has been told to anyone, and throws when a reader gets something
 * older than anyone was told under any process of the catalog, or anything that the log does not make.
 */
import * as assert from 'uvu/assert';
import type {
  CatalogToFrontend,
  CatalogToLeader,
  Command,
  FrontendToCatalog,
  LeaderToCatalog,
  LookupResult,
} from '@trireme/domain';
import { Catalog } from '../catalog.js';
import { LIFE, stock } from './frames.js';
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
  /** Whether the catalog told its life on the link. */
  knowsLife: boolean;
  ids: number;
}

export class World {
  readonly frontends: readonly Frontend[];
  /** Reads from a cache that were checked. */
  cachedReads = 0;
  /** Entries that were told when the catalog crashed, and that it did not know any more. */
  lost = 0;
  /** Snapshots for a catalog that lacks entries which leaders do not have any more. */
  snapshots = 0;
  /** Times that the catalog took a snapshot of an earlier index than it had. */
  returns = 0;
  #now = 0;
  #links = 0;
  /** The leader's link; null while there is none. */
  #leader: number | null = null;
  /** What is on its way from the catalog to the leader. */
  #leaderDown: CatalogToLeader[] = [];
  /** Whether the catalog has said on that link how far it is. */
  #isLeading = false;
  /** What the leader said last of how far clients were told; null before. */
  #attachedUpTo: number | null = null;
  /** A leader that was deposed and does not know. */
  #deposed: { readonly link: number; readonly attachedUpTo: number | null } | null = null;
  #catalog: Catalog;
  #open = new Map<number, Frontend>();
  readonly #log = new TradeLog(
    NAMES.map((name) => stock(name, 100)),
    LIFE,
  );
  /** The version that every later read of a stock must reach. */
  readonly #floor = new Map<string, number>();

  constructor() {
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
      knowsLife: false,
      ids: 0,
    }));
    this.#catalog = new Catalog({ leaseMs: LEASE_MS, now: 0 });
    this.#connect();
  }

  /** Entries that no client was told of. */
  get waiting(): number {
    return this.#log.waiting;
  }

  get told(): number {
    return this.#log.told;
  }

  get isReady(): boolean {
    return this.#catalog.unready() === null;
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
    frontend.knowsLife = false;
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
      case 'life':
        assert.is(frame.life, LIFE);
        frontend.knowsLife = true;
        return;
      case 'revoke':
        for (const name of frame.names) frontend.cache.delete(name);
        frontend.up.push({ t: 'dropped', seq: frame.seq });
        return;
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

  /** Delivers one frame to the leader. */
  deliverToLeader(): void {
    const frame = this.#leaderDown.shift();
    if (frame !== undefined) this.#toLeader(frame);
  }

  /** A batch is committed; the leader sends it on if it is that far. */
  trade(commands: readonly Command[], skip: readonly number[]): void {
    const frame = this.#log.commit(commands, skip);
    if (this.#isLeading) this.#toCatalog([frame]);
  }

  trim(): void {
    this.#log.trim();
  }

  /** The catalog dies and starts again with nothing. The leader may die with it: then the next one begins when the world has one elected. */
  crash(leaderDies: boolean): void {
    this.#open = new Map();
    this.#leader = null;
    this.#leaderDown = [];
    this.#isLeading = false;
    this.#deposed = null;
    this.lost += this.#log.told;
    this.#catalog = new Catalog({ leaseMs: LEASE_MS, now: this.#now });
    this.#flush();
    if (!leaderDies) this.#connect();
  }

  /** Another one leads from now on; the one before may not know it, and keep its link. */
  replaceLeader(isNoticed: boolean): void {
    const before = this.#leader;
    if (!isNoticed && before !== null) this.#deposed = { link: before, attachedUpTo: this.#attachedUpTo };
    else if (before !== null) this.#catalog.leaderClosed(before, this.#now);
    this.#flush();
    this.#connect();
  }

  /** A deposed leader sends its entries again, without asking how far the catalog is. */
  deposedSends(): void {
    if (this.#deposed !== null) this.#give(this.#deposed.link, this.#log.all());
  }

  /** A deposed leader has the catalog take its stocks, which are some entries old, and what it said when it still led comes late. */
  deposedSendsSnapshot(entries: number): void {
    if (this.#deposed === null) return;
    const { link, attachedUpTo } = this.#deposed;
    this.#give(link, this.#log.snapshotBefore(entries));
    if (attachedUpTo !== null) this.#give(link, [{ t: 'attach', upTo: attachedUpTo }]);
  }

  #connect(): void {
    this.#leader = ++this.#links;
    this.#leaderDown = [];
    this.#isLeading = false;
    this.#attachedUpTo = null;
    this.#catalog.leaderOpened(this.#leader, this.#now);
    this.#flush();
    this.#toCatalog([{ t: 'begin' }]);
  }

  #toCatalog(frames: readonly LeaderToCatalog[]): void {
    if (this.#leader !== null) this.#give(this.#leader, frames);
  }

  /** All of them go before what the catalog makes of the first is heard: the parts of a snapshot come one right after the other. */
  #give(link: number, frames: readonly LeaderToCatalog[]): void {
    for (const frame of frames) this.#catalog.leaderMessage(link, frame, this.#now);
    this.#flush();
  }

  /** What a confirmed leader does once it knows how far the catalog is. */
  #lead(lastIndex: number): void {
    this.#isLeading = true;
    this.#attachedUpTo = this.#log.lastIndex;
    const { isSnapshot, frames } = this.#log.after(lastIndex);
    if (!isSnapshot) this.#tell(lastIndex);
    else if (lastIndex > 0) this.snapshots += 1;
    this.#toCatalog([{ t: 'attach', upTo: this.#attachedUpTo }, ...frames]);
  }

  #flush(): void {
    const { sends, events } = this.#catalog.take();
    this.returns += events.filter((event) => event.kind === 'installed' && event.index < event.prev).length;
    for (const [link, frame] of sends) {
      const frontend = this.#open.get(link);
      if (frontend !== undefined) frontend.down.push(frame as CatalogToFrontend);
      else if (link === this.#leader) this.#leaderDown.push(frame as CatalogToLeader);
      else if (link === this.#deposed?.link) this.#toDeposed(frame as CatalogToLeader);
    }
  }

  #toLeader(frame: CatalogToLeader): void {
    switch (frame.t) {
      case 'standing':
        this.#lead(frame.lastIndex);
        return;
      case 'refused':
        // A deposed leader came in between: it asks again. Whatever else was on its way is refused as well.
        if (!this.#isLeading) return;
        this.#isLeading = false;
        this.#toCatalog([{ t: 'begin' }]);
        return;
      case 'revoked':
        this.#tell(frame.index);
    }
  }

  /** It may be refused, and tells its clients what it hears. */
  #toDeposed(frame: CatalogToLeader): void {
    if (frame.t === 'revoked') this.#tell(frame.index);
  }

  #tell(index: number): void {
    for (const { name, version } of this.#log.tell(index)) this.#raise(name, version);
  }

  #filled(frontend: Frontend, [id, result, wire, cacheable]: LookupResult): void {
    const lookup = frontend.lookups.get(id);
    frontend.lookups.delete(id);
    assert.is.not(result, 'missing', 'every stock is listed from the beginning');
    if (result !== 'stock' || lookup === undefined) return;
    assert.ok(frontend.knowsLife, 'the life of the log is told before any stock');
    const [name, price, quantity, version] = wire;
    this.#log.see({ name, price, quantity, version });
    this.#observe(lookup.name, version, lookup.floor, `a lookup of ${frontend.name}`);
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
}
