/** Joins the catalog's rules with its links and the clock. */
import { FormatError, LINK_PATHS } from '@trireme/domain';
import {
  InternalServer,
  LinkListener,
  type Link,
  type LinkHandler,
  type LinkIdentity,
  type Log,
  type Metrics,
  type Tally,
} from '@trireme/service';
import { Catalog } from './rules/catalog.js';
import type { CatalogEvent, CatalogStatus } from './rules/effects.js';
import { SESSIONS_MAX } from './rules/leases.js';
import { catalogChecks, describeCatalog } from './service-view.js';

/** Node's timers fire up to a millisecond early. */
const TIMER_SLACK_MS = 1;

export interface CatalogServiceOptions {
  readonly identity: LinkIdentity;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly host: string;
  /** 0 lets the system choose. */
  readonly port: number;
  /** Length of a lease, 1 to `LEASE_MS_MAX` milliseconds. */
  readonly leaseMs: number;
  /** Called when the process has to stop: a rule does not hold. */
  readonly fatal: (error: unknown) => void;
  /** Milliseconds by a monotonic clock; that of the process unless set. */
  readonly clock?: () => number;
}

/** A catalog that is open to front-ends and leaders. */
export class CatalogService {
  readonly #options: CatalogServiceOptions;
  readonly #clock: () => number;
  readonly #catalog: Catalog;
  readonly #server: InternalServer;
  readonly #links = new Map<number, Link>();
  readonly #events: Tally;
  #timer: NodeJS.Timeout | null = null;
  /** When the timer ends, on the clock; null without one. */
  #wakesAt: number | null = null;
  /** Asked to stop: not ready any more. */
  #isLeaving = false;
  #stopped = false;

  constructor(options: CatalogServiceOptions) {
    const { identity, log, host, port, leaseMs, metrics } = options;
    this.#options = options;
    this.#clock = options.clock ?? (() => performance.now());
    this.#catalog = new Catalog({ leaseMs, now: this.#clock() });
    const catalog = this.#catalog;
    this.#events = describeCatalog(metrics, () => this.status());
    const frontends = this.#handler({
      opened: (link, now) => catalog.frontendOpened(link.id, link.peer, now),
      message: (link, message, now) => catalog.frontendMessage(link.id, message, now),
      closed: (link, now) => catalog.frontendClosed(link.id, now),
    });
    const leaders = this.#handler({
      opened: (link, now) => catalog.leaderOpened(link.id, now),
      message: (link, message, now) => catalog.leaderMessage(link.id, message, now),
      closed: (link, now) => catalog.leaderClosed(link.id, now),
    });
    this.#server = new InternalServer({
      host,
      port,
      identity,
      log,
      listeners: [
        new LinkListener({
          path: LINK_PATHS.frontendToCatalog,
          admits: 'frontend',
          identity,
          handler: frontends,
          log,
          linksMax: SESSIONS_MAX,
        }),
        new LinkListener({
          path: LINK_PATHS.leaderToCatalog,
          admits: 'replica',
          identity,
          handler: leaders,
          log,
        }),
      ],
      status: () => this.status(),
      checks: () => catalogChecks(catalog.unready(), this.#isLeaving),
      metrics,
    });
  }

  /** Begins to listen. Returns the port. */
  async start(): Promise<number> {
    this.#flush();
    return this.#server.listen();
  }

  status(): {
    readonly role: 'catalog';
    readonly id: string;
    readonly unready: string | null;
  } & CatalogStatus {
    const { name } = this.#options.identity;
    return { role: 'catalog', id: name, ...this.#catalog.status(), unready: this.#catalog.unready() };
  }

  /** Closes the links. What was not answered is asked again of the next process. */
  async stop(): Promise<void> {
    this.#isLeaving = true;
    this.#stopped = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    await this.#server.close();
  }

  #handler(rules: {
    opened: (link: Link, now: number) => void;
    message: (link: Link, message: unknown, now: number) => void;
    closed: (link: Link, now: number) => void;
  }): LinkHandler {
    return {
      opened: (link) => {
        this.#links.set(link.id, link);
        this.#input((now) => rules.opened(link, now));
      },
      message: (link, message) => this.#input((now) => rules.message(link, message, now)),
      closed: (link) => {
        this.#links.delete(link.id);
        this.#input((now) => rules.closed(link, now));
      },
    };
  }

  /** Gives the rules one input and does what they ask. A malformed frame is thrown on, which closes its link. */
  #input(give: (now: number) => void): void {
    if (this.#stopped) return;
    try {
      give(this.#clock());
    } catch (error) {
      if (error instanceof FormatError) {
        this.#flush();
        throw error;
      }
      this.#fail(error);
      return;
    }
    this.#flush();
  }

  #flush(): void {
    const { sends, closes, events, wakeAt } = this.#catalog.take();
    for (const event of events) this.#report(event);
    // A link whose queue is full closes itself, so that nothing later overtakes what it did not take.
    for (const [link, frame] of sends) this.#links.get(link)?.send(frame);
    for (const [link, reason] of closes) this.#links.get(link)?.close(reason);
    this.#wakeAt(wakeAt);
  }

  #wakeAt(time: number | null): void {
    if (time === this.#wakesAt) return;
    this.#wakesAt = time;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    if (time === null) return;
    const delay = Math.max(0, Math.ceil(time - this.#clock()) + TIMER_SLACK_MS);
    this.#timer = setTimeout(() => {
      this.#wakesAt = null;
      this.#input((now) => this.#catalog.tick(now));
    }, delay);
  }

  /** Nothing is answered any more: what is in memory is wrong. */
  #fail(error: unknown): void {
    this.#stopped = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#options.fatal(error);
  }

  #report({ kind, ...details }: CatalogEvent): void {
    const { log } = this.#options;
    this.#events.add({ event: kind });
    switch (kind) {
      case 'attached': {
        log.info(details, 'leader attached');
        return;
      }
      case 'ready': {
        log.info(details, 'lookups are served');
        return;
      }
      case 'installed': {
        log.info(details, 'stock table of a leader installed');
        return;
      }
      case 'traced': {
        log.debug(details, 'command decided');
        return;
      }
      case 'refused': {
        log.warn(details, 'entry of a leader refused');
        return;
      }
      case 'leaseExpired': {
        log.warn(details, 'front-end did not answer a revocation before its lease was over');
        return;
      }
    }
  }
}
