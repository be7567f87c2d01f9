/** A catalog over real links, and those who talk to it. */
import { LINK_PATHS, type CatalogToLeader, type LeaderToCatalog } from '@trireme/domain';
import { createLog, LinkDialer, Metrics } from '@trireme/service';
import { honouredMs, LEASE_MS_MAX } from '../rules/leases.js';
import { LeaderLog } from '../rules/testing/frames.js';
import { CatalogService } from '../service.js';

const log = createLog({ service: 'catalog', id: 'test', level: 'silent' });
const identity = (name: string): { name: string; cluster: string; secret: null } => ({
  name,
  cluster: 'test',
  secret: null,
});
const SEED = [
  { name: 'A', price: 5500, quantity: 100, version: 0 },
  { name: 'B', price: 100, quantity: 5, version: 0 },
];

/** The log of the leaders, with two stocks. */
export function leaderLog(): LeaderLog {
  return new LeaderLog(SEED);
}

/** A process that dials the catalog. */
export class Peer<Out, In> {
  readonly #dialer: LinkDialer;
  readonly #frames: In[] = [];
  closed = 0;

  constructor(url: string, path: string, name: string) {
    const handler = {
      opened: () => undefined,
      message: (_link: unknown, frame: unknown) => void this.#frames.push(frame as In),
      closed: () => void (this.closed += 1),
    };
    this.#dialer = new LinkDialer({ url, path, expects: 'catalog', identity: identity(name), handler, log });
    this.#dialer.start();
  }

  async send(...frames: readonly Out[]): Promise<void> {
    await until(() => this.#dialer.link !== null);
    for (const frame of frames) this.#dialer.link?.send(frame);
  }

  async next(): Promise<In> {
    await until(() => this.#frames.length > 0);
    const frame = this.#frames.shift();
    if (frame === undefined) throw new Error('no frame');
    return frame;
  }

  async stop(): Promise<void> {
    await this.#dialer.stop();
  }
}

interface Running {
  readonly url: string;
  readonly service: CatalogService;
  readonly fatal: unknown[];
}

/** Runs a catalog, past the leases of an earlier process. */
export async function withCatalog(
  options: { leaseMs?: number },
  use: (running: Running) => Promise<void>,
): Promise<void> {
  const fatal: unknown[] = [];
  let ahead = 0;
  const service = new CatalogService({
    identity: identity('catalog'),
    log,
    metrics: new Metrics({ service: 'catalog', id: 'catalog' }),
    host: '127.0.0.1',
    port: 0,
    leaseMs: options.leaseMs ?? 500,
    fatal: (error) => void fatal.push(error),
    clock: () => performance.now() + ahead,
  });
  ahead = honouredMs(LEASE_MS_MAX);
  try {
    await use({ url: `http://127.0.0.1:${await service.start()}`, service, fatal });
  } finally {
    await service.stop();
  }
}

/** A leader that has attached and sent its stocks, so that lookups are served. */
export async function attached(
  url: string,
  service: CatalogService,
  leaderOf: LeaderLog,
): Promise<Peer<LeaderToCatalog, CatalogToLeader>> {
  const leader = new Peer<LeaderToCatalog, CatalogToLeader>(url, LINK_PATHS.leaderToCatalog, '1');
  await leader.send({ t: 'begin' });
  await leader.next();
  await leader.send({ t: 'attach', upTo: 0 }, ...leaderOf.snapshot());
  await leader.next();
  await until(() => service.status().ready);
  return leader;
}

/** Waits for a condition, 10 s at most. */
export async function until(condition: () => boolean): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`waited in vain for ${condition.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}
