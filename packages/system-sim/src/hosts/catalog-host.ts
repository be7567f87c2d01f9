/** A simulated catalog: its rules with simulated links and clock, connected as in the real service. */
import { FormatError, LINK_PATHS } from '@trireme/domain';
import { CatalogCore, type CatalogEvent } from '@trireme/catalog/simulation';
import {
  LeaseClock,
  ReplicaLinks,
  WakeTimer,
  type Link,
  type LinkHandler,
  type ReplicaAddress,
} from '@trireme/service';
import type { SimulationContext, ProcessInstance } from './environment.js';
import { SimulatedProcess } from './host.js';

/** One process of the catalog. */
interface CatalogProcess {
  readonly catalog: CatalogCore;
  readonly clock: LeaseClock;
  readonly replicas: ReplicaLinks;
  readonly links: Map<number, Link>;
  skipped: number;
  readonly timer: WakeTimer;
}

export class SimulatedCatalog extends SimulatedProcess {
  readonly #seeds: readonly ReplicaAddress[];
  readonly #acted: (catalog: SimulatedCatalog) => void;
  #process: CatalogProcess | null = null;
  /** Number of events of the catalog's rules, by kind. */
  readonly events: Record<string, number> = {};

  /** @param acted called after each input that the catalog has handled */
  constructor(
    name: string,
    simulation: SimulationContext,
    seeds: readonly ReplicaAddress[],
    acted: (catalog: SimulatedCatalog) => void,
  ) {
    super(name, 'catalog', simulation);
    this.#seeds = seeds;
    this.#acted = acted;
  }

  /** The catalog's status; null while it is down. */
  get status(): ReturnType<CatalogCore['status']> | null {
    const process = this.#process;
    if (process === null) return null;
    return this.simulation.runAs(this, () => process.catalog.status(process.clock.now()));
  }

  protected override boot(instance: ProcessInstance): void {
    const clock = new LeaseClock();
    const catalog = new CatalogCore({
      id: this.name,
      newInstanceId: () => this.simulation.newId(),
      now: clock.now(),
    });
    const process: CatalogProcess = {
      catalog,
      clock,
      links: new Map<number, Link>(),
      skipped: clock.skippedMs,
      timer: new WakeTimer(
        () => clock.now(),
        () => this.#input(process, (now) => catalog.tick(now)),
      ),
      replicas: new ReplicaLinks({
        path: LINK_PATHS.catalogToReplica,
        initialReplicas: this.#seeds,
        identity: this.identity,
        log: this.log,
        createDialer: this.simulation.streams.dialer(this, instance),
        createHandler: () =>
          this.#handler(process, {
            opened: (link, now) => catalog.onReplicaOpened(link.id, link.peer, this.url, now),
            message: (link, message, now) => catalog.onReplicaMessage(link.id, message, now),
            closed: (link, now) => catalog.onReplicaClosed(link.id, now),
          }),
        onRemoved: () => undefined,
      }),
    };
    this.#process = process;
    this.simulation.streams.listen(
      instance,
      LINK_PATHS.frontendToCatalog,
      this.#handler(process, {
        opened: (link, now) => catalog.onFrontendOpened(link.id, link.peer, now),
        message: (link, message, now) => catalog.onFrontendMessage(link.id, message, now),
        closed: (link, now) => catalog.onFrontendClosed(link.id, now),
      }),
    );
    process.replicas.start();
  }

  protected override die(): void {
    this.#process?.timer.stop();
    this.#process = null;
  }

  #handler(
    process: CatalogProcess,
    rules: {
      opened: (link: Link, now: number) => void;
      message: (link: Link, message: unknown, now: number) => void;
      closed: (link: Link, now: number) => void;
    },
  ): LinkHandler {
    return {
      onOpen: (link) => {
        process.links.set(link.id, link);
        this.#input(process, (now) => rules.opened(link, now));
      },
      onMessage: (link, message) => this.#input(process, (now) => rules.message(link, message, now)),
      onClose: (link) => {
        process.links.delete(link.id);
        this.#input(process, (now) => rules.closed(link, now));
      },
    };
  }

  #input(process: CatalogProcess, handle: (now: number) => void): void {
    const { clock, catalog } = process;
    try {
      const now = clock.now();
      const { skippedMs } = clock;
      if (skippedMs > process.skipped) catalog.onClockSkipped(skippedMs - process.skipped);
      process.skipped = skippedMs;
      handle(now);
    } catch (error) {
      if (error instanceof FormatError) throw error;
      this.onInvariantViolated(error);
      return;
    }
    this.#flush(process);
    this.#acted(this);
  }

  #flush(process: CatalogProcess): void {
    const { sends, closes, members, events, wakeAt } = process.catalog.takeEffects();
    for (const event of events) this.#note(event);
    for (const { link, frame } of sends) process.links.get(link)?.send(frame);
    for (const { link, reason } of closes) process.links.get(link)?.close(reason);
    for (const { index, items } of members) process.replicas.onMembership(index, items);
    process.timer.set(wakeAt);
  }

  #note(event: CatalogEvent): void {
    this.events[event.kind] = (this.events[event.kind] ?? 0) + 1;
    this.simulation.trace.note('status', this.name, 0, event.kind.length, () => JSON.stringify(event));
  }
}
