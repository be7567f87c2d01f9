/** A simulated front-end without HTTP: clients call the functions that its routes call. */
import { commandToWire, type Command, type Order } from '@trireme/domain';
import {
  NO_RESULT,
  createBackends,
  type Backends,
  type FinalResult,
  type NoResultReason,
} from '@trireme/frontend/simulation';
import type { ReplicaAddress } from '@trireme/service';
import type { SimulationContext, ProcessInstance } from './environment.js';
import { SimulatedProcess } from './host.js';

/** A stock as clients see it. */
export interface ShownStock {
  readonly name: string;
  readonly quantity: number;
  readonly version: number;
}

interface FrontendSettings {
  readonly cacheSize: number;
  readonly deadlineMs: number;
}

/** Maximum number of registered client connections: far more than there are clients. */
const LISTENERS_MAX = 200;

type Reply<Result> = (result: Result) => void;
/** A response with a 5xx status. */
type Failed = 'failed';

export class SimulatedFrontend extends SimulatedProcess {
  readonly #seeds: readonly ReplicaAddress[];
  readonly #settings: FrontendSettings;
  #backends: Backends | null = null;
  /** Number of look-ups by the kind of process that answered, across restarts. */
  readonly answered = { cache: 0, catalog: 0, replica: 0 };
  readonly #endListeners: (() => void)[] = [];
  #counted = { catalog: 0, replica: 0 };

  constructor(
    name: string,
    simulation: SimulationContext,
    seeds: readonly ReplicaAddress[],
    settings: FrontendSettings,
  ) {
    super(name, 'frontend', simulation);
    this.#seeds = seeds;
    this.#settings = settings;
  }

  protected override boot(instance: ProcessInstance): void {
    const { cacheSize, deadlineMs } = this.#settings;
    this.#backends = createBackends({
      identity: this.identity,
      replicas: this.#seeds,
      cacheSize,
      deadlineMs,
      log: this.log,
      catalogTimeouts: { answerTimeoutMs: 100, returnDelayMs: 1_000 },
      createDialer: this.simulation.streams.dialer(this, instance),
      onChange: () => undefined,
    });
    this.#counted = { catalog: 0, replica: 0 };
    this.#backends.catalogs.start();
    this.#backends.replicas.start();
  }

  protected override die(): void {
    this.#backends = null;
    for (const listener of this.#endListeners.splice(0)) listener();
  }

  /** Calls `listener` when this instance ends, which breaks the connections of clients. */
  onEnd(instance: ProcessInstance | null, listener: () => void): void {
    if (instance === null || this.instance !== instance) listener();
    else {
      if (this.#endListeners.length >= LISTENERS_MAX) this.#endListeners.splice(0, LISTENERS_MAX / 2);
      this.#endListeners.push(listener);
    }
  }

  submit(command: Command, reply: Reply<FinalResult | NoResultReason>): void {
    this.#serve(({ replicas, deadlines }) => {
      const deadline = deadlines.open();
      replicas.requests.submit(commandToWire(command), deadline).then(
        (result) => {
          deadlines.close(deadline);
          reply(result);
        },
        (error: unknown) => this.onInvariantViolated(error),
      );
    });
  }

  lookUp(name: string, reply: Reply<ShownStock | null | Failed>): void {
    this.#serve(({ catalogs, stocks, deadlines }) => {
      const view = catalogs.getCached(name);
      if (view !== null) {
        this.answered.cache += 1;
        reply(shownOf(view));
        return;
      }
      const deadline = deadlines.open();
      stocks.lookup(name, deadline).then(
        (found) => {
          deadlines.close(deadline);
          this.#count(stocks.answered);
          if (found === NO_RESULT) reply('failed');
          else reply(found === null ? null : shownOf(found));
        },
        (error: unknown) => this.onInvariantViolated(error),
      );
    });
  }

  readOrder(number: number, reply: Reply<Order | null | Failed>): void {
    this.#serve(({ replicas, deadlines }) => {
      const deadline = deadlines.open();
      replicas.requests.readOrder(number, deadline).then(
        (found) => {
          deadlines.close(deadline);
          reply(found === NO_RESULT ? 'failed' : found);
        },
        (error: unknown) => this.onInvariantViolated(error),
      );
    });
  }

  listOrders(
    after: number,
    limit: number,
    reply: Reply<{ readonly orders: readonly Order[]; readonly next: number | null } | Failed>,
  ): void {
    this.#serve(({ replicas, deadlines }) => {
      const deadline = deadlines.open();
      replicas.requests.listOrders({ after, limit, name: null }, deadline).then(
        (page) => {
          deadlines.close(deadline);
          reply(page === NO_RESULT ? 'failed' : page);
        },
        (error: unknown) => this.onInvariantViolated(error),
      );
    });
  }

  listStocks(limit: number, reply: Reply<readonly ShownStock[] | Failed>): void {
    this.#serve(({ stocks, deadlines }) => {
      const deadline = deadlines.open();
      stocks.list({ after: '', limit }, deadline).then(
        (page) => {
          deadlines.close(deadline);
          reply(page === NO_RESULT ? 'failed' : page.stocks);
        },
        (error: unknown) => this.onInvariantViolated(error),
      );
    });
  }

  /** Whether the cache holds a valid lease. */
  get hasLease(): boolean {
    return (this.#backends?.catalogs.leaseRemainingMs ?? 0) > 0;
  }

  #serve(request: (backends: Backends) => void): void {
    const { instance } = this;
    this.runInNextTurn(() => {
      if (this.#backends !== null && this.instance === instance) request(this.#backends);
    });
  }

  #count(now: { readonly catalog: number; readonly replica: number }): void {
    this.answered.catalog += now.catalog - this.#counted.catalog;
    this.answered.replica += now.replica - this.#counted.replica;
    this.#counted = { ...now };
  }
}

function shownOf({ body, etag }: { readonly body: string; readonly etag: string }): ShownStock {
  const { data } = JSON.parse(body) as {
    readonly data: { readonly name: string; readonly quantity: number };
  };
  const version = Number(/-v(\d+)"$/.exec(etag)?.[1]);
  return { name: data.name, quantity: data.quantity, version };
}
