/** A catalog whose effects a test collects, with a clock that stands still unless told. */
import type { CatalogTiming } from '@trireme/coherence';
import type { FrontendToCatalog, MembersFrame, Stock } from '@trireme/domain';
import { Catalog, type CatalogOptions } from '../catalog.js';
import type { CatalogEvent, CatalogFrame, CatalogStatus } from '../effects.js';
import { LeaderLog } from './leader-log.js';

const TIMING: CatalogTiming = { authorityMs: 200, leaseMs: 100, lookupMs: 500 };

/** Link of the replica that leads first. */
export const LEADER = 100;

export const URL = 'http://127.0.0.1:9000';

export class Driver {
  readonly catalog: Catalog;
  /** What the leaders of the test have. */
  log: LeaderLog;
  now = 1000;
  wakeAt: number | null = null;
  members: MembersFrame[] = [];
  /** Id of the last request for authority. */
  request = 0;
  readonly #sent = new Map<number, CatalogFrame[]>();
  #closes: (readonly [link: number, reason: string])[] = [];
  #events: CatalogEvent[] = [];
  #processes = 0;

  constructor(stocks: readonly Stock[], more: Partial<CatalogOptions> = {}) {
    this.log = new LeaderLog(stocks);
    this.catalog = new Catalog({
      id: 'catalog-1',
      newProcess: () => `${(this.#processes += 1)}`.padStart(16, '0'),
      now: this.now,
      timing: TIMING,
      ...more,
    });
    this.#take();
  }

  /** Attached to a leader of term 1 on link `LEADER`, with its stock table and authority. */
  static atWork(stocks: readonly Stock[], more: Partial<CatalogOptions> = {}): Driver {
    const driver = new Driver(stocks, more);
    driver.replica(LEADER);
    driver.from(LEADER, { t: 'lead', term: 1 }, ...driver.log.snapshot());
    driver.authorize();
    driver.sent(LEADER);
    driver.events();
    return driver;
  }

  /** A link to a replica opens. */
  replica(link: number): void {
    this.catalog.replicaOpened(link, `replica-${link}`, URL, this.now);
    this.#take();
  }

  replicaGone(link: number): void {
    this.catalog.replicaClosed(link, this.now);
    this.#take();
  }

  /** Frames of a replica. */
  from(link: number, ...frames: readonly unknown[]): void {
    for (const frame of frames) {
      this.catalog.replicaMessage(link, frame, this.now);
      this.#take();
    }
  }

  /** The leader grants what was asked for last. */
  authorize(link = LEADER): void {
    this.from(link, { t: 'authority', id: this.request, logged: this.log.logged });
  }

  frontend(link: number): void {
    this.catalog.frontendOpened(link, `frontend-${link}`, this.now);
    this.#take();
  }

  frontendGone(link: number): void {
    this.catalog.frontendClosed(link, this.now);
    this.#take();
  }

  say(link: number, ...frames: readonly (FrontendToCatalog | { readonly t: 'unknown' })[]): void {
    for (const frame of frames) {
      this.catalog.frontendMessage(link, frame, this.now);
      this.#take();
    }
  }

  /** Opens front-end `link`, which has a lease and may keep `names`. */
  holder(link: number, ...names: readonly string[]): void {
    this.frontend(link);
    this.say(link, { t: 'renew', id: 1 });
    for (const name of names) this.lookup(link, name);
    this.sent(link);
  }

  at(now: number): void {
    this.now = now;
    this.catalog.tick(now);
    this.#take();
  }

  clockSkipped(ms: number): void {
    this.catalog.clockSkipped(ms);
    this.now += ms;
    this.catalog.tick(this.now);
    this.#take();
  }

  status(): CatalogStatus {
    return this.catalog.status(this.now);
  }

  /** What was sent on a link since the last call. */
  sent(link: number): readonly CatalogFrame[] {
    const frames = this.#sent.get(link) ?? [];
    this.#sent.delete(link);
    return frames;
  }

  /** What happened since the last call. */
  events(): readonly CatalogEvent[] {
    const events = this.#events;
    this.#events = [];
    return events;
  }

  /** The links that were to be closed since the last call. */
  closes(): readonly (readonly [link: number, reason: string])[] {
    const closes = this.#closes;
    this.#closes = [];
    return closes;
  }

  /** Looks a stock up on a link, as `[price, quantity, version, cacheable]` or the result's word; undefined if it waits. */
  lookup(link: number, name: string): unknown {
    this.say(link, { t: 'lookup', items: [[7, name]] });
    const frame = this.sent(link).at(-1);
    if (frame?.t !== 'stocks') return frame;
    const item = frame.items[0];
    return item?.[1] === 'stock' ? [...item[2].slice(1), item[3]] : item?.[1];
  }

  #take(): void {
    const { sends, closes, members, events, wakeAt } = this.catalog.take();
    for (const [link, frame] of sends) {
      this.#sent.set(link, [...(this.#sent.get(link) ?? []), frame]);
      if (frame.t === 'requestAuthority') this.request = frame.id;
    }
    this.#closes.push(...closes);
    this.members.push(...members);
    this.#events.push(...events);
    this.wakeAt = wakeAt;
  }
}
