/**
 * How stocks are read that are not in the cache: from the current catalog, from the others if it cannot tell, and from the
 * leading replica if none of them can or they take too long. All of that again until the deadline.
 */
import { LOOKUP_MS } from '@trireme/coherence';
import type { CatalogLink, StockListQuestion, StockPage, StockSource } from './catalog-link.js';
import type { Catalogs } from './catalogs.js';
import { AGAIN, LOST, type NO_RESULT, retryUntil } from './retry.js';
import type { Deadline } from './rules/deadlines.js';
import type { StockView } from './rules/stock-cache.js';

interface StockReaderOptions {
  readonly catalogs: Catalogs;
  /** The leading replica. */
  readonly leader: StockSource;
}

export class StockReader {
  readonly #catalogs: Catalogs;
  readonly #leader: StockSource;
  /** Look-ups that each kind of process answered. */
  readonly answered = { catalog: 0, replica: 0 };

  constructor({ catalogs, leader }: StockReaderOptions) {
    this.#catalogs = catalogs;
    this.#leader = leader;
  }

  /**
   * The stock, null if there is none, `NO_RESULT` if nobody could tell.
   * @throws TriremeError `INVALID_REQUEST` if the question is not taken.
   */
  async lookup(name: string, deadline: Deadline): Promise<StockView | null | typeof NO_RESULT> {
    return retryUntil(deadline, async () => {
      const [result, source] = await this.#askAll(deadline, async (asked) => asked.lookup(name, deadline));
      if (result !== AGAIN && result !== LOST) this.answered[source] += 1;
      return result;
    });
  }

  /**
   * One page; it may be short, even empty, before the end.
   * @throws TriremeError `INVALID_REQUEST` if the question is not taken.
   */
  async list(question: StockListQuestion, deadline: Deadline): Promise<StockPage | typeof NO_RESULT> {
    return retryUntil(deadline, async () => {
      const [result] = await this.#askAll(deadline, async (asked) => asked.list(question, deadline));
      return result;
    });
  }

  /**
   * Asks each linked catalog once, then the leader, until one can tell. Where one catalog took long the others would as well: a
   * stock in doubt is so at all of them.
   */
  async #askAll<Result>(
    deadline: Deadline,
    ask: (source: StockSource) => Promise<Result | typeof AGAIN | typeof LOST>,
  ): Promise<readonly [Result | typeof AGAIN | typeof LOST, 'catalog' | 'replica']> {
    const asked: string[] = [];
    const startedAt = performance.now();
    let isLost = false;
    for (;;) {
      const catalog = this.#catalogs.next(asked);
      const isLate = performance.now() - startedAt >= LOOKUP_MS;
      if (catalog === null || isLate || deadline.expired) break;
      const result = await ask(catalog);
      if (result !== AGAIN && result !== LOST) {
        this.#prefer(catalog, asked);
        return [result, 'catalog'];
      }
      isLost ||= result === LOST;
      asked.push(catalog.id);
    }
    const result = await ask(this.#leader);
    return [result === AGAIN && isLost ? LOST : result, 'replica'];
  }

  /** A catalog answered what those in `asked` did not: the cache may follow one of them. */
  #prefer(catalog: CatalogLink, asked: readonly string[]): void {
    const { current } = this.#catalogs;
    if (current !== null && asked.includes(current.id)) this.#catalogs.prefer(catalog);
  }
}
