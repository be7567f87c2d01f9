/** A front-end with fake replicas and fake catalogs. */
import type { CatalogTimeouts } from '../backends/catalog-pool.js';
import { renderPagesFor, startFrontend, type Frontend } from '../frontend.js';
import type { ReplicaToFrontend, SubmitItemWire, SubmitResult, FrontendToReplica } from '@trireme/domain';
import { Metrics, type Link } from '@trireme/service';
import { FakeCatalog, FakeReplica, identity, silentLog, waitUntil } from './fakes.js';

export const OPERATOR_TOKEN = 'operator-token-of-the-test';

export interface FrontendFixture {
  readonly frontend: Frontend;
  /** The first catalog. */
  readonly catalog: FakeCatalog;
  readonly catalogs: readonly FakeCatalog[];
  readonly replicas: readonly [FakeReplica, FakeReplica];
  readonly url: string;
}

export interface FrontendFixtureOptions {
  readonly deadlineMs?: number;
  readonly cacheSize?: number;
  /** Number of catalogs, which the replicas announce; 1 by default. */
  readonly catalogs?: number;
  /** Duration of the leases that catalogs grant, in milliseconds; one minute by default. */
  readonly leaseMs?: number;
  /** By default long enough that a catalog does not count as silent on a slow machine. */
  readonly catalogTimeouts?: CatalogTimeouts;
  /** Whether replica 1 leads and the front-end is ready before the test starts; true by default. */
  readonly ready?: boolean;
  readonly operatorToken?: string | null;
  readonly corsOrigin?: string;
  readonly rateLimitPerSecond?: number;
  readonly lingerMs?: number;
  readonly writeTimeoutMs?: number;
}

const NAME = 'frontend-1';

/** Rendered once for all tests. */
const pages = await renderPagesFor(NAME);

/** Runs a test against a front-end and closes everything after it. */
export async function withFrontend(
  options: FrontendFixtureOptions,
  run: (fixture: FrontendFixture) => Promise<void>,
): Promise<void> {
  const catalogs = Array.from(
    { length: options.catalogs ?? 1 },
    (_, i) => new FakeCatalog(`catalog-${i + 1}`),
  );
  // With zero catalogs this one is not started, and the replicas do not announce it.
  const catalog = catalogs[0] ?? new FakeCatalog();
  for (const fake of catalogs) fake.leaseMs = options.leaseMs ?? fake.leaseMs;
  const replicas = [new FakeReplica('1'), new FakeReplica('2')] as const;
  const fakes = [...catalogs, ...replicas];
  await Promise.all(fakes.map(async (fake) => fake.start()));
  for (const replica of replicas) replica.announceCatalogs(catalogs.map(({ id, url }) => [id, url]));
  const frontend = await startFrontend({
    identity: identity(NAME),
    host: '127.0.0.1',
    port: 0,
    replicas: replicas.map(({ id, url }) => ({ id, url })),
    catalogTimeouts: options.catalogTimeouts ?? { answerTimeoutMs: 2000, returnDelayMs: 10_000 },
    cacheSize: options.cacheSize ?? 5,
    deadlineMs: options.deadlineMs ?? 5000,
    operatorToken: options.operatorToken === undefined ? OPERATOR_TOKEN : options.operatorToken,
    corsOrigin: options.corsOrigin ?? null,
    rateLimitPerSecond: options.rateLimitPerSecond ?? null,
    log: silentLog,
    metrics: new Metrics({ service: 'frontend', id: NAME }),
    pages,
    lingerMs: options.lingerMs ?? 0,
    writeTimeoutMs: options.writeTimeoutMs,
  });
  const url = `http://127.0.0.1:${frontend.port}`;
  try {
    if (options.ready ?? true) {
      replicas[0].onFrame = fillEveryOrder();
      replicas[0].announceLeader('1', 1);
      replicas[1].announceLeader('1', 1);
      await waitUntil(
        () => [...replicas, ...catalogs].every(({ links }) => links.length > 0),
        'all links are open',
      );
      await untilReady(url, catalogs.length > 0);
    }
    await run({ frontend, catalog, catalogs, replicas, url });
  } finally {
    await frontend.stop();
    await Promise.all(fakes.map(async (fake) => fake.stop()));
  }
}

/** Waits until the front-end is ready and, if `isLeased`, its cache has a lease. */
export async function untilReady(url: string, isLeased = true): Promise<void> {
  const state = { ready: false };
  const polling = setInterval(() => {
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
    await waitUntil(() => state.ready, 'the front-end is ready');
  } finally {
    clearInterval(polling);
  }
}

/** A leader that fills every order with the next number at 55.00, and repeats the result of a known key. */
export function fillEveryOrder(): (frame: FrontendToReplica, link: Link) => void {
  const numbers = new Map<string, number>();
  const result = ([id, kind, key]: SubmitItemWire): SubmitResult => {
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

/** Makes the replica answer every submitted command with `result(item)`; null leaves it unanswered. */
export function answerCommands(
  replica: FakeReplica,
  result: (item: SubmitItemWire) => SubmitResult | null,
): void {
  replica.onFrame = (frame, link) => {
    if (frame.t !== 'submit') return;
    reply(link, { t: 'submitted', items: frame.items.map(result).filter((item) => item !== null) });
  };
}

export function reply(link: Link, frame: ReplicaToFrontend): void {
  link.send(frame);
}

/** Posts an order, by default for one AAPL. */
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

/** The `status` of an error response. Checks that its body has the form of the contract. */
export async function errorStatus(response: Response): Promise<string> {
  const body = (await response.json()) as { error: { code: number; message: string; status: string } };
  const keys = Object.keys(body.error).join();
  if (keys !== 'code,message,status' || body.error.code !== response.status || body.error.message === '') {
    throw new Error(`error body does not match the contract: ${JSON.stringify(body)}`);
  }
  return body.error.status;
}
