/** A replica that is its whole Raft group, with a catalog and front-ends on real links. */
import * as assert from 'uvu/assert';
import {
  FRAME_ITEMS_MAX,
  type CatalogToReplica,
  LINK_PATHS,
  commandToWire,
  type Command,
  type FromReplica,
  type GetResult,
  type ReplicaToCatalog,
  type SeedStock,
  type StockResult,
  type SubmitResult,
  type ToReplica,
} from '@trireme/domain';
import { HttpTransport } from '@trireme/raft';
import { RENEWAL_MS } from '@trireme/coherence';
import { LinkDialer, Metrics, createLog, type LinkIdentity } from '@trireme/service';
import { Replica } from '../replica.js';
import type { OrderStep } from '../leader-session.js';
import { MemberClocks } from '../rules/log-clock.js';
import { MemberAddresses } from '../rules/member-addresses.js';
import { PeerLinks } from '../rules/peer-links.js';
import { CATALOG, ReferenceCatalog } from '../rules/testing/reference-catalog.js';

const HOST = '127.0.0.1';
const SECRET = 'a shared secret';
/** Where the catalog says that it is. */
export const CATALOG_URL = 'http://127.0.0.1:3';

function identity(name: string): LinkIdentity {
  return { name, cluster: 'test', secret: SECRET };
}

const LOG = createLog({ service: 'test', id: '1', level: 'silent' });

/** Waits for a condition, at most ten seconds. */
export async function until(condition: () => boolean, what: string): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`waited in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

/** A catalog, which dials the replica. It keeps what it knows when it is down. */
export class FakeCatalog {
  readonly rules = new ReferenceCatalog();
  readonly frames: ReplicaToCatalog[] = [];
  /** What it answers with, for a catalog that is broken. */
  reply = (frame: ReplicaToCatalog, link: number): readonly unknown[] =>
    this.rules.handle(frame, performance.now(), link);
  #url: string | null = null;
  #isUp = false;
  #dialer: LinkDialer | null = null;
  #asking: NodeJS.Timeout | null = null;
  #isMute = false;

  /** Log indexes of the entries that came. */
  get entries(): readonly number[] {
    return this.frames.flatMap((frame) => (frame.t === 'entry' ? [frame.index] : []));
  }

  get isReady(): boolean {
    return this.rules.isReady(performance.now());
  }

  /** The replica listens here now. */
  async at(url: string | null): Promise<void> {
    await this.#close();
    this.#url = url;
    if (this.#isUp) this.#open();
  }

  up(): void {
    this.#isUp = true;
    this.#open();
  }

  async down(): Promise<void> {
    this.#isUp = false;
    await this.#close();
  }

  #open(): void {
    if (this.#url === null || this.#dialer !== null) return;
    const dialer = new LinkDialer({
      url: this.#url,
      path: LINK_PATHS.catalogToReplica,
      identity: identity(CATALOG),
      expects: 'replica',
      log: LOG,
      handler: {
        opened: (link) => link.send({ t: 'hello', url: CATALOG_URL }),
        message: (link, message) => {
          const frame = message as ReplicaToCatalog;
          this.frames.push(frame);
          for (const answer of this.reply(frame, link.id)) if (!this.#isHeld(answer)) link.send(answer);
        },
        closed: (link) => this.rules.linkClosed(link.id),
      },
    });
    this.#dialer = dialer;
    dialer.start();
    this.#asking = setInterval(() => {
      for (const frame of this.rules.ask(performance.now())) dialer.link?.send(frame);
    }, RENEWAL_MS);
  }

  #isHeld(answer: unknown): boolean {
    return this.#isMute && (answer as CatalogToReplica).t === 'revoked';
  }

  /** From now on it holds authority and tells nothing of what it has revoked: nothing becomes visible. */
  mute(): void {
    this.#isMute = true;
  }

  /** It tells what it has revoked, and goes on so. */
  speak(): void {
    this.#isMute = false;
    this.#dialer?.link?.send({ t: 'revoked', index: this.rules.received });
  }

  async #close(): Promise<void> {
    if (this.#asking !== null) clearInterval(this.#asking);
    this.#asking = null;
    await this.#dialer?.stop();
    this.#dialer = null;
  }
}

/** A front-end's side of the link. */
export class FakeFrontend {
  readonly frames: FromReplica[] = [];
  readonly closes: string[] = [];
  readonly #dialer: LinkDialer;
  #ids = 0;

  constructor(port: number) {
    this.#dialer = new LinkDialer({
      url: `http://${HOST}:${port}`,
      path: LINK_PATHS.frontendToReplica,
      identity: identity('frontend'),
      expects: 'replica',
      log: LOG,
      handler: {
        opened: () => undefined,
        message: (_, message) => this.frames.push(message as FromReplica),
        closed: (_, reason) => this.closes.push(reason),
      },
    });
  }

  async connect(): Promise<void> {
    this.#dialer.start();
    await until(() => this.#dialer.link !== null, 'a link to the replica');
  }

  send(frame: ToReplica): void {
    this.#dialer.link?.send(frame);
  }

  /** Sends anything, as a front-end of other rules might. */
  sendAnything(frame: unknown): void {
    this.#dialer.link?.send(frame);
  }

  /** Sends commands in as few frames as they fit in. @returns their ids */
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
  async lookUp(name: string): Promise<StockResult> {
    const id = ++this.#ids;
    this.send({ t: 'lookup', items: [[id, name]] });
    return this.#find((frame) =>
      frame.t === 'stocks' ? frame.items.find((item) => item[0] === id) : undefined,
    );
  }

  async listStocks(after: string, limit: number): Promise<FromReplica> {
    const id = ++this.#ids;
    this.send({ t: 'listStocks', id, after, limit });
    return this.#find((frame) =>
      (frame.t === 'stockPage' || frame.t === 'pageRefused' || frame.t === 'pageInvalid') && frame.id === id
        ? frame
        : undefined,
    );
  }

  async get(number: number, linearizable = true): Promise<GetResult> {
    const id = ++this.#ids;
    this.send({ t: 'get', items: [[id, number, linearizable]] });
    return this.#find((frame) =>
      frame.t === 'got' ? frame.items.find((item) => item[0] === id) : undefined,
    );
  }

  async list(after: number, limit: number, name: string | null): Promise<FromReplica> {
    const id = ++this.#ids;
    this.send({ t: 'list', id, after, limit, name });
    return this.#find((frame) =>
      (frame.t === 'page' || frame.t === 'pageRefused' || frame.t === 'pageInvalid') && frame.id === id
        ? frame
        : undefined,
    );
  }

  async #find<T>(pick: (frame: FromReplica) => T | undefined): Promise<T> {
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

export class Rig {
  readonly catalog = new FakeCatalog();
  readonly fatals: unknown[] = [];
  readonly steps: OrderStep[] = [];
  /** What a new cluster begins with. */
  seed: readonly SeedStock[] = [{ name: 'A', price: 1001, quantity: 100 }];
  /** What each life of the replica said that it was. */
  readonly seedHashes: string[] = [];
  readonly #data: string;
  #replica: Replica | null = null;
  #frontends: FakeFrontend[] = [];
  #port = 0;

  constructor(data: string) {
    this.#data = data;
  }

  /** Starts the replica. @returns a front-end that has heard who leads */
  async start(): Promise<FakeFrontend> {
    return led(await this.startLinked());
  }

  /** Starts the replica. @returns a front-end that is linked and may not have heard of a leader */
  async startLinked(): Promise<FakeFrontend> {
    const transport = new HttpTransport({
      id: '1',
      cluster: 'test',
      secret: SECRET,
      peers: new Map(),
      listen: { host: HOST, port: 0 },
    });
    this.#replica = new Replica({
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
    });
    this.#port = await this.#replica.start();
    await this.catalog.at(`http://${HOST}:${this.#port}`);
    return this.linked();
  }

  async frontend(): Promise<FakeFrontend> {
    return led(await this.linked());
  }

  /** A front-end that may not have heard of a leader. */
  async linked(): Promise<FakeFrontend> {
    const frontend = new FakeFrontend(this.#port);
    this.#frontends.push(frontend);
    await frontend.connect();
    return frontend;
  }

  get status(): Readonly<Record<string, unknown>> {
    return { ...this.#replica?.status() };
  }

  async stop(): Promise<void> {
    await this.catalog.at(null);
    await this.#replica?.stop();
    this.#replica = null;
    for (const frontend of this.#frontends.splice(0)) await frontend.close();
  }

  async get(path: string): Promise<string> {
    return (await fetch(`http://${HOST}:${this.#port}${path}`)).text();
  }

  async export(): Promise<string> {
    const response = await fetch(`http://${HOST}:${this.#port}/export`, {
      headers: { 'x-trireme-secret': SECRET },
    });
    return response.text();
  }

  /** Asks a route of the group: by POST where there is a body. */
  async ask(path: string, body?: object): Promise<{ readonly code: number; readonly answer: unknown }> {
    const response = await fetch(`http://${HOST}:${this.#port}${path}`, {
      headers: { 'x-trireme-secret': SECRET },
      ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
    });
    return { code: response.status, answer: await response.json() };
  }

  async close(): Promise<void> {
    await this.stop();
    await this.catalog.down();
  }
}

async function led(frontend: FakeFrontend): Promise<FakeFrontend> {
  await until(
    () => frontend.frames.some((frame) => frame.t === 'leader' && frame.leader === '1'),
    'who leads',
  );
  return frontend;
}
