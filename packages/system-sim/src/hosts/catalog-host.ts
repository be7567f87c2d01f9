/** A catalog: its rules with simulated links and the clock, joined as the service joins them with real ones. */
import { FormatError, LINK_PATHS } from '@trireme/domain';
import { Catalog, type CatalogEvent } from '@trireme/catalog/simulation';
import {
  LeaseClock,
  ReplicaLinks,
  WakeTimer,
  type Link,
  type LinkHandler,
  type ReplicaAddress,
} from '@trireme/service';
import type { Environment, Life } from './environment.js';
import { Host } from './host.js';

/** One process of the catalog. */
interface Process {
  readonly catalog: Catalog;
  readonly clock: LeaseClock;
  readonly replicas: ReplicaLinks;
  readonly links: Map<number, Link>;
  skipped: number;
  readonly timer: WakeTimer;
}

export class CatalogHost extends Host {
  readonly #seeds: readonly ReplicaAddress[];
  readonly #acted: (catalog: CatalogHost) => void;
  #process: Process | null = null;
  /** What its rules told, by kind. */
  readonly events: Record<string, number> = {};

  /** @param acted called after everything that it did */
  constructor(
    name: string,
    world: Environment,
    seeds: readonly ReplicaAddress[],
    acted: (catalog: CatalogHost) => void,
  ) {
    super(name, 'catalog', world);
    this.#seeds = seeds;
    this.#acted = acted;
  }

  /** Where the catalog is in the log, and the stocks; null while it is down. */
  get status(): ReturnType<Catalog['status']> | null {
    const process = this.#process;
    if (process === null) return null;
    return this.world.within(this, () => process.catalog.status(process.clock.now()));
  }

  protected override boot(life: Life): void {
    const clock = new LeaseClock();
    const catalog = new Catalog({
      id: this.name,
      newProcess: () => this.world.newId(),
      now: clock.now(),
    });
    const process: Process = {
      ...{ catalog, clock, links: new Map<number, Link>(), skipped: clock.skipped },
      timer: new WakeTimer(
        () => clock.now(),
        () => this.#input(process, (now) => catalog.tick(now)),
      ),
      replicas: new ReplicaLinks({
        path: LINK_PATHS.catalogToReplica,
        seeds: this.#seeds,
        identity: this.identity,
        log: this.log,
        dial: this.world.streams.dialer(this, life),
        handler: () =>
          this.#handler(process, {
            opened: (link, now) => catalog.replicaOpened(link.id, link.peer, this.url, now),
            message: (link, message, now) => catalog.replicaMessage(link.id, message, now),
            closed: (link, now) => catalog.replicaClosed(link.id, now),
          }),
        left: () => undefined,
      }),
    };
    this.#process = process;
    this.world.streams.listen(
      life,
      LINK_PATHS.frontendToCatalog,
      this.#handler(process, {
        opened: (link, now) => catalog.frontendOpened(link.id, link.peer, now),
        message: (link, message, now) => catalog.frontendMessage(link.id, message, now),
        closed: (link, now) => catalog.frontendClosed(link.id, now),
      }),
    );
    process.replicas.start();
  }

  protected override die(): void {
    this.#process?.timer.stop();
    this.#process = null;
  }

  #handler(
    process: Process,
    rules: {
      opened: (link: Link, now: number) => void;
      message: (link: Link, message: unknown, now: number) => void;
      closed: (link: Link, now: number) => void;
    },
  ): LinkHandler {
    return {
      opened: (link) => {
        process.links.set(link.id, link);
        this.#input(process, (now) => rules.opened(link, now));
      },
      message: (link, message) => this.#input(process, (now) => rules.message(link, message, now)),
      closed: (link) => {
        process.links.delete(link.id);
        this.#input(process, (now) => rules.closed(link, now));
      },
    };
  }

  #input(process: Process, give: (now: number) => void): void {
    const { clock, catalog } = process;
    try {
      const now = clock.now();
      const { skipped } = clock;
      if (skipped > process.skipped) catalog.clockSkipped(skipped - process.skipped);
      process.skipped = skipped;
      give(now);
    } catch (error) {
      if (error instanceof FormatError) throw error;
      this.failed(error);
      return;
    }
    this.#flush(process);
    this.#acted(this);
  }

  #flush(process: Process): void {
    const { sends, closes, members, events, wakeAt } = process.catalog.take();
    for (const event of events) this.#note(event);
    for (const [link, frame] of sends) process.links.get(link)?.send(frame);
    for (const [link, reason] of closes) process.links.get(link)?.close(reason);
    for (const { index, items } of members) process.replicas.regrouped(index, items);
    process.timer.set(wakeAt);
  }

  #note(event: CatalogEvent): void {
    this.events[event.kind] = (this.events[event.kind] ?? 0) + 1;
    this.world.trace.note('status', this.name, 0, event.kind.length, () => JSON.stringify(event));
  }
}
