/** Runs a catalog with a manual clock and collects its effects for a test. */
import type { CatalogTiming } from '@trireme/coherence';
import type { FrontendToCatalog, MembershipFrame, Stock } from '@trireme/domain';
import { CatalogCore, type CatalogCoreOptions } from '../catalog-core.js';
import type { CatalogEvent, Close, OutgoingFrame, CatalogStatus } from '../effects.js';
import { LeaderLog } from './leader-log.js';

const TIMING: CatalogTiming = { authorityMs: 200, leaseMs: 100, lookupWaitMs: 500 };

/** Link of the first leader. */
export const LEADER = 100;

export const CATALOG_URL = 'http://127.0.0.1:9000';

export class CatalogFixture {
  readonly catalog: CatalogCore;
  /** The log of the test's leaders. */
  log: LeaderLog;
  now = 1000;
  wakeAt: number | null = null;
  members: MembershipFrame[] = [];
  /** Id of the last authority request. */
  lastRequestId = 0;
  readonly #sent = new Map<number, OutgoingFrame[]>();
  #closes: Close[] = [];
  #events: CatalogEvent[] = [];
  #processes = 0;

  constructor(stocks: readonly Stock[], more: Partial<CatalogCoreOptions> = {}) {
    this.log = new LeaderLog(stocks);
    this.catalog = new CatalogCore({
      id: 'catalog-1',
      newInstanceId: () => `${(this.#processes += 1)}`.padStart(16, '0'),
      now: this.now,
      timing: TIMING,
      ...more,
    });
    this.#take();
  }

  /** A catalog that is attached to a leader of term 1 on link `LEADER`, with a stock table and authority. */
  static attached(stocks: readonly Stock[], more: Partial<CatalogCoreOptions> = {}): CatalogFixture {
    const driver = new CatalogFixture(stocks, more);
    driver.openReplica(LEADER);
    driver.receiveFromReplica(LEADER, { t: 'lead', term: 1 }, ...driver.log.snapshot());
    driver.grantAuthority();
    driver.takeSent(LEADER);
    driver.takeEvents();
    return driver;
  }

  /** Opens a link to a replica. */
  openReplica(link: number): void {
    this.catalog.onReplicaOpened(link, `replica-${link}`, CATALOG_URL, this.now);
    this.#take();
  }

  closeReplica(link: number): void {
    this.catalog.onReplicaClosed(link, this.now);
    this.#take();
  }

  /** Delivers frames of a replica. */
  receiveFromReplica(link: number, ...frames: readonly unknown[]): void {
    for (const frame of frames) {
      this.catalog.onReplicaMessage(link, frame, this.now);
      this.#take();
    }
  }

  /** Grants the last authority request. */
  grantAuthority(link = LEADER): void {
    this.receiveFromReplica(link, { t: 'authority', id: this.lastRequestId, logged: this.log.lastLogIndex });
  }

  openFrontend(link: number): void {
    this.catalog.onFrontendOpened(link, `frontend-${link}`, this.now);
    this.#take();
  }

  closeFrontend(link: number): void {
    this.catalog.onFrontendClosed(link, this.now);
    this.#take();
  }

  receiveFromFrontend(
    link: number,
    ...frames: readonly (FrontendToCatalog | { readonly t: 'unknown' })[]
  ): void {
    for (const frame of frames) {
      this.catalog.onFrontendMessage(link, frame, this.now);
      this.#take();
    }
  }

  /** Opens front-end `link` with a lease and with `names` in its cache. */
  openFrontendWithCache(link: number, ...names: readonly string[]): void {
    this.openFrontend(link);
    this.receiveFromFrontend(link, { t: 'renew', id: 1 });
    for (const name of names) this.lookup(link, name);
    this.takeSent(link);
  }

  advanceTo(now: number): void {
    this.now = now;
    this.catalog.tick(now);
    this.#take();
  }

  clockSkipped(ms: number): void {
    this.catalog.onClockSkipped(ms);
    this.now += ms;
    this.catalog.tick(this.now);
    this.#take();
  }

  status(): CatalogStatus {
    return this.catalog.status(this.now);
  }

  /** The frames that were sent on a link since the last call. */
  takeSent(link: number): readonly OutgoingFrame[] {
    const frames = this.#sent.get(link) ?? [];
    this.#sent.delete(link);
    return frames;
  }

  /** The events since the last call. */
  takeEvents(): readonly CatalogEvent[] {
    const events = this.#events;
    this.#events = [];
    return events;
  }

  /** The links that the catalog closed since the last call. */
  takeCloses(): readonly Close[] {
    const closes = this.#closes;
    this.#closes = [];
    return closes;
  }

  /** Looks up a stock: `[price, quantity, version, cacheable]`, or the result's word; undefined while it waits. */
  lookup(link: number, name: string): unknown {
    this.receiveFromFrontend(link, { t: 'lookup', items: [[7, name]] });
    const frame = this.takeSent(link).at(-1);
    if (frame?.t !== 'stocks') return frame;
    const item = frame.items[0];
    return item?.[1] === 'stock' ? [...item[2].slice(1), item[3]] : item?.[1];
  }

  #take(): void {
    const { sends, closes, members, events, wakeAt } = this.catalog.takeEffects();
    for (const { link, frame } of sends) {
      this.#sent.set(link, [...(this.#sent.get(link) ?? []), frame]);
      if (frame.t === 'requestAuthority') this.lastRequestId = frame.id;
    }
    this.#closes.push(...closes);
    this.members.push(...members);
    this.#events.push(...events);
    this.wakeAt = wakeAt;
  }
}
