/**
 * Reads stocks that are not in the cache: from the current catalog, then from the other catalogs, then from the
 * leader if no catalog answers soon enough. Repeats this until the deadline.
 */
import { LOOKUP_WAIT_MS } from '@trireme/coherence';
import type { CatalogLink, StockListRequest, StockPage, StockSource } from './catalog-link.js';
import type { CatalogPool } from './catalog-pool.js';
import { RETRY, LOST, type NO_RESULT, retryUntilDeadline } from './retry.js';
import type { Deadline } from '../rules/deadlines.js';
import type { StockView } from '../rules/stock-cache.js';

interface StockReaderOptions {
  readonly catalogs: CatalogPool;
  /** Reads from the replica that leads. */
  readonly leader: StockSource;
}

export class StockReader {
  readonly #catalogs: CatalogPool;
  readonly #leader: StockSource;
  /** Number of look-ups that each kind of process answered. */
  readonly answered = { catalog: 0, replica: 0 };

  constructor({ catalogs, leader }: StockReaderOptions) {
    this.#catalogs = catalogs;
    this.#leader = leader;
  }

  /**
   * Looks up a stock.
   * @returns null if there is no such stock, `NO_RESULT` if no process answered before the deadline.
   * @throws TriremeError `INVALID_REQUEST` if a process rejects the look-up.
   */
  async lookup(name: string, deadline: Deadline): Promise<StockView | null | typeof NO_RESULT> {
    return retryUntilDeadline(deadline, async () => {
      const { result, source } = await this.#askAll(deadline, async (from) => from.lookup(name, deadline));
      if (result !== RETRY && result !== LOST) this.answered[source] += 1;
      return result;
    });
  }

  /**
   * Reads one page, which may be short or even empty before the end of the list.
   * @returns `NO_RESULT` if no process answered before the deadline.
   * @throws TriremeError `INVALID_REQUEST` if a process rejects the request.
   */
  async list(question: StockListRequest, deadline: Deadline): Promise<StockPage | typeof NO_RESULT> {
    return retryUntilDeadline(deadline, async () => {
      const { result } = await this.#askAll(deadline, async (from) => from.list(question, deadline));
      return result;
    });
  }

  /**
   * Asks each linked catalog once, then the leader, until one answers. After `LOOKUP_WAIT_MS` it skips the other
   * catalogs: an order that delays the look-up at one catalog delays it at all of them.
   */
  async #askAll<Result>(
    deadline: Deadline,
    ask: (source: StockSource) => Promise<Result | typeof RETRY | typeof LOST>,
  ): Promise<{
    readonly result: Result | typeof RETRY | typeof LOST;
    readonly source: 'catalog' | 'replica';
  }> {
    const asked: string[] = [];
    const startedAt = performance.now();
    let isLost = false;
    for (;;) {
      const catalog = this.#catalogs.nextToAsk(asked);
      const isLate = performance.now() - startedAt >= LOOKUP_WAIT_MS;
      if (catalog === null || isLate || deadline.isExpired) break;
      const result = await ask(catalog);
      if (result !== RETRY && result !== LOST) {
        this.#prefer(catalog, asked);
        return { result, source: 'catalog' };
      }
      isLost ||= result === LOST;
      asked.push(catalog.id);
    }
    const result = await ask(this.#leader);
    return { result: result === RETRY && isLost ? LOST : result, source: 'replica' };
  }

  /**
   * `catalog` answered a request that the catalogs in `asked` did not. Lets the cache move to it if the current
   * catalog is one of those.
   */
  #prefer(catalog: CatalogLink, asked: readonly string[]): void {
    const { current } = this.#catalogs;
    if (current !== null && asked.includes(current.id)) this.#catalogs.onBetterCatalog(catalog);
  }
}
