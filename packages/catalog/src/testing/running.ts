/** A catalog over real links and a real disk, and those who talk to it. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeBatch, LINK_PATHS, type CatalogToLeader, type LeaderToCatalog } from '@trireme/domain';
import { createLog, LinkDialer, Metrics } from '@trireme/service';
import { honouredMs, LEASE_MS_MAX } from '../rules/leases.js';
import type { CatalogWrite } from '../rules/round.js';
import { CatalogService } from '../service.js';
import { CatalogStore } from '../store.js';

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

/** A disk whose writes end when the test says so. */
export class SlowDisk {
  readonly writes: CatalogWrite[] = [];
  #settle: ((error: Error | null) => void) | null = null;

  readonly write = async (write: CatalogWrite): Promise<void> => {
    if (this.#settle !== null) throw new Error('two writes at once');
    this.writes.push(write);
    await new Promise<void>((resolve, reject) => {
      this.#settle = (error) => (error === null ? resolve() : reject(error));
    });
  };

  /** Ends the write under way. */
  end(error: Error | null = null): void {
    const settle = this.#settle;
    this.#settle = null;
    settle?.(error);
  }
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

  /** Frames that came and were not taken. */
  get waiting(): number {
    return this.#frames.length;
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
  readonly folder: string;
  readonly service: CatalogService;
  readonly fatal: unknown[];
  readonly stop: () => Promise<void>;
  /** From then on nothing is due any more. */
  readonly stopClock: () => void;
}

/** Runs a catalog in a folder of its own, past the leases of an earlier life. */
export async function withCatalog(
  options: { leaseMs?: number; write?: (write: CatalogWrite) => Promise<void> },
  use: (running: Running) => Promise<void>,
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'trireme-catalog-'));
  const store = await CatalogStore.open({ folder, cluster: 'test', seed: SEED });
  const fatal: unknown[] = [];
  let ahead = 0;
  let stoppedAt: number | null = null;
  const clock = (): number => stoppedAt ?? performance.now() + ahead;
  const service = new CatalogService({
    store: {
      state: store.state,
      life: store.life,
      write: options.write ?? (async (write) => store.write(write)),
      close: async () => store.close(),
    },
    identity: identity('catalog'),
    log,
    metrics: new Metrics({ service: 'catalog', id: 'catalog' }),
    host: '127.0.0.1',
    port: 0,
    leaseMs: options.leaseMs ?? 500,
    fatal: (error) => void fatal.push(error),
    clock,
  });
  ahead = honouredMs(LEASE_MS_MAX);
  const end: { stopped: Promise<void> | null } = { stopped: null };
  const stop = async (): Promise<void> => (end.stopped ??= service.stop());
  try {
    const url = `http://127.0.0.1:${await service.start()}`;
    await use({ url, folder, service, fatal, stop, stopClock: () => void (stoppedAt = clock()) });
  } finally {
    // A test that stops it itself has seen how that ends.
    if (end.stopped === null) await stop();
    await rm(folder, { recursive: true });
  }
}

/** A leader that has attached, so that lookups are served. */
export async function attached(
  url: string,
  service: CatalogService,
): Promise<Peer<LeaderToCatalog, CatalogToLeader>> {
  const leader = new Peer<LeaderToCatalog, CatalogToLeader>(url, LINK_PATHS.leaderToCatalog, '1');
  await leader.send({ t: 'begin' });
  await leader.next();
  await leader.send({ t: 'attach', upTo: 0 });
  await until(() => service.status().ready);
  return leader;
}

export function decide(index: number, prev: number): LeaderToCatalog {
  const commands = [{ kind: 'buy', key: 'k', name: 'A', quantity: 1 }] as const;
  return {
    t: 'decide',
    index,
    prev,
    settled: 0,
    skip: [],
    batch: encodeBatch({ age: 1, time: 1, commands, settlements: [] }),
  };
}

export async function elapsed(ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms));
}

/** Waits for a condition, 10 s at most. */
export async function until(condition: () => boolean): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`waited in vain for ${condition.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}
