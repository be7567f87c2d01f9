/** A replica that is its whole Raft group, with a catalog and front-ends on real links, for tests. */
import * as assert from 'uvu/assert';
import {
  FRAME_ITEMS_MAX,
  type CatalogToReplica,
  LINK_PATHS,
  commandToWire,
  type Command,
  type ReplicaToFrontend,
  type OrderReadResult,
  type ReplicaToCatalog,
  type SeedStock,
  type StockReadResult,
  type SubmitResult,
  type FrontendToReplica,
} from '@trireme/domain';
import { HttpTransport } from '@trireme/raft/http';
import { RENEWAL_MS } from '@trireme/coherence';
import { LinkDialer, Metrics, createLog, type LinkIdentity } from '@trireme/service';
import { Replica } from '../replica/replica.js';
import type { OrderStep } from '../leader/session.js';
import { MemberClocks } from '../rules/leader/log-clock.js';
import { MemberAddresses } from '../rules/group/member-addresses.js';
import { PeerLinks } from '../rules/group/peer-links.js';
import { CATALOG, ReferenceCatalog } from '../rules/testing/reference-catalog.js';

const HOST = '127.0.0.1';
const SECRET = 'a shared secret';
/** URL that the catalog reports. */
export const CATALOG_URL = 'http://127.0.0.1:3';

export function identity(name: string): LinkIdentity {
  return { name, cluster: 'test', secret: SECRET };
}

const LOG = createLog({ service: 'test', id: '1', level: 'silent' });

/** Waits for a condition, at most ten seconds. */
export async function until(condition: () => boolean, what: string): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`timed out waiting for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

/** A catalog that dials the replica. It keeps its state while it is down. */
export class CatalogFollower {
  readonly rules = new ReferenceCatalog();
  readonly frames: ReplicaToCatalog[] = [];
  /** Its answers to a frame; replaced by tests of a faulty catalog. */
  reply = (frame: ReplicaToCatalog, link: number): readonly unknown[] =>
    this.rules.handle(frame, performance.now(), link);
  #url: string | null = null;
  #isUp = false;
  #dialer: LinkDialer | null = null;
  #renewal: NodeJS.Timeout | null = null;
  #isMute = false;

  /** Log indexes of the entries received. */
  get entries(): readonly number[] {
    return this.frames.flatMap((frame) => (frame.t === 'entry' ? [frame.index] : []));
  }

  get isReady(): boolean {
    return this.rules.isReady(performance.now());
  }

  /** Sets the URL of the replica. */
  async setReplicaUrl(url: string | null): Promise<void> {
    await this.#close();
    this.#url = url;
    if (this.#isUp) this.#open();
  }

  start(): void {
    this.#isUp = true;
    this.#open();
  }

  async stop(): Promise<void> {
    this.#isUp = false;
    await this.#close();
  }

  #open(): void {
    if (this.#url === null || this.#dialer !== null) return;
    const dialer = new LinkDialer({
      url: this.#url,
      path: LINK_PATHS.catalogToReplica,
      identity: identity(CATALOG),
      serverRole: 'replica',
      log: LOG,
      handler: {
        onOpen: (link) => link.send({ t: 'hello', url: CATALOG_URL }),
        onMessage: (link, message) => {
          const frame = message as ReplicaToCatalog;
          this.frames.push(frame);
          for (const answer of this.reply(frame, link.id)) if (!this.#isHeld(answer)) link.send(answer);
        },
        onClose: (link) => this.rules.linkClosed(link.id),
      },
    });
    this.#dialer = dialer;
    dialer.start();
    this.#renewal = setInterval(() => {
      for (const frame of this.rules.requestAuthority(performance.now())) dialer.link?.send(frame);
    }, RENEWAL_MS);
  }

  #isHeld(answer: unknown): boolean {
    return this.#isMute && (answer as CatalogToReplica).t === 'revoked';
  }

  /** From now on it renews its authority and reports no revocation: nothing becomes visible. */
  holdRevocations(): void {
    this.#isMute = true;
  }

  /** Reports its revocations again. */
  releaseRevocations(): void {
    this.#isMute = false;
    this.#dialer?.link?.send({ t: 'revoked', index: this.rules.receivedIndex });
  }

  async #close(): Promise<void> {
    if (this.#renewal !== null) clearInterval(this.#renewal);
    this.#renewal = null;
    await this.#dialer?.stop();
    this.#dialer = null;
  }
}

/** The front-end's side of a link. */
export class ReplicaClient {
  readonly frames: ReplicaToFrontend[] = [];
  readonly closes: string[] = [];
  readonly #dialer: LinkDialer;
  #ids = 0;

  constructor(port: number) {
    this.#dialer = new LinkDialer({
      url: `http://${HOST}:${port}`,
      path: LINK_PATHS.frontendToReplica,
      identity: identity('frontend'),
      serverRole: 'replica',
      log: LOG,
      handler: {
        onOpen: () => undefined,
        onMessage: (_, message) => this.frames.push(message as ReplicaToFrontend),
        onClose: (_, reason) => this.closes.push(reason),
      },
    });
  }

  async connect(): Promise<void> {
    this.#dialer.start();
    await until(() => this.#dialer.link !== null, 'a link to the replica');
  }

  send(frame: FrontendToReplica): void {
    this.#dialer.link?.send(frame);
  }

  /** Sends any frame, even a malformed one. */
  sendAnything(frame: unknown): void {
    this.#dialer.link?.send(frame);
  }

  /** Sends commands in as few frames as possible. @returns their ids */
  submit(...commands: readonly Command[]): readonly number[] {
    const items = commands.map((command) => [++this.#ids, ...commandToWire(command)] as const);
    for (let at = 0; at < items.length; at += FRAME_ITEMS_MAX) {
      this.send({ t: 'submit', items: items.slice(at, at + FRAME_ITEMS_MAX) });
    }
    return items.map(([id]) => id);
  }

  async submitted(id: number): Promise<SubmitResult> {
    return this.#find((frame) =>
      frame.t === 'submitted' ? frame.items.find((item) => item[0] === id) : undefined,
    );
  }

  async place(command: Command): Promise<SubmitResult> {
    const [id] = this.submit(command);
    return this.submitted(id ?? 0);
  }

  /** Looks the stock up at the replica. */
  async lookUp(name: string): Promise<StockReadResult> {
    const id = ++this.#ids;
    this.send({ t: 'lookup', items: [[id, name]] });
    return this.#find((frame) =>
      frame.t === 'stocks' ? frame.items.find((item) => item[0] === id) : undefined,
    );
  }

  async listStocks(after: string, limit: number): Promise<ReplicaToFrontend> {
    const id = ++this.#ids;
    this.send({ t: 'listStocks', id, after, limit });
    return this.#find((frame) =>
      (frame.t === 'stockPage' || frame.t === 'pageRefused' || frame.t === 'pageInvalid') && frame.id === id
        ? frame
        : undefined,
    );
  }

  async get(number: number, linearizable = true): Promise<OrderReadResult> {
    const id = ++this.#ids;
    this.send({ t: 'get', items: [[id, number, linearizable]] });
    return this.#find((frame) =>
      frame.t === 'got' ? frame.items.find((item) => item[0] === id) : undefined,
    );
  }

  async list(after: number, limit: number, name: string | null): Promise<ReplicaToFrontend> {
    const id = ++this.#ids;
    this.send({ t: 'list', id, after, limit, name });
    return this.#find((frame) =>
      (frame.t === 'page' || frame.t === 'pageRefused' || frame.t === 'pageInvalid') && frame.id === id
        ? frame
        : undefined,
    );
  }

  async #find<T>(pick: (frame: ReplicaToFrontend) => T | undefined): Promise<T> {
    const find = (): T | undefined => {
      for (const frame of this.frames) {
        const found = pick(frame);
        if (found !== undefined) return found;
      }
      return undefined;
    };
    await until(() => find() !== undefined, 'an answer');
    const found = find();
    assert.ok(found !== undefined);
    return found;
  }

  async close(): Promise<void> {
    await this.#dialer.stop();
  }
}

export class TestReplica {
  readonly catalog = new CatalogFollower();
  readonly fatals: unknown[] = [];
  readonly steps: OrderStep[] = [];
  /** Stocks of a new cluster. */
  seed: readonly SeedStock[] = [{ name: 'A', price: 1001, quantity: 100 }];
  /** Options that replace those of the next start. */
  options: Partial<Parameters<typeof Replica.start>[0]> = {};
  /** The seed hashes reported, one per start of the replica. */
  readonly seedHashes: string[] = [];
  readonly #data: string;
  #replica: Replica | null = null;
  #frontends: ReplicaClient[] = [];
  #port = 0;

  constructor(data: string) {
    this.#data = data;
  }

  /** Starts the replica. @returns a front-end that knows the leader */
  async start(): Promise<ReplicaClient> {
    return waitUntilLed(await this.startLinked());
  }

  /** Starts the replica. @returns a linked front-end that may not know a leader yet */
  async startLinked(): Promise<ReplicaClient> {
    const transport = new HttpTransport({
      id: '1',
      cluster: 'test',
      secret: SECRET,
      peers: new Map(),
      listen: { host: HOST, port: 0 },
    });
    const { replica, port } = await Replica.start({
      id: '1',
      members: ['1'],
      addresses: new MemberAddresses(
        new Map([['1', { peerUrl: `http://${HOST}:1`, url: `http://${HOST}:2` }]]),
      ),
      data: this.#data,
      host: HOST,
      port: 0,
      seed: this.seed,
      onSeeded: (hash) => this.seedHashes.push(hash),
      catalogs: [CATALOG],
      identity: identity('replica-1'),
      transport,
      peerLinks: new PeerLinks(),
      memberClocks: new MemberClocks(),
      log: LOG,
      metrics: new Metrics({ service: 'replica', id: '1' }),
      fatal: (error) => this.fatals.push(error),
      observe: {
        storage: (storage) => storage,
        transport: (inner) => inner,
        onStep: (step) => this.steps.push(step),
      },
      ...this.options,
    });
    this.#replica = replica;
    this.#port = port;
    await this.catalog.setReplicaUrl(`http://${HOST}:${this.#port}`);
    return this.connectFrontend();
  }

  async connectReadyFrontend(): Promise<ReplicaClient> {
    return waitUntilLed(await this.connectFrontend());
  }

  /** A linked front-end that may not know a leader yet. */
  async connectFrontend(): Promise<ReplicaClient> {
    const frontend = new ReplicaClient(this.#port);
    this.#frontends.push(frontend);
    await frontend.connect();
    return frontend;
  }

  get status(): Readonly<Record<string, unknown>> {
    return { ...this.#replica?.status() };
  }

  async stop(): Promise<void> {
    await this.catalog.setReplicaUrl(null);
    await this.#replica?.stop();
    this.#replica = null;
    for (const frontend of this.#frontends.splice(0)) await frontend.close();
  }

  async get(path: string): Promise<string> {
    return (await fetch(`http://${HOST}:${this.#port}${path}`)).text();
  }

  async export(): Promise<string> {
    return (await this.open('/export')).text();
  }

  /** Requests a path as an operator. */
  async open(path: string): Promise<Response> {
    return fetch(`http://${HOST}:${this.#port}${path}`, { headers: { 'x-trireme-secret': SECRET } });
  }

  /** Sends a request to a route of the group; by POST if there is a body. */
  async ask(path: string, body?: object): Promise<{ readonly code: number; readonly answer: unknown }> {
    const response = await fetch(`http://${HOST}:${this.#port}${path}`, {
      headers: { 'x-trireme-secret': SECRET },
      method: body === undefined ? 'GET' : 'POST',
      body: body === undefined ? null : JSON.stringify(body),
    });
    return { code: response.status, answer: await response.json() };
  }

  async close(): Promise<void> {
    await this.stop();
    await this.catalog.stop();
  }
}

async function waitUntilLed(frontend: ReplicaClient): Promise<ReplicaClient> {
  await until(
    () => frontend.frames.some((frame) => frame.t === 'leader' && frame.leader === '1'),
    'the announcement of the leader',
  );
  return frontend;
}
