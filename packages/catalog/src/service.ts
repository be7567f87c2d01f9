/** Connects the catalog's rules to links and the clock. */
import { randomBytes } from 'node:crypto';
import type { CatalogTiming } from '@trireme/coherence';
import { FormatError, LINK_PATHS } from '@trireme/domain';
import {
  InternalServer,
  LeaseClock,
  LinkListener,
  ReplicaLinks,
  LogThrottle,
  WakeTimer,
  type Link,
  type LinkHandler,
  type LinkIdentity,
  type Log,
  type Metrics,
  type ReplicaAddress,
  type Counter,
} from '@trireme/service';
import { CatalogCore, FRONTENDS_MAX } from './rules/catalog-core.js';
import type { CatalogEvent, CatalogStatus } from './rules/effects.js';
import { catalogChecks, registerCatalogMetrics } from './catalog-metrics.js';

/** Wildcard addresses: other machines cannot dial them. */
const WILDCARDS: readonly string[] = ['0.0.0.0', '::'];

export interface CatalogServiceOptions {
  readonly identity: LinkIdentity;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly host: string;
  /** 0 for a free port. */
  readonly port: number;
  /** URL at which other processes reach the internal port; built from host and port unless given. */
  readonly url?: string | undefined;
  /** Initial addresses; the group then sends its current members. */
  readonly replicas: readonly ReplicaAddress[];
  /** Called when an invariant is violated: the process must exit. */
  readonly fatal: (error: unknown) => void;
  /** For tests; the cluster's timing unless given. */
  readonly timing?: CatalogTiming | undefined;
}

/** A catalog that accepts links of front-ends and keeps a link to every replica. */
export class CatalogService {
  readonly #options: CatalogServiceOptions;
  readonly #clock = new LeaseClock();
  readonly #catalog: CatalogCore;
  readonly #server: InternalServer;
  readonly #replicas: ReplicaLinks;
  readonly #links = new Map<number, Link>();
  readonly #events: Counter;
  readonly #throttle = new LogThrottle();
  #url = '';
  /** The skipped milliseconds of the clock that the rules know of. */
  #skipped: number;
  readonly #timer: WakeTimer;
  /** Set by `stop`: not ready any more. */
  #isStopping = false;
  /** Ignores all inputs. */
  #isStopped = false;

  constructor(options: CatalogServiceOptions) {
    const { identity, log, host, port, metrics, replicas } = options;
    this.#options = options;
    this.#catalog = new CatalogCore({
      id: identity.name,
      newInstanceId: () => randomBytes(8).toString('hex'),
      now: this.#clock.now(),
      timing: options.timing,
    });
    this.#skipped = this.#clock.skippedMs;
    const catalog = this.#catalog;
    this.#timer = new WakeTimer(
      () => this.#clock.now(),
      () => this.#input((now) => catalog.tick(now)),
    );
    this.#events = registerCatalogMetrics(metrics, () => this.status());
    this.#replicas = new ReplicaLinks({
      path: LINK_PATHS.catalogToReplica,
      initialReplicas: replicas,
      identity,
      log,
      createHandler: () =>
        this.#handler({
          opened: (link, now) => catalog.onReplicaOpened(link.id, link.peer, this.#url, now),
          message: (link, message, now) => catalog.onReplicaMessage(link.id, message, now),
          closed: (link, now) => catalog.onReplicaClosed(link.id, now),
        }),
      onRemoved: () => undefined,
    });
    this.#server = new InternalServer({
      host,
      port,
      identity,
      log,
      listeners: [
        new LinkListener({
          path: LINK_PATHS.frontendToCatalog,
          clientRole: 'frontend',
          identity,
          handler: this.#handler({
            opened: (link, now) => catalog.onFrontendOpened(link.id, link.peer, now),
            message: (link, message, now) => catalog.onFrontendMessage(link.id, message, now),
            closed: (link, now) => catalog.onFrontendClosed(link.id, now),
          }),
          log,
          linksMax: FRONTENDS_MAX,
        }),
      ],
      status: () => this.status(),
      checks: () => catalogChecks(catalog.unreadyReason(this.#clock.now()), this.#isStopping),
      metrics,
    });
  }

  /** Starts listening and dialing the replicas. Returns the port. */
  async start(): Promise<number> {
    const { host, url, identity, log } = this.#options;
    const port = await this.#server.listen();
    const scheme = (identity.tls ?? null) === null ? 'http' : 'https';
    this.#url = url ?? `${scheme}://${host.includes(':') ? `[${host}]` : host}:${port}`;
    if (url === undefined && WILDCARDS.includes(host)) {
      log.warn({ url: this.#url }, 'front-ends on other machines cannot reach this URL; set --url');
    }
    this.#replicas.start();
    return port;
  }

  status(): { readonly role: 'catalog'; readonly id: string } & CatalogStatus {
    return { role: 'catalog', id: this.#options.identity.name, ...this.#catalog.status(this.#clock.now()) };
  }

  /** Closes the links. Front-ends retry unanswered queries at another catalog. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    this.#isStopped = true;
    this.#timer.stop();
    await Promise.all([this.#replicas.stop(), this.#server.close()]);
  }

  #handler(rules: {
    opened: (link: Link, now: number) => void;
    message: (link: Link, message: unknown, now: number) => void;
    closed: (link: Link, now: number) => void;
  }): LinkHandler {
    return {
      onOpen: (link) => {
        this.#links.set(link.id, link);
        this.#input((now) => rules.opened(link, now));
      },
      onMessage: (link, message) => this.#input((now) => rules.message(link, message, now)),
      onClose: (link) => {
        this.#links.delete(link.id);
        this.#input((now) => rules.closed(link, now));
      },
    };
  }

  /** Passes one input to the rules and executes their effects. Rethrows a `FormatError`, which closes the link. */
  #input(pass: (now: number) => void): void {
    if (this.#isStopped) return;
    try {
      pass(this.#readClock());
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

  /**
   * The time for the rules. Skipped time, which only the wall clock counted, ends the catalog's authority, but must not
   * end the leases that it granted.
   */
  #readClock(): number {
    const now = this.#clock.now();
    const { skippedMs } = this.#clock;
    if (skippedMs > this.#skipped) this.#catalog.onClockSkipped(skippedMs - this.#skipped);
    this.#skipped = skippedMs;
    return now;
  }

  #flush(): void {
    const { sends, closes, members, events, wakeAt } = this.#catalog.takeEffects();
    for (const event of events) this.#report(event);
    // A link with a full queue closes itself, so a frame that it dropped is not followed by later ones.
    for (const { link, frame } of sends) this.#links.get(link)?.send(frame);
    for (const { link, reason } of closes) this.#links.get(link)?.close(reason);
    for (const { index, items } of members) this.#replicas.onMembership(index, items);
    this.#timer.set(wakeAt);
  }

  /** Stops at once: the state in memory is wrong, so no further query may be answered. */
  #fail(error: unknown): void {
    this.#isStopped = true;
    this.#timer.stop();
    this.#options.fatal(error);
  }

  #report({ kind, ...details }: CatalogEvent): void {
    const { log } = this.#options;
    this.#events.increment({ event: kind });
    switch (kind) {
      case 'attached':
        log.info(details, 'attached to the leader');
        return;
      case 'installed':
        log.info(details, 'installed the stock table of the leader');
        return;
      case 'authorized':
        log.info(details, 'received authority, answering look-ups');
        return;
      case 'traced':
        log.debug(details, 'command decided');
        return;
      case 'authorityLost':
        this.#warn(kind, details, 'authority expired, not answering look-ups');
        return;
      case 'refused':
        this.#warn(kind, details, 'refused by the leader');
        return;
      case 'reset':
        this.#warn(kind, details, 'the leader has another log, discarded all data');
        return;
      case 'leaseExpired':
        this.#warn(kind, details, 'front-end did not acknowledge a revocation before its lease expired');
    }
  }

  #warn(kind: string, details: object, text: string): void {
    const suppressed = this.#throttle.suppressedIfDue(kind, this.#clock.now());
    if (suppressed !== null) this.#options.log.warn({ ...details, suppressed }, text);
  }
}
