/**
 * Keeps a link to one catalog open, over which the front-end looks up stocks and the catalog revokes them.
 * The link is closed if the catalog sends nothing while a request waits, so that later requests do not wait
 * for it.
 */
import {
  CATALOG_TO_FRONTEND,
  FormatError,
  LINK_PATHS,
  parseFrame,
  toStock,
  type CatalogReport,
  type FrontendToCatalog,
  type CatalogLookupResult,
  type ReceivedCatalogToFrontend,
  type Stock,
} from '@trireme/domain';
import {
  createSocketDialer,
  LogThrottle,
  type Dialer,
  type Link,
  type LinkIdentity,
  type Log,
  type CreateDialer,
} from '@trireme/service';
import { RpcClient } from './rpc-client.js';
import { RETRY, LOST } from './retry.js';
import type { Deadline } from '../rules/deadlines.js';
import { ReportStore, type TimedReport } from '../rules/report-store.js';
import { invalidRequestError } from '../rules/results.js';
import { toStockView, type StockView } from '../rules/stock-cache.js';

/** A page of stocks. The next page starts after the name `next`, which is null at the end. */
export interface StockPage {
  readonly stocks: readonly Stock[];
  readonly next: string | null;
}

export interface StockListRequest {
  readonly after: string;
  readonly limit: number;
}

/** A process that reads stocks. Results: `RETRY` if it did not answer the request, `LOST` if its link broke. */
export interface StockSource {
  /**
   * @returns null if there is no such stock.
   * @throws TriremeError `INVALID_REQUEST` if it rejects the look-up.
   */
  lookup(name: string, deadline: Deadline): Promise<StockView | null | typeof RETRY | typeof LOST>;
  /** The page may be short or even empty before the end of the list. @throws TriremeError `INVALID_REQUEST`. */
  list(question: StockListRequest, deadline: Deadline): Promise<StockPage | typeof RETRY | typeof LOST>;
}

type LookupOutcome =
  | { readonly result: 'stock'; readonly view: StockView }
  | { readonly result: 'missing' | 'unready' }
  | { readonly result: 'invalid'; readonly reason: string };

type CatalogPageResult =
  | Extract<ReceivedCatalogToFrontend, { t: 'page' | 'pageUnready' | 'pageInvalid' | 'invalidPage' }>
  | { readonly t: 'left' };

/** Notifications of a link. */
interface CatalogLinkHandler {
  onOpen(): void;
  /** Also called at once when this process closes the link. */
  onClose(): void;
  onLease(link: Link, id: number, ms: number): void;
  /** Caches the stock if `cacheable`. Called in the order of the link's frames. */
  onStock(link: Link, view: StockView, cacheable: boolean): void;
  /** Drops the stocks from the cache before it returns. */
  onRevoke(names: readonly string[]): void;
}

interface CatalogLinkOptions {
  readonly id: string;
  readonly url: string;
  readonly identity: LinkIdentity;
  /** Opens links over sockets by default. */
  readonly createDialer?: CreateDialer | undefined;
  readonly log: Log;
  /** Milliseconds without any frame after which the link to a catalog that owes an answer is closed. */
  readonly answerTimeoutMs: number;
  readonly handler: CatalogLinkHandler;
}

export class CatalogLink implements StockSource {
  readonly id: string;
  readonly url: string;
  readonly #log: Log;
  readonly #timeoutMs: number;
  readonly #handler: CatalogLinkHandler;
  readonly #invalidLogThrottle = new LogThrottle();
  readonly #reports = new ReportStore<CatalogReport>();
  readonly #dialer: Dialer;
  #link: Link | null = null;
  /** Null until the catalog has sent it on the open link, which it does once it has a stock table. */
  #life: string | null = null;
  /** Runs while requests wait for an answer. */
  #silenceTimer: NodeJS.Timeout | null = null;
  /** Whether a frame has arrived since the last check. */
  #hasReceived = false;
  /** Whether the last check asked for a report because no frame had arrived. */
  #isProbed = false;

  readonly #lookups = new RpcClient<string, LookupOutcome>({
    route: () => this.#link,
    send: (link, calls) =>
      send(link, { t: 'lookup', items: calls.map((call) => [call.id, call.request] as const) }),
    dedupeKeyOf: (name) => name,
  });
  readonly #lists = new RpcClient<StockListRequest, CatalogPageResult>({
    route: () => this.#link,
    send: (link, calls) => calls.every((call) => send(link, { t: 'list', id: call.id, ...call.request })),
  });

  constructor(options: CatalogLinkOptions) {
    const { id, url, identity, log, answerTimeoutMs, handler, createDialer = createSocketDialer } = options;
    this.id = id;
    this.url = url;
    this.#log = log;
    this.#timeoutMs = answerTimeoutMs;
    this.#handler = handler;
    this.#dialer = createDialer({
      url,
      path: LINK_PATHS.frontendToCatalog,
      serverRole: 'catalog',
      identity,
      log,
      handler: {
        onOpen: (link) => {
          this.#link = link;
          this.#handler.onOpen();
        },
        onMessage: (link, message) => {
          if (link === this.#link) this.#onFrame(link, parseFrame(CATALOG_TO_FRONTEND, message));
        },
        onClose: (link) => this.#dropLink(link),
      },
    });
  }

  start(): void {
    this.#dialer.start();
  }

  async stop(): Promise<void> {
    await this.#dialer.stop();
  }

  /** The open link, or null. */
  get link(): Link | null {
    return this.#link;
  }

  /** Life of the cluster; null until this catalog has sent it. */
  get life(): string | null {
    return this.#life;
  }

  /** Look-ups that are queued, or sent and not answered yet. */
  get lookupCounts(): { readonly queued: number; readonly sent: number } {
    return this.#lookups.counts;
  }

  /** The last report of the catalog, for monitoring. */
  get lastReport(): TimedReport<CatalogReport> | null {
    return this.#reports.last(this.id);
  }

  /** Asks the catalog for a report, unless it has not sent the last one yet. */
  requestReport(): void {
    if (this.#link !== null && this.#reports.tryRequest(this.id)) send(this.#link, { t: 'report' });
  }

  /** Requests a lease. */
  requestLease(id: number): void {
    if (this.#link !== null) send(this.#link, { t: 'renew', id });
  }

  /** Closes the link and dials again. Requests that wait for an answer on it are retried elsewhere. */
  disconnect(reason: string): void {
    const link = this.#link;
    if (link === null) return;
    this.#lookups.onLinkLost(link, { result: 'unready' });
    this.#lists.onLinkLost(link, { t: 'left' });
    this.#dropLink(link);
    link.close(reason);
  }

  async lookup(name: string, deadline: Deadline): Promise<StockView | null | typeof RETRY | typeof LOST> {
    this.#checkForSilence();
    const answer = await this.#lookups.call(name, deadline);
    if (typeof answer === 'string') return answer === 'unanswered' ? LOST : RETRY;
    switch (answer.result) {
      case 'stock':
        return answer.view;
      case 'missing':
        return null;
      case 'unready':
        return RETRY;
      case 'invalid':
        throw invalidRequestError(answer.reason);
    }
  }

  async list(
    question: StockListRequest,
    deadline: Deadline,
  ): Promise<StockPage | typeof RETRY | typeof LOST> {
    this.#checkForSilence();
    const answer = await this.#lists.call(question, deadline);
    if (typeof answer === 'string') return answer === 'unanswered' ? LOST : RETRY;
    switch (answer.t) {
      case 'page':
        return { stocks: answer.stocks.map(toStock), next: answer.next };
      case 'pageUnready':
      case 'invalidPage':
      case 'left':
        return RETRY;
      case 'pageInvalid':
        throw invalidRequestError(answer.reason);
    }
  }

  /** Drops the link; a repeated call does nothing. */
  #dropLink(link: Link): void {
    if (link !== this.#link) return;
    this.#link = null;
    this.#life = null;
    if (this.#silenceTimer !== null) clearTimeout(this.#silenceTimer);
    this.#silenceTimer = null;
    this.#reports.onUnlinked(this.id);
    this.#handler.onClose();
    for (const client of [this.#lookups, this.#lists]) {
      client.onLinkLost(link);
      client.failQueued();
    }
  }

  /** Called before a request waits, so that it does not wait for a catalog that sends nothing. */
  #checkForSilence(): void {
    if (this.#link === null) return;
    if (this.#silenceTimer !== null) {
      // The catalog owed no answer until now.
      if (this.#waitingCount === 0) this.#hasReceived = true;
      return;
    }
    this.#hasReceived = false;
    this.#isProbed = false;
    this.#armSilenceTimer();
  }

  /** Number of requests that wait for an answer. */
  get #waitingCount(): number {
    return this.#lookups.size + this.#lists.size;
  }

  #armSilenceTimer(): void {
    // First read the frames that arrived while this process was busy.
    const check = (): void => void setImmediate(() => this.#onSilenceTimer());
    this.#silenceTimer = setTimeout(check, this.#timeoutMs / 2).unref();
  }

  #onSilenceTimer(): void {
    // The link has closed in the meantime.
    if (this.#silenceTimer === null) return;
    this.#silenceTimer = null;
    if (this.#waitingCount === 0) return;
    if (!this.#hasReceived && this.#isProbed) {
      this.#log.warn({ catalog: this.id, timeoutMs: this.#timeoutMs }, 'catalog does not answer');
      this.disconnect('the catalog does not answer');
      return;
    }
    // A look-up may have to wait for an order to be decided; a report never waits.
    this.#isProbed = !this.#hasReceived;
    if (this.#isProbed) this.requestReport();
    this.#hasReceived = false;
    this.#armSilenceTimer();
  }

  #onFrame(link: Link, frame: ReceivedCatalogToFrontend): void {
    this.#hasReceived = true;
    switch (frame.t) {
      case 'life':
        if (this.#life !== null && this.#life !== frame.life)
          throw new FormatError('the catalog sent another life on the same link');
        this.#life = frame.life;
        return;
      case 'lease':
        this.#handler.onLease(link, frame.id, frame.ms);
        return;
      case 'stocks':
        for (const item of frame.items) this.#lookups.onAnswer(link, item[0], this.#answerOf(link, item));
        for (const { id, reason } of frame.invalid) {
          this.#warnInvalid(reason);
          this.#lookups.onAnswer(link, id, { result: 'unready' });
        }
        return;
      case 'invalidReport':
        this.#warnInvalid(frame.reason);
        this.#reports.onUnlinked(this.id);
        return;
      case 'invalidPage':
        this.#warnInvalid(frame.reason);
        this.#lists.onAnswer(link, frame.id, frame);
        return;
      case 'page':
      case 'pageUnready':
      case 'pageInvalid':
        this.#lists.onAnswer(link, frame.id, frame);
        return;
      case 'report':
        this.#reports.onReport(this.id, frame.report, performance.now());
        return;
      case 'revoke':
        // The order waits for this answer. Drop the stocks before any other work.
        this.#handler.onRevoke(frame.names);
        send(link, { t: 'dropped', seq: frame.seq });
        return;
    }
  }

  #warnInvalid(reason: string): void {
    const suppressed = this.#invalidLogThrottle.suppressedIfDue('answer', performance.now());
    if (suppressed !== null)
      this.#log.warn({ catalog: this.id, reason, suppressed }, 'invalid answer from catalog');
  }

  /** Fills the cache here, in the order of the link's frames, not later when the waiting request resumes. */
  #answerOf(link: Link, item: CatalogLookupResult): LookupOutcome {
    switch (item[1]) {
      case 'invalid':
        return { result: 'invalid', reason: item[2] };
      // A catalog without a stock table does not know the life of the cluster yet.
      case 'unready':
        return { result: 'unready' };
      case 'missing':
      case 'stock':
        break;
    }
    if (this.#life === null) throw new FormatError('the catalog answered before it sent its life');
    if (item[1] === 'missing') return { result: 'missing' };
    const view = toStockView(toStock(item[2]), this.#life);
    this.#handler.onStock(link, view, item[3]);
    return { result: 'stock', view };
  }
}

function send(link: Link, frame: FrontendToCatalog): boolean {
  return link.send(frame);
}
