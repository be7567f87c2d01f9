/** A front-end without HTTP: what its routes call is called by the clients. */
import { commandToWire, type Command, type Order } from '@trireme/domain';
import {
  NO_RESULT,
  connectBackends,
  type Backends,
  type Decided,
  type Undecided,
} from '@trireme/frontend/simulation';
import type { ReplicaAddress } from '@trireme/service';
import type { Environment, Life } from './environment.js';
import { Host } from './host.js';

/** A stock as a client is shown it. */
export interface ShownStock {
  readonly name: string;
  readonly quantity: number;
  readonly version: number;
}

interface FrontendSettings {
  readonly cacheSize: number;
  readonly deadlineMs: number;
}

/** Connections of clients that are remembered: far more than there are clients. */
const LISTENERS_MAX = 200;

type Reply<Result> = (result: Result) => void;
/** `failed` is an answer of class 5xx. */
type Failed = 'failed';

export class FrontendHost extends Host {
  readonly #seeds: readonly ReplicaAddress[];
  readonly #settings: FrontendSettings;
  #backends: Backends | null = null;
  /** Look-ups by who answered, over all lives. */
  readonly answered = { cache: 0, catalog: 0, replica: 0 };
  readonly #endListeners: (() => void)[] = [];
  #counted = { catalog: 0, replica: 0 };

  constructor(
    name: string,
    world: Environment,
    seeds: readonly ReplicaAddress[],
    settings: FrontendSettings,
  ) {
    super(name, 'frontend', world);
    this.#seeds = seeds;
    this.#settings = settings;
  }

  protected override boot(life: Life): void {
    const { cacheSize, deadlineMs } = this.#settings;
    this.#backends = connectBackends({
      ...{ identity: this.identity, replicas: this.#seeds, cacheSize, deadlineMs, log: this.log },
      catalogsTiming: { patienceMs: 100, returnMs: 1_000 },
      dial: this.world.streams.dialer(this, life),
      changed: () => undefined,
    });
    this.#counted = { catalog: 0, replica: 0 };
    this.#backends.catalogs.start();
    this.#backends.replicas.start();
  }

  protected override die(): void {
    this.#backends = null;
    for (const listener of this.#endListeners.splice(0)) listener();
  }

  /** Has `listener` called when that life ends: connections of clients break. */
  onEnd(life: Life | null, listener: () => void): void {
    if (life === null || this.life !== life) listener();
    else {
      if (this.#endListeners.length >= LISTENERS_MAX) this.#endListeners.splice(0, LISTENERS_MAX / 2);
      this.#endListeners.push(listener);
    }
  }

  submit(command: Command, reply: Reply<Decided | Undecided>): void {
    this.#serve(({ replicas, deadlines }) => {
      const deadline = deadlines.open();
      replicas.submit(
        commandToWire(command),
        deadline,
        (result) => {
          deadlines.close(deadline);
          reply(result);
        },
        (error) => this.failed(error),
      );
    });
  }

  lookUp(name: string, reply: Reply<ShownStock | null | Failed>): void {
    this.#serve(({ catalogs, stocks, deadlines }) => {
      const view = catalogs.cached(name);
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
        (error: unknown) => this.failed(error),
      );
    });
  }

  readOrder(number: number, reply: Reply<Order | null | Failed>): void {
    this.#serve(({ replicas, deadlines }) => {
      const deadline = deadlines.open();
      replicas.order(number, deadline).then(
        (found) => {
          deadlines.close(deadline);
          reply(found === NO_RESULT ? 'failed' : found);
        },
        (error: unknown) => this.failed(error),
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
      replicas.list({ after, limit, name: null }, deadline).then(
        (page) => {
          deadlines.close(deadline);
          reply(page === NO_RESULT ? 'failed' : page);
        },
        (error: unknown) => this.failed(error),
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
        (error: unknown) => this.failed(error),
      );
    });
  }

  /** Whether its cache may answer now. */
  get hasLease(): boolean {
    return (this.#backends?.catalogs.leaseRemainingMs ?? 0) > 0;
  }

  #serve(request: (backends: Backends) => void): void {
    const { life } = this;
    this.deliver(() => {
      if (this.#backends !== null && this.life === life) request(this.#backends);
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
