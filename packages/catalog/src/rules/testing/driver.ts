/** A catalog whose effects a scenario collects, with a clock that stands still unless told. */
import {
  type CatalogToFrontend,
  type CatalogToLeader,
  type FrontendToCatalog,
  type LeaderToCatalog,
  type Stock,
} from '@trireme/domain';
import { Catalog, type CatalogOptions } from '../catalog.js';
import type { CatalogEvent } from '../effects.js';
import { honouredMs, LEASE_MS_MAX } from '../leases.js';
import { LeaderLog } from './frames.js';

/** When the leases of an earlier process are over, for a catalog that starts at 0. */
export const HOLD_MS = honouredMs(LEASE_MS_MAX);

type Frame = CatalogToFrontend | CatalogToLeader;

export class Driver {
  readonly catalog: Catalog;
  /** What every leader of the test has. */
  readonly log: LeaderLog;
  now = 0;
  wakeAt: number | null = null;
  readonly closes: (readonly [number, string])[] = [];
  readonly #sent = new Map<number, Frame[]>();
  #events: CatalogEvent[] = [];

  /** @param stocks of the log that the tests' leaders have. The catalog knows nothing. */
  constructor(stocks: readonly Stock[], more: Partial<CatalogOptions> = {}) {
    this.log = new LeaderLog(stocks);
    this.catalog = new Catalog({ leaseMs: 500, now: 0, ...more });
    this.#take();
  }

  /** Past the leases of an earlier process, with leader link 100 attached and its snapshot installed. */
  static ready(stocks: readonly Stock[], more: Partial<CatalogOptions> = {}): Driver {
    const driver = new Driver(stocks, more);
    driver.leader(100);
    driver.ask(100, { t: 'begin' }, { t: 'attach', upTo: 0 }, ...driver.log.snapshot());
    driver.at(HOLD_MS);
    driver.sent(100);
    driver.events();
    return driver;
  }

  frontend(link: number): void {
    this.catalog.frontendOpened(link, `frontend-${link}`, this.now);
    this.#take();
  }

  say(link: number, frame: FrontendToCatalog): void {
    this.catalog.frontendMessage(link, frame, this.now);
    this.#take();
  }

  frontendGone(link: number): void {
    this.catalog.frontendClosed(link, this.now);
    this.#take();
  }

  /** Opens front-end `link`, which has a lease and may keep `names`: a trade of one of them waits for it. */
  holder(link: number, ...names: readonly string[]): void {
    this.frontend(link);
    this.say(link, { t: 'renew', id: 1 });
    for (const name of names) this.lookup(link, name);
    this.sent(link);
  }

  leader(link: number): void {
    this.catalog.leaderOpened(link, this.now);
    this.#take();
  }

  ask(link: number, ...frames: readonly LeaderToCatalog[]): void {
    for (const frame of frames) {
      this.catalog.leaderMessage(link, frame, this.now);
      this.#take();
    }
  }

  leaderGone(link: number): void {
    this.catalog.leaderClosed(link, this.now);
    this.#take();
  }

  at(now: number): void {
    this.now = now;
    this.catalog.tick(now);
    this.#take();
  }

  /** What was sent on a link since the last call. */
  sent(link: number): readonly Frame[] {
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

  /** Looks a stock up on a link, as `[price, quantity, version, cacheable]` or the result's word. */
  lookup(link: number, name: string): unknown {
    this.say(link, { t: 'lookup', items: [[7, name]] });
    const frame = this.sent(link).at(-1);
    if (frame?.t !== 'stocks') return frame;
    const item = frame.items[0];
    return item?.[1] === 'stock' ? [...item[2].slice(1), item[3]] : item?.[1];
  }

  #take(): void {
    const { sends, closes, events, wakeAt } = this.catalog.take();
    for (const [link, frame] of sends) this.#sent.set(link, [...(this.#sent.get(link) ?? []), frame]);
    this.closes.push(...closes);
    this.#events.push(...events);
    this.wakeAt = wakeAt;
  }
}
