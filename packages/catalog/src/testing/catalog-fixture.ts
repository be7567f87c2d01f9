/** A catalog with real links to a fake leader and fake front-ends. */
import type { CatalogTiming } from '@trireme/coherence';
import {
  LINK_PATHS,
  type CatalogToFrontend,
  type CatalogToReplica,
  type FrontendToCatalog,
  type ReplicaToCatalog,
} from '@trireme/domain';
import {
  createLog,
  InternalServer,
  LinkDialer,
  LinkListener,
  Metrics,
  type Link,
  type LinkHandler,
  type LinkIdentity,
} from '@trireme/service';
import { LeaderLog, stock } from '../rules/testing/leader-log.js';
import { CatalogService } from '../service.js';

const silent = createLog({ service: 'catalog', id: 'test', level: 'silent' });

function identity(name: string): LinkIdentity {
  return { name, cluster: 'test', secret: null };
}

/** Stores the frames of the most recent link. */
class LinkInbox<In, Out> implements LinkHandler {
  #link: Link | null = null;
  readonly #frames: In[] = [];
  opens = 0;
  closes = 0;

  onOpen(link: Link): void {
    this.#link = link;
    this.opens += 1;
  }

  onMessage(link: Link, message: unknown): void {
    if (link === this.#link) this.receive(message as In);
  }

  onClose(link: Link): void {
    this.closes += 1;
    if (link === this.#link) this.#link = null;
  }

  async send(...frames: readonly Out[]): Promise<void> {
    await until(() => this.#link !== null);
    for (const frame of frames) this.#link?.send(frame);
  }

  closeLink(): void {
    this.#link?.close('the test breaks the link');
  }

  /** The next frame that matches; earlier frames are dropped. */
  async next(matches: (frame: In) => boolean = () => true): Promise<In> {
    for (;;) {
      await until(() => this.#frames.length > 0);
      const frame = this.#frames.shift();
      if (frame !== undefined && matches(frame)) return frame;
    }
  }

  protected receive(frame: In): void {
    this.#frames.push(frame);
  }
}

/** A replica, which accepts links of catalogs. */
export class FakeLeader extends LinkInbox<CatalogToReplica, ReplicaToCatalog | { readonly t: 'nonsense' }> {
  readonly log = new LeaderLog([stock('A', 100), stock('B', 5, 100)]);
  readonly #server: InternalServer;
  /** Whether it grants the authority requests of a catalog that has received its stock table. */
  isGranting = false;
  #hasSentSnapshot = false;
  url = '';

  constructor(id: string) {
    super();
    this.#server = new InternalServer({
      host: '127.0.0.1',
      port: 0,
      identity: identity(id),
      log: silent,
      listeners: [
        new LinkListener({
          path: LINK_PATHS.catalogToReplica,
          clientRole: 'catalog',
          identity: identity(id),
          log: silent,
          handler: this,
        }),
      ],
      status: () => ({}),
      checks: () => [],
      metrics: new Metrics({ service: 'orders', id }),
    });
  }

  async start(): Promise<void> {
    this.url = `http://127.0.0.1:${await this.#server.listen()}`;
  }

  async stop(): Promise<void> {
    await this.#server.close();
  }

  /** Becomes leader in a term, waits until the catalog attaches, and sends the stock table. */
  async becomeLeader(term: number): Promise<Extract<CatalogToReplica, { readonly t: 'attach' }>> {
    this.#hasSentSnapshot = false;
    await this.send({ t: 'lead', term });
    const attach = await this.next(({ t }) => t === 'attach');
    if (attach.t !== 'attach') throw new Error(`expected attach, received ${attach.t}`);
    await this.send(...this.log.snapshot(2));
    this.#hasSentSnapshot = true;
    return attach;
  }

  protected override receive(frame: CatalogToReplica): void {
    if (frame.t !== 'requestAuthority' || !this.isGranting || !this.#hasSentSnapshot) super.receive(frame);
    else void this.send({ t: 'authority', id: frame.id, logged: this.log.lastLogIndex });
  }
}

/** A front-end that dials the catalog. */
export class LookupClient extends LinkInbox<
  CatalogToFrontend,
  FrontendToCatalog | { readonly t: 'nonsense' }
> {
  readonly #dialer: LinkDialer;

  constructor(url: string, name = 'frontend-1') {
    super();
    this.#dialer = new LinkDialer({
      url,
      path: LINK_PATHS.frontendToCatalog,
      serverRole: 'catalog',
      identity: identity(name),
      log: silent,
      handler: this,
    });
    this.#dialer.start();
  }

  async stop(): Promise<void> {
    await this.#dialer.stop();
  }
}

interface RunningCatalog {
  readonly url: string;
  readonly service: CatalogService;
  readonly replica: FakeLeader;
  readonly frontend: LookupClient;
  readonly fatal: unknown[];
}

/** Long enough that no authority expires while a busy machine does not schedule a process. */
const SLOW: CatalogTiming = { authorityMs: 10_000, leaseMs: 10_000, lookupWaitMs: 10_000 };

/** Runs a catalog with one replica and one front-end. */
export async function withCatalog(
  use: (running: RunningCatalog) => Promise<void>,
  timing: CatalogTiming = SLOW,
): Promise<void> {
  const fatal: unknown[] = [];
  const replica = new FakeLeader('1');
  await replica.start();
  const service = new CatalogService({
    identity: identity('catalog-1'),
    log: silent,
    metrics: new Metrics({ service: 'catalog', id: 'catalog-1' }),
    host: '127.0.0.1',
    port: 0,
    replicas: [{ id: '1', url: replica.url }],
    timing,
    fatal: (error) => void fatal.push(error),
  });
  const url = `http://127.0.0.1:${await service.start()}`;
  const frontend = new LookupClient(url);
  try {
    await use({ url, service, replica, frontend, fatal });
  } finally {
    await Promise.all([frontend.stop(), service.stop(), replica.stop()]);
  }
}

/** Waits until a condition is true, for at most 10 s. */
export async function until(condition: () => boolean): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`timed out waiting for ${condition.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}
