/** Fake replicas and catalogs on real links, controlled by tests. */
import {
  LINK_PATHS,
  type CatalogToFrontend,
  type CatalogWire,
  type ReplicaToFrontend,
  type FrontendToCatalog,
  type StockReadResult,
  type StockWire,
  type FrontendToReplica,
} from '@trireme/domain';
import {
  createLog,
  InternalServer,
  LinkListener,
  Metrics,
  type Link,
  type LinkIdentity,
} from '@trireme/service';

export const silentLog = createLog({ service: 'test', id: 'test', level: 'silent' });

export function identity(name: string): LinkIdentity {
  return { name, cluster: 'test', secret: null };
}

/** Waits until `condition` is true; fails after two seconds. */
export async function waitUntil(condition: () => boolean, what: string): Promise<void> {
  const end = performance.now() + 2000;
  while (!condition()) {
    if (performance.now() > end) throw new Error(`timed out: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

/** A process that accepts one kind of link and keeps every received frame. */
class FakeProcess<In extends { readonly t: string }, Out> {
  readonly frames: In[] = [];
  links: Link[] = [];
  /** Called with every frame after it was stored in `frames`. */
  onFrame: (frame: In, link: Link) => void = () => undefined;
  onOpen: (link: Link) => void = () => undefined;
  #server: InternalServer;
  #port = 0;
  readonly #name: string;
  readonly #path: string;

  constructor(name: string, path: string) {
    this.#name = name;
    this.#path = path;
    this.#server = this.#create();
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** Starts to listen; after a restart on the same port. */
  async start(): Promise<void> {
    this.#port = await this.#server.listen();
  }

  async stop(): Promise<void> {
    await this.#server.close();
    this.#server = this.#create();
  }

  protected receive(frame: In, link: Link): void {
    this.onFrame(frame, link);
  }

  send(frame: Out): void {
    for (const link of this.links) link.send(frame);
  }

  framesOfType<T extends In['t']>(t: T): Extract<In, { t: T }>[] {
    return this.frames.filter((frame): frame is Extract<In, { t: T }> => frame.t === t);
  }

  #create(): InternalServer {
    const listener = new LinkListener({
      path: this.#path,
      identity: identity(this.#name),
      clientRole: 'frontend',
      log: silentLog,
      handler: {
        onOpen: (link) => {
          this.links.push(link);
          this.onOpen(link);
        },
        onMessage: (link, message) => {
          const frame = message as In;
          this.frames.push(frame);
          this.receive(frame, link);
        },
        onClose: (link) => {
          this.links = this.links.filter((other) => other !== link);
        },
      },
    });
    return new InternalServer({
      host: '127.0.0.1',
      port: this.#port,
      identity: identity(this.#name),
      log: silentLog,
      listeners: [listener],
      status: () => ({}),
      checks: () => [],
      metrics: new Metrics({ service: 'test', id: 'test' }),
    });
  }
}

type StockRequest = Extract<FrontendToReplica, { t: 'lookup' | 'listStocks' }>;

/** The stocks of a fake. */
type Stocks = ReadonlyMap<string, StockWire>;

function pageOf(stocks: Stocks, after: string, limit: number): { stocks: StockWire[]; next: string | null } {
  const names = [...stocks.keys()].sort().filter((name) => name > after);
  const page = names.slice(0, limit).flatMap((name) => {
    const stock = stocks.get(name);
    return stock === undefined ? [] : [stock];
  });
  return { stocks: page, next: names.length > page.length ? (page.at(-1)?.[0] ?? null) : null };
}

export class FakeReplica extends FakeProcess<FrontendToReplica, ReplicaToFrontend> {
  readonly id: string;
  /** The stocks that it answers with; null makes it refuse as busy. */
  stocks: Stocks | null = null;
  life = 'l1';
  /** Called with requests for stocks; `onFrame` is called with all others. */
  onStockRequest = (frame: StockRequest, link: Link): void => void link.send(this.#answer(frame));
  #leader: ReplicaToFrontend | null = null;
  #catalogs: ReplicaToFrontend | null = null;

  constructor(id: string) {
    super(`orders-${id}`, LINK_PATHS.frontendToReplica);
    this.id = id;
    this.onOpen = (link) => {
      for (const frame of [this.#leader, this.#catalogs]) if (frame !== null) link.send(frame);
    };
  }

  protected override receive(frame: FrontendToReplica, link: Link): void {
    if (frame.t === 'lookup' || frame.t === 'listStocks') this.onStockRequest(frame, link);
    else super.receive(frame, link);
  }

  /** Sends the leader to every link, also to those that open later. */
  announceLeader(leader: string | null, term: number): void {
    this.#leader = { t: 'leader', self: this.id, leader, term };
    this.send(this.#leader);
  }

  /** Sends the catalogs to every link, also to those that open later. */
  announceCatalogs(items: readonly CatalogWire[]): void {
    this.#catalogs = { t: 'catalogs', items };
    this.send(this.#catalogs);
  }

  #answer(frame: StockRequest): ReplicaToFrontend {
    const { stocks, life } = this;
    if (frame.t === 'listStocks') {
      if (stocks === null) return { t: 'pageRefused', id: frame.id, why: 'busy' };
      return { t: 'stockPage', id: frame.id, ...pageOf(stocks, frame.after, frame.limit) };
    }
    const items = frame.items.map(([id, name]): StockReadResult => {
      if (stocks === null) return [id, 'refused', 'busy'];
      const stock = stocks.get(name);
      return stock === undefined ? [id, 'missing'] : [id, 'stock', stock];
    });
    return { t: 'stocks', life, items };
  }
}

export class FakeCatalog extends FakeProcess<FrontendToCatalog, CatalogToFrontend> {
  readonly stocks = new Map<string, StockWire>([['AAPL', ['AAPL', 5500, 100, 7]]]);
  cacheable = true;
  leaseMs = 60_000;
  /** Null while it has no stock table; then it is not ready either. */
  life: string | null = 'l1';
  ready = true;

  readonly id: string;

  constructor(id = 'catalog-1') {
    super(id, LINK_PATHS.frontendToCatalog);
    this.id = id;
    this.onOpen = (link) => this.#sendLife(link);
    this.onFrame = (frame, link) => {
      const answer = this.answer(frame);
      if (answer !== null) link.send(answer);
    };
  }

  /** Simulates that it received its first stock table. */
  receiveStockTable(life: string): void {
    this.life = life;
    this.ready = true;
    for (const link of this.links) this.#sendLife(link);
  }

  #sendLife(link: Link): void {
    if (this.life === null) return;
    const frame: CatalogToFrontend = { t: 'life', life: this.life };
    link.send(frame);
  }

  answer(frame: FrontendToCatalog): CatalogToFrontend | null {
    switch (frame.t) {
      case 'renew':
        return this.ready ? { t: 'lease', id: frame.id, ms: this.leaseMs } : null;
      case 'lookup':
        return {
          t: 'stocks',
          items: frame.items.map(([id, name]) => {
            if (!this.ready) return [id, 'unready'];
            const stock = this.stocks.get(name);
            return stock === undefined ? [id, 'missing'] : [id, 'stock', stock, this.cacheable];
          }),
        };
      case 'list': {
        if (!this.ready) return { t: 'pageUnready', id: frame.id };
        return { t: 'page', id: frame.id, ...pageOf(this.stocks, frame.after, frame.limit) };
      }
      case 'report': {
        const sessions = [{ peer: 'frontend-2', leaseMs: 300, names: ['AAPL'] }];
        const report = { lastIndex: 7, stocks: this.stocks.size, ready: this.ready, sessions };
        return { t: 'report', report };
      }
      case 'dropped':
        return null;
    }
  }
}
