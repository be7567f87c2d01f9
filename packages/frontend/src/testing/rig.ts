/** A front-end between fake replicas and fake catalogs. */
import type { CatalogsTiming } from '../catalogs.js';
import { pagesOf, startFrontend, type Frontend } from '../frontend.js';
import type { FromReplica, SubmitItem, SubmitResult, ToReplica } from '@trireme/domain';
import { Metrics, type Link } from '@trireme/service';
import { FakeCatalog, FakeReplica, identity, silentLog, until } from './fakes.js';

export const OPERATOR_TOKEN = 'operator-token-of-the-test';

export interface Rig {
  readonly frontend: Frontend;
  /** The first one. */
  readonly catalog: FakeCatalog;
  readonly catalogs: readonly FakeCatalog[];
  readonly replicas: readonly [FakeReplica, FakeReplica];
  readonly url: string;
}

export interface RigOptions {
  readonly deadlineMs?: number;
  readonly cacheSize?: number;
  /** How many there are, and the replicas tell of; 1 unless given. */
  readonly catalogs?: number;
  /** Of the leases that catalogs give, in milliseconds; a minute unless given. */
  readonly leaseMs?: number;
  /** So long that a slow machine is no silent catalog, unless given. */
  readonly catalogsTiming?: CatalogsTiming;
  /** Whether replica 1 leads and the front-end is ready before the test begins; true unless given. */
  readonly ready?: boolean;
  readonly operatorToken?: string | null;
  readonly corsOrigin?: string;
  readonly requestsPerSecond?: number;
  readonly lingerMs?: number;
  readonly stallMs?: number;
}

const NAME = 'frontend-1';

/** Rendered once: the same for every rig. */
const pages = await pagesOf(NAME);

/** Runs a test against a front-end and closes everything after it. */
export async function withRig(options: RigOptions, run: (rig: Rig) => Promise<void>): Promise<void> {
  const catalogs = Array.from(
    { length: options.catalogs ?? 1 },
    (_, i) => new FakeCatalog(`catalog-${i + 1}`),
  );
  // The first one is there where a test asks for none, and nobody tells of it.
  const catalog = catalogs[0] ?? new FakeCatalog();
  for (const one of catalogs) one.leaseMs = options.leaseMs ?? one.leaseMs;
  const replicas = [new FakeReplica('1'), new FakeReplica('2')] as const;
  const fakes = [...catalogs, ...replicas];
  await Promise.all(fakes.map(async (fake) => fake.start()));
  for (const replica of replicas) replica.tellCatalogs(catalogs.map(({ id, url }) => [id, url]));
  const frontend = await startFrontend({
    identity: identity(NAME),
    host: '127.0.0.1',
    port: 0,
    replicas: replicas.map(({ id, url }) => ({ id, url })),
    catalogsTiming: options.catalogsTiming ?? { patienceMs: 2000, returnMs: 10_000 },
    cacheSize: options.cacheSize ?? 5,
    deadlineMs: options.deadlineMs ?? 5000,
    operatorToken: options.operatorToken === undefined ? OPERATOR_TOKEN : options.operatorToken,
    corsOrigin: options.corsOrigin ?? null,
    requestsPerSecond: options.requestsPerSecond ?? null,
    log: silentLog,
    metrics: new Metrics({ service: 'frontend', id: NAME }),
    pages,
    lingerMs: options.lingerMs ?? 0,
    ...(options.stallMs === undefined ? {} : { stallMs: options.stallMs }),
  });
  const url = `http://127.0.0.1:${frontend.port}`;
  try {
    if (options.ready ?? true) {
      replicas[0].onFrame = fillOrders();
      replicas[0].tellLeader('1', 1);
      replicas[1].tellLeader('1', 1);
      await until(() => [...replicas, ...catalogs].every(({ links }) => links.length > 0), 'all are linked');
      await untilReady(url, catalogs.length > 0);
    }
    await run({ frontend, catalog, catalogs, replicas, url });
  } finally {
    await frontend.stop();
    await Promise.all(fakes.map(async (fake) => fake.stop()));
  }
}

/** Waits until the front-end says that it is ready, and its lease was granted if there are catalogs. */
export async function untilReady(url: string, isLeased = true): Promise<void> {
  const state = { ready: false };
  const asking = setInterval(() => {
    void fetch(`${url}/status`)
      .then(
        async (response) =>
          response.json() as Promise<{
            ready: boolean;
            cache: { capacity: number; leaseRemainingMs: number };
          }>,
      )
      .then(({ ready, cache }) => {
        state.ready = ready && (!isLeased || cache.capacity === 0 || cache.leaseRemainingMs > 0);
      })
      .catch(() => undefined);
  }, 5);
  try {
    await until(() => state.ready, 'front-end is ready');
  } finally {
    clearInterval(asking);
  }
}

/** A leader that fills every order with the next number at 55.00 and knows every key. */
export function fillOrders(): (frame: ToReplica, link: Link) => void {
  const numbers = new Map<string, number>();
  const result = ([id, kind, key]: SubmitItem): SubmitResult => {
    if (kind > 1) return [id, 'done'];
    const number = numbers.get(key) ?? numbers.size + 1;
    numbers.set(key, number);
    return [id, 'filled', number, 5500];
  };
  return (frame, link) => {
    if (frame.t !== 'submit') return;
    reply(link, { t: 'submitted', items: frame.items.map(result) });
  };
}

/** Answers every submitted command with what `result` makes of its item. */
export function answerSubmits(replica: FakeReplica, result: (item: SubmitItem) => SubmitResult | null): void {
  replica.onFrame = (frame, link) => {
    if (frame.t !== 'submit') return;
    reply(link, { t: 'submitted', items: frame.items.map(result).filter((item) => item !== null) });
  };
}

export function reply(link: Link, frame: FromReplica): void {
  link.send(frame);
}

/** Posts an order for one AAPL, with what the test changes of it. */
export async function postOrder(
  url: string,
  headers: Record<string, string> = {},
  body: unknown = { name: 'AAPL', quantity: 1, type: 'buy' },
): Promise<Response> {
  return fetch(`${url}/orders`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
}

/** The word of an error answer, after a check that its body is the contract's. */
export async function errorStatus(response: Response): Promise<string> {
  const body = (await response.json()) as { error: { code: number; message: string; status: string } };
  const keys = Object.keys(body.error).join();
  if (keys !== 'code,message,status' || body.error.code !== response.status || body.error.message === '') {
    throw new Error(`not an error of the contract: ${JSON.stringify(body)}`);
  }
  return body.error.status;
}
