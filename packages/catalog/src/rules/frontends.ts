/**
 * The front-ends with an open link: their open queries, and the translation of the rules' messages to frames.
 */
import type { CatalogToFrontend, FrontendSession } from '@trireme/coherence';
import { REPORT_STOCKS_MAX, REPORT_SESSIONS_MAX, stockToWire, type FrontendReport } from '@trireme/domain';
import type { StockTable } from '@trireme/state-machine';
import type { SendQueue } from './send-queue.js';

/** A query with the front-end's own id. A look-up and a list may have the same id. */
type Query =
  | { readonly kind: 'lookup'; readonly id: number }
  | { readonly kind: 'list'; readonly id: number; readonly after: string; readonly limit: number };

interface Frontend {
  readonly peer: string;
  /** By query number. */
  readonly queries: Map<number, Query>;
}

type QueryResult = Extract<CatalogToFrontend, { readonly t: 'stock' | 'page' | 'unready' }>;

export class FrontendQueries {
  readonly #outbox: SendQueue;
  readonly #open = new Map<number, Frontend>();
  #lastQuery = 0;

  constructor(outbox: SendQueue) {
    this.#outbox = outbox;
  }

  get links(): readonly number[] {
    return [...this.#open.keys()];
  }

  open(link: number, peer: string): void {
    this.#open.set(link, { peer, queries: new Map() });
  }

  close(link: number): void {
    this.#open.delete(link);
  }

  closeAll(): void {
    this.#open.clear();
  }

  has(link: number): boolean {
    return this.#open.has(link);
  }

  /** Name of the front-end on a link; undefined if the link is not open. */
  peer(link: number): string | undefined {
    return this.#open.get(link)?.peer;
  }

  /** Stores a query until its answer. Returns its number, which is unique in this catalog. */
  addQuery(link: number, query: Query): number {
    this.#lastQuery += 1;
    this.#open.get(link)?.queries.set(this.#lastQuery, query);
    return this.#lastQuery;
  }

  /** Sends a message of the rules to a front-end. @param table the visible stocks */
  send(link: number, message: CatalogToFrontend, table: StockTable): void {
    switch (message.t) {
      case 'lease': {
        // The protocol uses whole milliseconds, and a shorter lease is safe.
        const ms = Math.floor(message.ms);
        if (ms > 0) this.#outbox.send(link, { t: 'lease', id: message.id, ms });
        return;
      }
      case 'revoke':
        this.#outbox.send(link, message);
        return;
      case 'stock':
      case 'page':
      case 'unready': {
        const queries = this.#open.get(link)?.queries;
        const query = queries?.get(message.id);
        if (query === undefined) return;
        queries?.delete(message.id);
        this.#answer(link, query, message, table);
      }
    }
  }

  /** @param sessions the sessions of the rules */
  report(sessions: Iterable<FrontendSession>, now: number): readonly FrontendReport[] {
    const reports: FrontendReport[] = [];
    for (const { link, leaseUntil, cachedStocks } of sessions) {
      const peer = this.peer(link);
      if (peer === undefined) continue;
      if (reports.length === REPORT_SESSIONS_MAX) break;
      const leaseMs = Math.max(0, Math.round(leaseUntil - now));
      reports.push({ peer, leaseMs, names: firstOf(cachedStocks, REPORT_STOCKS_MAX) });
    }
    return reports;
  }

  #answer(link: number, query: Query, result: QueryResult, table: StockTable): void {
    const { id } = query;
    if (query.kind === 'list') {
      if (result.t === 'unready') {
        this.#outbox.send(link, { t: 'pageUnready', id });
        return;
      }
      const { stocks, next } = table.page(query.after, query.limit);
      this.#outbox.send(link, { t: 'page', id, stocks: stocks.map(stockToWire), next });
      return;
    }
    const stock = result.t === 'stock' ? table.get(result.name) : undefined;
    if (result.t !== 'stock') this.#outbox.sendResult(link, [id, 'unready']);
    else if (stock === undefined) this.#outbox.sendResult(link, [id, 'missing']);
    else this.#outbox.sendResult(link, [id, 'stock', stockToWire(stock), result.cacheable]);
  }
}

function firstOf(names: ReadonlySet<string>, countMax: number): readonly string[] {
  const first: string[] = [];
  for (const name of names) {
    if (first.length === countMax) break;
    first.push(name);
  }
  return first;
}
