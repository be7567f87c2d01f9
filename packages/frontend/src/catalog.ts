/**
 * The catalog as the front-end sees it: one link, kept open, over which stocks are looked up, the lease of the cache
 * is renewed and changed stocks are revoked. A new link is a new session: nothing that was kept before it counts.
 */
import {
  FormatError,
  LINK_PATHS,
  type CatalogReport,
  type FrontendToCatalog,
  type LookupResult,
  type Stock,
} from '@trireme/domain';
import { LeaseClock, LinkDialer, Throttle, type Link, type LinkIdentity, type Log } from '@trireme/service';
import { Asker } from './asker.js';
import { AGAIN, LOST, type NO_RESULT, retryUntil } from './retry.js';
import type { Deadline } from './rules/deadlines.js';
import { parseFromCatalog, stockOf, type CatalogFrame } from './rules/frames.js';
import { ReportBoard, type Reported } from './rules/report-board.js';
import { refusedAsInvalid } from './rules/results.js';
import type { StockCache, StockView } from './rules/stock-cache.js';

/** A page of stocks; `next` is the name to go on after, null at the end. */
interface StockPage {
  readonly stocks: readonly Stock[];
  readonly next: string | null;
}

type LookupAnswer =
  | { readonly result: 'stock'; readonly view: StockView }
  | { readonly result: 'missing' | 'unready' }
  | { readonly result: 'invalid'; readonly reason: string };

interface ListQuestion {
  readonly after: string;
  readonly limit: number;
}

type PageAnswer = Extract<CatalogFrame, { t: 'page' | 'pageUnready' | 'pageInvalid' | 'invalidPage' }>;

/** How long a lease is taken to run before the first was granted, in milliseconds. */
const LEASE_MS_GUESS = 300;

/** Milliseconds between two renewals at least. */
const RENEWAL_MS_MIN = 10;

interface CatalogOptions {
  readonly url: string;
  readonly identity: LinkIdentity;
  readonly log: Log;
  readonly cache: StockCache;
  /** Called when the link has opened or closed. */
  readonly changed: () => void;
}

export class Catalog {
  readonly #cache: StockCache;
  readonly #leaseClock = new LeaseClock();
  readonly #log: Log;
  readonly #invalidLines = new Throttle();
  readonly #changed: () => void;
  readonly #reports = new ReportBoard<CatalogReport>();
  readonly #dialer: LinkDialer;
  #link: Link | null = null;
  #renewal: NodeJS.Timeout | null = null;
  #leaseMs = LEASE_MS_GUESS;

  readonly #lookups = new Asker<string, LookupAnswer>({
    route: () => this.#link,
    send: (link, asks) =>
      send(link, { t: 'lookup', items: asks.map((ask) => [ask.id, ask.question] as const) }),
    joinTextOf: (name) => name,
  });
  readonly #lists = new Asker<ListQuestion, PageAnswer>({
    route: () => this.#link,
    send: (link, asks) => asks.every((ask) => send(link, { t: 'list', id: ask.id, ...ask.question })),
  });

  constructor(options: CatalogOptions) {
    this.#cache = options.cache;
    this.#log = options.log;
    this.#changed = options.changed;
    this.#dialer = new LinkDialer({
      url: options.url,
      path: LINK_PATHS.frontendToCatalog,
      expects: 'catalog',
      identity: options.identity,
      log: options.log,
      handler: {
        opened: (link) => this.#opened(link),
        message: (link, message) => this.#message(link, parseFromCatalog(message)),
        closed: (link) => this.#closed(link),
      },
    });
  }

  start(): void {
    this.#dialer.start();
  }

  async stop(): Promise<void> {
    await this.#dialer.stop();
  }

  get connected(): boolean {
    return this.#link !== null;
  }

  /** Life of the cluster, used in entity tags; null while no catalog has told it. */
  get life(): string | null {
    return this.#cache.life;
  }

  /** For the status page. */
  get status(): { connected: boolean; lookups: { readonly queued: number; readonly sent: number } } {
    return { connected: this.connected, lookups: this.#lookups.counts };
  }

  /** What the catalog told of itself last, for people who watch. */
  get reported(): Reported<CatalogReport> | null {
    return this.#reports.last('catalog');
  }

  /** Asks the catalog what it is doing, unless it has not answered the last time. */
  askReport(): void {
    if (this.#link !== null && this.#reports.ask('catalog')) send(this.#link, { t: 'report' });
  }

  /** The stock from the cache, or null if the catalog must be asked. */
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

  /**
   * The stock as the catalog has it, null if there is none, `NO_RESULT` if it could not tell.
   * @throws TriremeError `INVALID_REQUEST` if the catalog does not take the question.
   */
  async lookup(name: string, deadline: Deadline): Promise<StockView | null | typeof NO_RESULT> {
    return retryUntil(deadline, async () => {
      const answer = await this.#lookups.ask(name, deadline);
      if (typeof answer === 'string') return answer === 'unanswered' ? LOST : AGAIN;
      switch (answer.result) {
        case 'stock':
          return answer.view;
        case 'missing':
          return null;
        case 'unready':
          return AGAIN;
        case 'invalid':
          throw refusedAsInvalid(answer.reason);
      }
    });
  }

  /**
   * One page as the catalog has it; it may be short, even empty, before the end.
   * @throws TriremeError `INVALID_REQUEST` if the catalog does not take the question.
   */
  async list(question: ListQuestion, deadline: Deadline): Promise<StockPage | typeof NO_RESULT> {
    return retryUntil(deadline, async () => {
      const answer = await this.#lists.ask(question, deadline);
      if (typeof answer === 'string') return answer === 'unanswered' ? LOST : AGAIN;
      switch (answer.t) {
        case 'page':
          return { stocks: answer.stocks.map(stockOf), next: answer.next };
        case 'pageUnready':
        case 'invalidPage':
          return AGAIN;
        case 'pageInvalid':
          throw refusedAsInvalid(answer.reason);
      }
    });
  }

  #opened(link: Link): void {
    this.#cache.reset();
    this.#link = link;
    this.#leaseMs = LEASE_MS_GUESS;
    if (this.#cache.capacity > 0) this.#renew(link);
    this.#lookups.wake();
    this.#lists.wake();
    this.#changed();
  }

  #closed(link: Link): void {
    this.#cache.reset();
    this.#link = null;
    if (this.#renewal !== null) clearTimeout(this.#renewal);
    this.#renewal = null;
    this.#lookups.abandon(link);
    this.#lists.abandon(link);
    this.#reports.unlinked('catalog');
    this.#changed();
  }

  /** Renews every third of a lease, whether or not the last renewal was granted. */
  #renew(link: Link): void {
    const id = this.#cache.renew(this.#leaseClock.now());
    send(link, { t: 'renew', id });
    this.#renewal = setTimeout(() => this.#renew(link), Math.max(RENEWAL_MS_MIN, this.#leaseMs / 3));
  }

  #message(link: Link, frame: CatalogFrame): void {
    switch (frame.t) {
      case 'life':
        if (this.#cache.life !== null && this.#cache.life !== frame.life)
          throw new FormatError('the catalog tells another life on the same link');
        this.#cache.begin(frame.life);
        return;
      case 'lease':
        this.#leaseMs = frame.ms;
        this.#cache.grant(frame.id, frame.ms, this.#leaseClock.now());
        return;
      case 'stocks':
        for (const item of frame.items) this.#lookups.answered(link, item[0], this.#answerOf(item));
        for (const { id, reason } of frame.invalid) {
          this.#warnInvalid(reason);
          this.#lookups.answered(link, id, { result: 'unready' });
        }
        return;
      case 'invalidReport':
        this.#warnInvalid(frame.reason);
        this.#reports.unlinked('catalog');
        return;
      case 'invalidPage':
        this.#warnInvalid(frame.reason);
        this.#lists.answered(link, frame.id, frame);
        return;
      case 'page':
      case 'pageUnready':
      case 'pageInvalid':
        this.#lists.answered(link, frame.id, frame);
        return;
      case 'report':
        this.#reports.heard('catalog', frame.report, performance.now());
        return;
      case 'revoke':
        // The trade waits for this answer: nothing may come between reading the frame and dropping the stocks.
        this.#cache.revoke(frame.names, frame.version, this.#lookups.lastId);
        send(link, { t: 'dropped', seq: frame.seq });
        return;
    }
  }

  #warnInvalid(reason: string): void {
    const untold = this.#invalidLines.due('answer', performance.now());
    if (untold !== null) this.#log.warn({ reason, untold }, 'invalid answer of the catalog');
  }

  /** The cache is filled here, in the order of the link's frames, and not when whoever asked comes to its turn. */
  #answerOf(item: LookupResult): LookupAnswer {
    switch (item[1]) {
      case 'invalid':
        return { result: 'invalid', reason: item[2] };
      // A catalog without a stock table has no life yet.
      case 'unready':
        return { result: 'unready' };
      case 'missing':
      case 'stock':
        if (this.#cache.life === null)
          throw new FormatError('the catalog answers before it has told its life');
    }
    if (item[1] === 'missing') return { result: 'missing' };
    const [id, , stock, cacheable] = item;
    return { result: 'stock', view: this.#cache.fill(stockOf(stock), cacheable, id, this.#leaseClock.now()) };
  }
}

function send(link: Link, frame: FrontendToCatalog): boolean {
  return link.send(frame);
}
