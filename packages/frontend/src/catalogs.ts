/**
 * The catalogs as the front-end sees them: a link to each, kept open. The cache follows one of them, the current one, and
 * moves to another when that one does not answer. To leave a catalog is to close its link, as the cache must not follow
 * a link a second time.
 */
import { AUTHORITY_MS, RENEWAL_MS } from '@trireme/coherence';
import type { CatalogReport, CatalogWire } from '@trireme/domain';
import { LeaseClock, type LinkIdentity, type Log, type MakeDialer } from '@trireme/service';
import { CatalogLink } from './catalog-link.js';
import { CatalogChoice } from './rules/catalog-choice.js';
import { CatalogSet } from './rules/catalog-set.js';
import type { Reported } from './rules/report-board.js';
import type { StockCache, StockView } from './rules/stock-cache.js';

/** A catalog as this front-end sees it. */
interface CatalogView {
  readonly id: string;
  readonly linked: boolean;
  /** Whether the cache follows it. */
  readonly current: boolean;
  readonly reported: Reported<CatalogReport> | null;
}

/** How long a catalog is waited for, and how long a preferred one must have been linked before it is followed again. */
export interface CatalogsTiming {
  readonly patienceMs: number;
  readonly returnMs: number;
}

interface CatalogsOptions extends CatalogsTiming {
  readonly identity: LinkIdentity;
  /** Over sockets unless set. */
  readonly dial?: MakeDialer;
  readonly log: Log;
  readonly cache: StockCache;
  /** Called when a link has opened or closed, or the current catalog is another one. */
  readonly changed: () => void;
}

/**
 * How long a catalog that answers may be without a lease for the cache before another one is followed, in milliseconds. When
 * the leader changes, or a process is short of its core, all catalogs lack authority for a moment; to move empties the cache.
 */
const LEAVE_AFTER_MS = AUTHORITY_MS;

/** Between two looks for a preferred catalog, in milliseconds. */
const RETURN_CHECK_MS = 1_000;

/** Id of a request for a lease that only asks whether there is one to be had; the cache's ids are from 1. */
const PROBE_ID = 0;

export class Catalogs {
  readonly #o: CatalogsOptions;
  readonly #cache: StockCache;
  readonly #leaseClock = new LeaseClock();
  readonly #set = new CatalogSet();
  readonly #choice: CatalogChoice;
  /** By id; as many as the roster has. */
  readonly #catalogs = new Map<string, CatalogLink>();
  readonly #stopping = new Set<Promise<void>>();
  /** The link that the cache follows. */
  #followed: number | null = null;
  /** Since when, on the clock of leases. */
  #followedAt = -Infinity;
  #renewal: NodeJS.Timeout | null = null;
  #returnCheck: NodeJS.Timeout | null = null;
  #isRunning = false;

  constructor(options: CatalogsOptions) {
    this.#o = options;
    this.#cache = options.cache;
    this.#choice = new CatalogChoice(options.identity.name);
  }

  start(): void {
    this.#isRunning = true;
    this.#returnCheck = setInterval(() => this.#probePreferred(), RETURN_CHECK_MS).unref();
    this.#reconcile();
  }

  async stop(): Promise<void> {
    this.#isRunning = false;
    if (this.#returnCheck !== null) clearInterval(this.#returnCheck);
    for (const id of [...this.#catalogs.keys()]) this.#close(id);
    await Promise.all(this.#stopping);
  }

  /** A replica told which catalogs there are. */
  told(replica: string, items: readonly CatalogWire[]): void {
    this.#set.told(replica, items);
    this.#reconcile();
  }

  /** The link to a replica closed. */
  forget(replica: string): void {
    this.#set.forget(replica);
    this.#reconcile();
  }

  /** The catalog that the cache follows. */
  get current(): CatalogLink | null {
    const id = this.#choice.current;
    return id === null ? null : (this.#catalogs.get(id) ?? null);
  }

  /** The linked catalog to ask next, the current one first; null where all were asked. */
  next(asked: readonly string[]): CatalogLink | null {
    const id = this.#choice.next(asked);
    return id === null ? null : (this.#catalogs.get(id) ?? null);
  }

  /** `catalog` has answered what the current one could not: the cache follows it once that lasts. */
  prefer(catalog: CatalogLink): void {
    const leaseOver = Math.max(this.#cache.leaseUntil, this.#followedAt);
    if (this.#leaseClock.now() - leaseOver >= LEAVE_AFTER_MS) this.#moveTo(catalog);
  }

  /** Has the cache follow `catalog`, and leaves the current one. */
  #moveTo(catalog: CatalogLink): void {
    const before = this.current;
    if (before === catalog || catalog.link === null) return;
    this.#choice.moveTo(catalog.id);
    this.#follow();
    before?.leave('this front-end moves to another catalog');
  }

  /** Life of the cluster, used in entity tags; null while the current catalog has not told it. */
  get life(): string | null {
    return this.current?.life ?? null;
  }

  /** In the order of their ids. */
  get members(): readonly CatalogView[] {
    const { current } = this;
    return [...this.#catalogs.values()]
      .sort((a, b) => (a.id < b.id ? -1 : 1))
      .map((catalog) => ({
        id: catalog.id,
        linked: catalog.link !== null,
        current: catalog === current,
        reported: catalog.reported,
      }));
  }

  /** Look-ups that wait to be sent, or for their answer. */
  get counts(): { readonly queued: number; readonly sent: number } {
    const counts = { queued: 0, sent: 0 };
    for (const catalog of this.#catalogs.values()) {
      counts.queued += catalog.counts.queued;
      counts.sent += catalog.counts.sent;
    }
    return counts;
  }

  /** Asks every linked catalog what it is doing, but for those that have not answered the last time. */
  askReports(): void {
    for (const catalog of this.#catalogs.values()) catalog.askReport();
  }

  /** The stock from the cache, or null if somebody must be asked. */
  cached(name: string): StockView | null {
    return this.#cache.get(name, this.#leaseClock.now());
  }

  /** Whether `cached` would return the stock. Changes nothing. */
  isCached(name: string): boolean {
    return this.#cache.holds(name, this.#leaseClock.now());
  }

  /** Milliseconds for which the cache may still be answered from, 0 where it may not. */
  get leaseRemainingMs(): number {
    return this.#cache.leaseRemainingMs(this.#leaseClock.now());
  }

  #reconcile(): void {
    if (!this.#isRunning) return;
    const { urls } = this.#set;
    for (const { id, url } of [...this.#catalogs.values()]) if (urls.get(id) !== url) this.#close(id);
    for (const [id, url] of urls) if (!this.#catalogs.has(id)) this.#dial(id, url);
  }

  #dial(id: string, url: string): void {
    const { identity, log, patienceMs, dial } = this.#o;
    const catalog = new CatalogLink({
      ...{ id, url, identity, log, patienceMs },
      ...(dial === undefined ? {} : { dial }),
      handler: {
        opened: () => {
          if (this.#catalogs.get(id) !== catalog) return;
          this.#choice.onOpened(id, performance.now());
          this.#follow();
          this.#o.changed();
        },
        closed: () => {
          if (this.#catalogs.get(id) !== catalog) return;
          this.#choice.onClosed(id);
          this.#follow();
          this.#o.changed();
        },
        granted: (link, lease, ms) => {
          if (lease === PROBE_ID) this.#onProbed(catalog);
          else this.#cache.onLease(link.id, lease, ms);
        },
        answered: (link, view, cacheable) => this.#cache.fill(link.id, view, cacheable),
        revoked: (names) => this.#cache.revoke(names),
      },
    });
    this.#catalogs.set(id, catalog);
    this.#o.log.info({ catalog: id, url }, 'linking with a catalog');
    catalog.start();
  }

  #close(id: string): void {
    const catalog = this.#catalogs.get(id);
    if (catalog === undefined) return;
    catalog.leave('this front-end links with it no more');
    this.#catalogs.delete(id);
    const stopped: Promise<void> = catalog.stop().then(() => void this.#stopping.delete(stopped));
    this.#stopping.add(stopped);
  }

  /** The cache follows the link of the current catalog, which may be another one now. */
  #follow(): void {
    const catalog = this.current;
    const link = catalog?.link ?? null;
    if ((link?.id ?? null) === this.#followed) return;
    if (this.#followed !== null) this.#cache.onDisconnected(this.#followed);
    this.#followed = link?.id ?? null;
    this.#followedAt = this.#leaseClock.now();
    if (this.#renewal !== null) clearInterval(this.#renewal);
    this.#renewal = null;
    if (catalog === null || link === null) return;
    this.#o.log.info({ catalog: catalog.id }, 'following a catalog');
    this.#cache.onConnected(link.id);
    if (this.#cache.capacity === 0) return;
    const renew = (): void => catalog.renew(this.#cache.requestLease(this.#leaseClock.now()));
    renew();
    this.#renewal = setInterval(renew, RENEWAL_MS);
  }

  /** Asks a catalog that is preferred to the current one whether it would give a lease: then it is followed again. */
  #probePreferred(): void {
    const id = this.#choice.preferred(performance.now(), this.#o.returnMs);
    if (id !== null) this.#catalogs.get(id)?.renew(PROBE_ID);
  }

  #onProbed(catalog: CatalogLink): void {
    if (this.#choice.preferred(performance.now(), this.#o.returnMs) === catalog.id) this.#moveTo(catalog);
  }
}
