/**
 * Keeps a link to each catalog open. The cache follows one of them, the current one, and moves to another
 * when the current one does not answer. Leaving a catalog closes its link, because the cache must not follow
 * a link twice.
 */
import { AUTHORITY_MS, RENEWAL_MS } from '@trireme/coherence';
import type { CatalogReport, CatalogWire } from '@trireme/domain';
import { LeaseClock, type LinkIdentity, type Log, type CreateDialer } from '@trireme/service';
import { CatalogLink } from './catalog-link.js';
import { CatalogSelector } from '../rules/catalog-selector.js';
import { CatalogSet } from '../rules/catalog-set.js';
import type { TimedReport } from '../rules/report-store.js';
import type { StockCache, StockView } from '../rules/stock-cache.js';

/** A catalog as this front-end sees it. */
interface CatalogView {
  readonly id: string;
  readonly linked: boolean;
  /** Whether the cache follows it. */
  readonly current: boolean;
  readonly lastReport: TimedReport<CatalogReport> | null;
}

export interface CatalogTimeouts {
  /** Milliseconds to wait for a catalog that sends nothing while it owes an answer. */
  readonly answerTimeoutMs: number;
  /**
   * Milliseconds that the link to a preferred catalog must have been open before the cache moves back to it.
   */
  readonly returnDelayMs: number;
}

interface CatalogPoolOptions extends CatalogTimeouts {
  readonly identity: LinkIdentity;
  /** Opens links over sockets by default. */
  readonly createDialer?: CreateDialer | undefined;
  readonly log: Log;
  readonly cache: StockCache;
  /** Called when a link has opened or closed, or the current catalog has changed. */
  readonly onChange: () => void;
}

/**
 * Milliseconds that the current catalog may fail to grant a lease before the cache moves to another catalog.
 * A move empties the cache, and after a leader change or a CPU stall all catalogs lack authority for a
 * moment.
 */
const LEAVE_AFTER_MS = AUTHORITY_MS;

/** Milliseconds between two checks for a preferred catalog. */
const RETURN_CHECK_MS = 1_000;

/** Id of a lease request that only checks whether the catalog grants leases. The cache's ids start at 1. */
const PROBE_ID = 0;

export class CatalogPool {
  readonly #options: CatalogPoolOptions;
  readonly #cache: StockCache;
  readonly #leaseClock = new LeaseClock();
  readonly #set = new CatalogSet();
  readonly #choice: CatalogSelector;
  /** By id; bounded by the size of the catalog set. */
  readonly #catalogs = new Map<string, CatalogLink>();
  readonly #stopping = new Set<Promise<void>>();
  /** Id of the link that the cache follows. */
  #followedLink: number | null = null;
  /** When the cache began to follow it, on the lease clock. */
  #followedAt = -Infinity;
  #renewal: NodeJS.Timeout | null = null;
  #returnCheck: NodeJS.Timeout | null = null;
  #isRunning = false;

  constructor(options: CatalogPoolOptions) {
    this.#options = options;
    this.#cache = options.cache;
    this.#choice = new CatalogSelector(options.identity.name);
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

  /** A replica sent its list of the catalogs. */
  onCatalogList(replica: string, items: readonly CatalogWire[]): void {
    this.#set.onList(replica, items);
    this.#reconcile();
  }

  /** The link to a replica closed. */
  onReplicaUnlinked(replica: string): void {
    this.#set.onReplicaUnlinked(replica);
    this.#reconcile();
  }

  /** The catalog that the cache follows. */
  get current(): CatalogLink | null {
    const id = this.#choice.current;
    return id === null ? null : (this.#catalogs.get(id) ?? null);
  }

  /** The linked catalog to ask next, the current one first; null if all linked ones are in `asked`. */
  nextToAsk(asked: readonly string[]): CatalogLink | null {
    const id = this.#choice.nextToAsk(asked);
    return id === null ? null : (this.#catalogs.get(id) ?? null);
  }

  /**
   * `catalog` answered what the current one could not. Moves the cache to it after `LEAVE_AFTER_MS` without a
   * lease.
   */
  onBetterCatalog(catalog: CatalogLink): void {
    const leaselessSince = Math.max(this.#cache.leaseUntil, this.#followedAt);
    if (this.#leaseClock.now() - leaselessSince >= LEAVE_AFTER_MS) this.#moveTo(catalog);
  }

  /** Makes the cache follow `catalog`, and leaves the current one. */
  #moveTo(catalog: CatalogLink): void {
    const before = this.current;
    if (before === catalog || catalog.link === null) return;
    this.#choice.select(catalog.id);
    this.#follow();
    before?.disconnect('the front-end follows another catalog');
  }

  /** Life of the cluster, used in entity tags; null until the current catalog has sent it. */
  get life(): string | null {
    return this.current?.life ?? null;
  }

  /** All catalogs, sorted by id. */
  get views(): readonly CatalogView[] {
    const { current } = this;
    return [...this.#catalogs.values()]
      .sort((a, b) => (a.id < b.id ? -1 : 1))
      .map((catalog) => ({
        id: catalog.id,
        linked: catalog.link !== null,
        current: catalog === current,
        lastReport: catalog.lastReport,
      }));
  }

  /** Look-ups that are queued, or sent and not answered yet. */
  get lookupCounts(): { readonly queued: number; readonly sent: number } {
    const counts = { queued: 0, sent: 0 };
    for (const catalog of this.#catalogs.values()) {
      counts.queued += catalog.lookupCounts.queued;
      counts.sent += catalog.lookupCounts.sent;
    }
    return counts;
  }

  /** Asks every linked catalog for a report, except those that have not sent the last one yet. */
  requestReports(): void {
    for (const catalog of this.#catalogs.values()) catalog.requestReport();
  }

  /** The stock from the cache, or null if a catalog must be asked. */
  getCached(name: string): StockView | null {
    return this.#cache.get(name, this.#leaseClock.now());
  }

  /** Whether `cached` would return the stock. Changes nothing. */
  isCached(name: string): boolean {
    return this.#cache.has(name, this.#leaseClock.now());
  }

  /** Milliseconds until the lease on the cache ends, 0 without a lease. */
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
    const { identity, log, answerTimeoutMs, createDialer } = this.#options;
    const catalog = new CatalogLink({
      id,
      url,
      identity,
      log,
      answerTimeoutMs,
      createDialer,
      handler: {
        onOpen: () => {
          if (this.#catalogs.get(id) !== catalog) return;
          this.#choice.onOpened(id, performance.now());
          this.#follow();
          this.#options.onChange();
        },
        onClose: () => {
          if (this.#catalogs.get(id) !== catalog) return;
          this.#choice.onClosed(id);
          this.#follow();
          this.#options.onChange();
        },
        onLease: (link, lease, ms) => {
          if (lease === PROBE_ID) this.#onProbeGranted(catalog);
          else this.#cache.onLease(link.id, lease, ms);
        },
        onStock: (link, view, cacheable) => this.#cache.fill(link.id, view, cacheable),
        onRevoke: (names) => this.#cache.revoke(names),
      },
    });
    this.#catalogs.set(id, catalog);
    this.#options.log.info({ catalog: id, url }, 'connecting to catalog');
    catalog.start();
  }

  #close(id: string): void {
    const catalog = this.#catalogs.get(id);
    if (catalog === undefined) return;
    catalog.disconnect('the front-end no longer uses this catalog');
    this.#catalogs.delete(id);
    const stopped: Promise<void> = catalog.stop().then(() => void this.#stopping.delete(stopped));
    this.#stopping.add(stopped);
  }

  /** Makes the cache follow the link of the current catalog, if it does not already. */
  #follow(): void {
    const catalog = this.current;
    const link = catalog?.link ?? null;
    if ((link?.id ?? null) === this.#followedLink) return;
    if (this.#followedLink !== null) this.#cache.onDisconnected(this.#followedLink);
    this.#followedLink = link?.id ?? null;
    this.#followedAt = this.#leaseClock.now();
    if (this.#renewal !== null) clearInterval(this.#renewal);
    this.#renewal = null;
    if (catalog === null || link === null) return;
    this.#options.log.info({ catalog: catalog.id }, 'following catalog');
    this.#cache.onConnected(link.id);
    if (this.#cache.capacity === 0) return;
    const renew = (): void => catalog.requestLease(this.#cache.requestLease(this.#leaseClock.now()));
    renew();
    this.#renewal = setInterval(renew, RENEWAL_MS);
  }

  /**
   * Asks a catalog that is preferred to the current one for a lease. The cache moves to it if it grants one.
   */
  #probePreferred(): void {
    const id = this.#choice.preferredCatalog(performance.now(), this.#options.returnDelayMs);
    if (id !== null) this.#catalogs.get(id)?.requestLease(PROBE_ID);
  }

  #onProbeGranted(catalog: CatalogLink): void {
    if (this.#choice.preferredCatalog(performance.now(), this.#options.returnDelayMs) === catalog.id)
      this.#moveTo(catalog);
  }
}
