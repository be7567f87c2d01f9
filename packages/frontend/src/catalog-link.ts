/**
 * One catalog as the front-end sees it: a link, kept open, over which stocks are looked up and revoked. A catalog that says
 * nothing while a question waits is silent: its link is closed, so that nobody waits for it again.
 */
import {
  FormatError,
  LINK_PATHS,
  type CatalogReport,
  type FrontendToCatalog,
  type LookupResult,
  type Stock,
} from '@trireme/domain';
import {
  DIAL_SOCKETS,
  Throttle,
  type Dialer,
  type Link,
  type LinkIdentity,
  type Log,
  type MakeDialer,
} from '@trireme/service';
import { RpcClient } from './rpc-client.js';
import { AGAIN, LOST } from './retry.js';
import type { Deadline } from './rules/deadlines.js';
import { parseFromCatalog, stockOf, type CatalogFrame } from './rules/frames.js';
import { ReportBoard, type Reported } from './rules/report-board.js';
import { refusedAsInvalid } from './rules/results.js';
import { viewOf, type StockView } from './rules/stock-cache.js';

/** A page of stocks; `next` is the name to go on after, null at the end. */
export interface StockPage {
  readonly stocks: readonly Stock[];
  readonly next: string | null;
}

export interface StockListQuestion {
  readonly after: string;
  readonly limit: number;
}

/** Who may be asked for stocks. Each gives `AGAIN` where it surely gave no answer, `LOST` where its link broke. */
export interface StockSource {
  /** @returns null if there is no such stock. @throws TriremeError `INVALID_REQUEST` if the question is not taken. */
  lookup(name: string, deadline: Deadline): Promise<StockView | null | typeof AGAIN | typeof LOST>;
  /** The page may be short, even empty, before the end. @throws TriremeError likewise. */
  list(question: StockListQuestion, deadline: Deadline): Promise<StockPage | typeof AGAIN | typeof LOST>;
}

type LookupAnswer =
  | { readonly result: 'stock'; readonly view: StockView }
  | { readonly result: 'missing' | 'unready' }
  | { readonly result: 'invalid'; readonly reason: string };

type PageAnswer =
  | Extract<CatalogFrame, { t: 'page' | 'pageUnready' | 'pageInvalid' | 'invalidPage' }>
  | { readonly t: 'left' };

/** What is told of a link. */
interface CatalogHandler {
  opened(): void;
  /** Also called where this process closed it, at once. */
  closed(): void;
  granted(link: Link, id: number, ms: number): void;
  /** Keeps the stock where it may be kept. Called in the order of the link's frames. */
  answered(link: Link, view: StockView, cacheable: boolean): void;
  /** Drops the stocks; done when it returns. */
  revoked(names: readonly string[]): void;
}

interface CatalogLinkOptions {
  readonly id: string;
  readonly url: string;
  readonly identity: LinkIdentity;
  /** Over sockets unless set. */
  readonly dial?: MakeDialer;
  readonly log: Log;
  /** Milliseconds without a word after which a catalog that owes an answer is silent. */
  readonly patienceMs: number;
  readonly handler: CatalogHandler;
}

export class CatalogLink implements StockSource {
  readonly id: string;
  readonly url: string;
  readonly #log: Log;
  readonly #patienceMs: number;
  readonly #handler: CatalogHandler;
  readonly #invalidLines = new Throttle();
  readonly #reports = new ReportBoard<CatalogReport>();
  readonly #dialer: Dialer;
  #link: Link | null = null;
  /** Null until the catalog has told it on the open link, which it does once it has a stock table. */
  #life: string | null = null;
  /** Runs while questions wait for an answer. */
  #silence: NodeJS.Timeout | null = null;
  /** Whether something was heard since the last look, and whether a report was asked for as nothing was. */
  #isHeard = false;
  #isProbed = false;

  readonly #lookups = new RpcClient<string, LookupAnswer>({
    route: () => this.#link,
    send: (link, asks) =>
      send(link, { t: 'lookup', items: asks.map((ask) => [ask.id, ask.question] as const) }),
    joinTextOf: (name) => name,
  });
  readonly #lists = new RpcClient<StockListQuestion, PageAnswer>({
    route: () => this.#link,
    send: (link, asks) => asks.every((ask) => send(link, { t: 'list', id: ask.id, ...ask.question })),
  });

  constructor(options: CatalogLinkOptions) {
    const { id, url, identity, log, patienceMs, handler, dial = DIAL_SOCKETS } = options;
    this.id = id;
    this.url = url;
    this.#log = log;
    this.#patienceMs = patienceMs;
    this.#handler = handler;
    this.#dialer = dial({
      ...{ url, path: LINK_PATHS.frontendToCatalog, expects: 'catalog', identity, log },
      handler: {
        opened: (link) => {
          this.#link = link;
          this.#handler.opened();
        },
        message: (link, message) => {
          if (link === this.#link) this.#message(link, parseFromCatalog(message));
        },
        closed: (link) => this.#close(link),
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

  /** Life of the cluster, as this catalog has told it; null if it has not. */
  get life(): string | null {
    return this.#life;
  }

  /** Look-ups that wait to be sent, or for their answer. */
  get counts(): { readonly queued: number; readonly sent: number } {
    return this.#lookups.counts;
  }

  /** What the catalog told of itself last, for people who watch. */
  get reported(): Reported<CatalogReport> | null {
    return this.#reports.last(this.id);
  }

  /** Asks the catalog what it is doing, unless it has not answered the last time. */
  askReport(): void {
    if (this.#link !== null && this.#reports.ask(this.id)) send(this.#link, { t: 'report' });
  }

  /** Asks for a lease. */
  renew(id: number): void {
    if (this.#link !== null) send(this.#link, { t: 'renew', id });
  }

  /** Closes the link, and dials again: whoever waits for an answer on it is to ask elsewhere. */
  leave(reason: string): void {
    const link = this.#link;
    if (link === null) return;
    this.#lookups.abandon(link, { result: 'unready' });
    this.#lists.abandon(link, { t: 'left' });
    this.#close(link);
    link.close(reason);
  }

  async lookup(name: string, deadline: Deadline): Promise<StockView | null | typeof AGAIN | typeof LOST> {
    this.#expectWord();
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
  }

  async list(
    question: StockListQuestion,
    deadline: Deadline,
  ): Promise<StockPage | typeof AGAIN | typeof LOST> {
    this.#expectWord();
    const answer = await this.#lists.ask(question, deadline);
    if (typeof answer === 'string') return answer === 'unanswered' ? LOST : AGAIN;
    switch (answer.t) {
      case 'page':
        return { stocks: answer.stocks.map(stockOf), next: answer.next };
      case 'pageUnready':
      case 'invalidPage':
      case 'left':
        return AGAIN;
      case 'pageInvalid':
        throw refusedAsInvalid(answer.reason);
    }
  }

  /** Forgets the link; the second time does nothing. */
  #close(link: Link): void {
    if (link !== this.#link) return;
    this.#link = null;
    this.#life = null;
    if (this.#silence !== null) clearTimeout(this.#silence);
    this.#silence = null;
    this.#reports.unlinked(this.id);
    this.#handler.closed();
    for (const client of [this.#lookups, this.#lists]) {
      client.abandon(link);
      client.dropQueued();
    }
  }

  /** A question is about to wait: sees to it that it does not wait for a catalog that says nothing. */
  #expectWord(): void {
    if (this.#link === null) return;
    if (this.#silence !== null) {
      // Nothing was owed until now.
      if (this.#waiting === 0) this.#isHeard = true;
      return;
    }
    this.#isHeard = false;
    this.#isProbed = false;
    this.#watchSilence();
  }

  /** Questions that wait for an answer. */
  get #waiting(): number {
    return this.#lookups.size + this.#lists.size;
  }

  #watchSilence(): void {
    // What has arrived while this process itself was busy is read first.
    const check = (): void => void setImmediate(() => this.#checkSilence());
    this.#silence = setTimeout(check, this.#patienceMs / 2).unref();
  }

  #checkSilence(): void {
    // The link has closed meanwhile.
    if (this.#silence === null) return;
    this.#silence = null;
    if (this.#waiting === 0) return;
    if (!this.#isHeard && this.#isProbed) {
      this.#log.warn({ catalog: this.id, patienceMs: this.#patienceMs }, 'a catalog does not answer');
      this.leave('it does not answer');
      return;
    }
    // An answer may wait for an order to be decided; a report waits for nothing.
    this.#isProbed = !this.#isHeard;
    if (this.#isProbed) this.askReport();
    this.#isHeard = false;
    this.#watchSilence();
  }

  #message(link: Link, frame: CatalogFrame): void {
    this.#isHeard = true;
    switch (frame.t) {
      case 'life':
        if (this.#life !== null && this.#life !== frame.life)
          throw new FormatError('the catalog tells another life on the same link');
        this.#life = frame.life;
        return;
      case 'lease':
        this.#handler.granted(link, frame.id, frame.ms);
        return;
      case 'stocks':
        for (const item of frame.items) this.#lookups.answered(link, item[0], this.#answerOf(link, item));
        for (const { id, reason } of frame.invalid) {
          this.#warnInvalid(reason);
          this.#lookups.answered(link, id, { result: 'unready' });
        }
        return;
      case 'invalidReport':
        this.#warnInvalid(frame.reason);
        this.#reports.unlinked(this.id);
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
        this.#reports.heard(this.id, frame.report, performance.now());
        return;
      case 'revoke':
        // The trade waits for this answer: nothing may come between reading the frame and dropping the stocks.
        this.#handler.revoked(frame.names);
        send(link, { t: 'dropped', seq: frame.seq });
        return;
    }
  }

  #warnInvalid(reason: string): void {
    const untold = this.#invalidLines.due('answer', performance.now());
    if (untold !== null) this.#log.warn({ catalog: this.id, reason, untold }, 'invalid answer of a catalog');
  }

  /** The cache is filled here, in the order of the link's frames, and not when whoever asked comes to its turn. */
  #answerOf(link: Link, item: LookupResult): LookupAnswer {
    switch (item[1]) {
      case 'invalid':
        return { result: 'invalid', reason: item[2] };
      // A catalog without a stock table has no life yet.
      case 'unready':
        return { result: 'unready' };
      case 'missing':
      case 'stock':
        break;
    }
    if (this.#life === null) throw new FormatError('the catalog answers before it has told its life');
    if (item[1] === 'missing') return { result: 'missing' };
    const view = viewOf(stockOf(item[2]), this.#life);
    this.#handler.answered(link, view, item[3]);
    return { result: 'stock', view };
  }
}

function send(link: Link, frame: FrontendToCatalog): boolean {
  return link.send(frame);
}
