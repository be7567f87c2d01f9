/** Joins the catalog's rules with its links and the clock. */
import { randomBytes } from 'node:crypto';
import type { CatalogTiming } from '@trireme/coherence';
import { FormatError, LINK_PATHS } from '@trireme/domain';
import {
  InternalServer,
  LeaseClock,
  LinkListener,
  ReplicaLinks,
  Throttle,
  WakeTimer,
  type Link,
  type LinkHandler,
  type LinkIdentity,
  type Log,
  type Metrics,
  type ReplicaAddress,
  type Tally,
} from '@trireme/service';
import { Catalog, FRONTENDS_MAX } from './rules/catalog.js';
import type { CatalogEvent, CatalogStatus } from './rules/effects.js';
import { catalogChecks, describeCatalog } from './service-view.js';

/** Addresses that mean every interface: nobody can dial them from another machine. */
const WILDCARDS: readonly string[] = ['0.0.0.0', '::'];

export interface CatalogServiceOptions {
  readonly identity: LinkIdentity;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly host: string;
  /** 0 lets the system choose. */
  readonly port: number;
  /** How others reach the internal port; made of host and port unless set. */
  readonly url?: string;
  /** Where to begin; the group itself then says where it is. */
  readonly replicas: readonly ReplicaAddress[];
  /** Called when the process has to stop: a rule does not hold. */
  readonly fatal: (error: unknown) => void;
  /** Other than that of the cluster, for tests. */
  readonly timing?: CatalogTiming;
}

/** A catalog that is open to front-ends and linked to every replica. */
export class CatalogService {
  readonly #options: CatalogServiceOptions;
  readonly #clock = new LeaseClock();
  readonly #catalog: Catalog;
  readonly #server: InternalServer;
  readonly #replicas: ReplicaLinks;
  readonly #links = new Map<number, Link>();
  readonly #events: Tally;
  readonly #throttle = new Throttle();
  #url = '';
  /** What the rules know of the time that the wall clock alone has counted. */
  #skipped: number;
  readonly #timer: WakeTimer;
  /** Asked to stop: not ready any more. */
  #isLeaving = false;
  #stopped = false;

  constructor(options: CatalogServiceOptions) {
    const { identity, log, host, port, metrics, replicas } = options;
    this.#options = options;
    this.#catalog = new Catalog({
      id: identity.name,
      newProcess: () => randomBytes(8).toString('hex'),
      now: this.#clock.now(),
      ...(options.timing === undefined ? {} : { timing: options.timing }),
    });
    this.#skipped = this.#clock.skipped;
    const catalog = this.#catalog;
    this.#timer = new WakeTimer(
      () => this.#clock.now(),
      () => this.#input((now) => catalog.tick(now)),
    );
    this.#events = describeCatalog(metrics, () => this.status());
    this.#replicas = new ReplicaLinks({
      path: LINK_PATHS.catalogToReplica,
      seeds: replicas,
      identity,
      log,
      handler: () =>
        this.#handler({
          opened: (link, now) => catalog.replicaOpened(link.id, link.peer, this.#url, now),
          message: (link, message, now) => catalog.replicaMessage(link.id, message, now),
          closed: (link, now) => catalog.replicaClosed(link.id, now),
        }),
      left: () => undefined,
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
          handler: this.#handler({
            opened: (link, now) => catalog.frontendOpened(link.id, link.peer, now),
            message: (link, message, now) => catalog.frontendMessage(link.id, message, now),
            closed: (link, now) => catalog.frontendClosed(link.id, now),
          }),
          log,
          linksMax: FRONTENDS_MAX,
        }),
      ],
      status: () => this.status(),
      checks: () => catalogChecks(catalog.unready(this.#clock.now()), this.#isLeaving),
      metrics,
    });
  }

  /** Begins to listen, and to dial the replicas. Returns the port. */
  async start(): Promise<number> {
    const { host, url, identity, log } = this.#options;
    const port = await this.#server.listen();
    const scheme = (identity.tls ?? null) === null ? 'http' : 'https';
    this.#url = url ?? `${scheme}://${host.includes(':') ? `[${host}]` : host}:${port}`;
    if (url === undefined && WILDCARDS.includes(host)) {
      log.warn(
        { url: this.#url },
        'front-ends on other machines cannot reach this url; give --url the one of this machine',
      );
    }
    this.#replicas.start();
    return port;
  }

  status(): { readonly role: 'catalog'; readonly id: string } & CatalogStatus {
    return { role: 'catalog', id: this.#options.identity.name, ...this.#catalog.status(this.#clock.now()) };
  }

  /** Closes the links. What was not answered is asked of another catalog. */
  async stop(): Promise<void> {
    this.#isLeaving = true;
    this.#stopped = true;
    this.#timer.stop();
    await Promise.all([this.#replicas.stop(), this.#server.close()]);
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
      give(this.#readClock());
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
   * The time for the rules. The catalog holds authority by it and gives leases by it: what the wall clock alone has counted ends
   * the authority and must not end the leases.
   */
  #readClock(): number {
    const now = this.#clock.now();
    const { skipped } = this.#clock;
    if (skipped > this.#skipped) this.#catalog.clockSkipped(skipped - this.#skipped);
    this.#skipped = skipped;
    return now;
  }

  #flush(): void {
    const { sends, closes, members, events, wakeAt } = this.#catalog.take();
    for (const event of events) this.#report(event);
    // A link whose queue is full closes itself, so that nothing later overtakes what it did not take.
    for (const [link, frame] of sends) this.#links.get(link)?.send(frame);
    for (const [link, reason] of closes) this.#links.get(link)?.close(reason);
    for (const { index, items } of members) this.#replicas.regrouped(index, items);
    this.#timer.set(wakeAt);
  }

  /** Nothing is answered any more: what is in memory is wrong. */
  #fail(error: unknown): void {
    this.#stopped = true;
    this.#timer.stop();
    this.#options.fatal(error);
  }

  #report({ kind, ...details }: CatalogEvent): void {
    const { log } = this.#options;
    this.#events.add({ event: kind });
    switch (kind) {
      case 'attached':
        log.info(details, 'attached to the leader');
        return;
      case 'installed':
        log.info(details, 'stock table of the leader installed');
        return;
      case 'authorized':
        log.info(details, 'lookups are answered');
        return;
      case 'traced':
        log.debug(details, 'command decided');
        return;
      case 'authorityLost':
        this.#warn(kind, details, 'no authority was granted in time: lookups are not answered');
        return;
      case 'refused':
        this.#warn(kind, details, 'refused by the leader');
        return;
      case 'reset':
        this.#warn(kind, details, 'the leader has another log: everything is forgotten');
        return;
      case 'leaseExpired':
        this.#warn(kind, details, 'front-end did not answer a revocation before its lease was over');
    }
  }

  #warn(kind: string, details: object, text: string): void {
    const untold = this.#throttle.due(kind, this.#clock.now());
    if (untold !== null) this.#options.log.warn({ ...details, untold }, text);
  }
}
