/** The catalog over real links and a real disk. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  encodeBatch,
  LINK_PATHS,
  type CatalogToFrontend,
  type CatalogToLeader,
  type FrontendToCatalog,
  type LeaderToCatalog,
} from '@trireme/domain';
import { createLog, LinkDialer, Metrics } from '@trireme/service';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { honouredMs, LEASE_MS_MAX } from './rules/leases.js';
import { CatalogService } from './service.js';
import { CatalogStore } from './store.js';

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

test('a trade goes from the leader through the caches to the disk and back', async () => {
  await withCatalog({}, async ({ url, folder, service, stop }) => {
    const frontend = new Peer<FrontendToCatalog, CatalogToFrontend>(
      url,
      LINK_PATHS.frontendToCatalog,
      'frontend-1',
    );
    const leader = new Peer<LeaderToCatalog, CatalogToLeader>(url, LINK_PATHS.leaderToCatalog, '1');
    try {
      await frontend.send({ t: 'lookup', items: [[1, 'A']] });
      assert.equal(await frontend.next(), { t: 'stocks', items: [[1, 'unready']] });
      assert.is((await fetch(`${url}/readyz`)).status, 503);
      await leader.send({ t: 'begin' });
      assert.equal(await leader.next(), { t: 'standing', lastIndex: 0 });
      await leader.send({ t: 'attach', upTo: 0 });
      await until(() => service.status().ready);
      assert.is((await fetch(`${url}/readyz`)).status, 200);
      await frontend.send(
        { t: 'renew', id: 2 },
        {
          t: 'lookup',
          items: [
            [3, 'A'],
            [4, 'Z'],
          ],
        },
        { t: 'list', id: 5, after: 'A', limit: 1 },
      );
      assert.equal(await frontend.next(), { t: 'lease', id: 2, ms: 500 });
      assert.equal(await frontend.next(), {
        t: 'stocks',
        items: [
          [3, 'stock', ['A', 5500, 100, 0], true],
          [4, 'missing'],
        ],
      });
      assert.equal(await frontend.next(), { t: 'page', id: 5, stocks: [['B', 100, 5, 0]], next: null });
      await leader.send(decide(3, 0), decide(4, 3));
      assert.equal(await frontend.next(), { t: 'revoke', seq: 1, version: 3, names: ['A'] });
      await frontend.send({ t: 'dropped', seq: 1 });
      const answers: unknown[] = [];
      while (answers.length < 2) {
        const frame = await leader.next();
        if (frame.t === 'decided') answers.push(...frame.items);
      }
      assert.equal(answers, [
        [3, [5500]],
        [4, [5500]],
      ]);
      await frontend.send({ t: 'lookup', items: [[6, 'A']] });
      assert.equal(await frontend.next(), { t: 'stocks', items: [[6, 'stock', ['A', 5500, 98, 4], true]] });
      const status: unknown = await (await fetch(`${url}/status`)).json();
      assert.equal(status, {
        role: 'catalog',
        id: 'catalog',
        lastIndex: 4,
        settled: 0,
        stocks: 2,
        outcomes: 2,
        sessions: 1,
        leaders: 1,
        queued: 0,
        ready: true,
        unready: null,
      });
      const metrics = await (await fetch(`${url}/metrics`)).text();
      for (const line of ['ready 1', 'decided_index 4', 'stocks 2', 'events_total{event="ready"} 1']) {
        assert.match(metrics, `\ntrireme_catalog_${line}\n`);
      }
      const ready = await (await fetch(`${url}/readyz?verbose`)).json();
      assert.equal(ready, {
        status: 'ok',
        checks: [
          { name: 'running', ok: true, problem: null },
          { name: 'decisions', ok: true, problem: null },
        ],
      });
      await stop();
      const store = await CatalogStore.open({ folder, cluster: 'test', seed: [] });
      assert.is(store.state.lastIndex, 4);
      await store.close();
    } finally {
      await Promise.all([frontend.stop(), leader.stop()]);
    }
  });
});

test('a front-end that does not answer holds a trade up for its lease and no longer', async () => {
  await withCatalog({ leaseMs: 40 }, async ({ url, service }) => {
    const frontend = new Peer<FrontendToCatalog, CatalogToFrontend>(
      url,
      LINK_PATHS.frontendToCatalog,
      'frontend-1',
    );
    const leader = await attached(url, service);
    try {
      await frontend.send({ t: 'lookup', items: [[1, 'A']] }, { t: 'renew', id: 2 });
      await frontend.next();
      await frontend.next();
      const granted = performance.now();
      await leader.send(decide(1, 0));
      assert.equal(await leader.next(), { t: 'decided', items: [[1, [5500]]] });
      // The grant was a moment before it came in here.
      assert.ok(performance.now() - granted > 30, 'the lease was waited for');
    } finally {
      await Promise.all([frontend.stop(), leader.stop()]);
    }
  });
});

test('a malformed frame closes its link and no other', async () => {
  await withCatalog({}, async ({ url, service }) => {
    const frontend = new Peer<unknown, CatalogToFrontend>(url, LINK_PATHS.frontendToCatalog, 'frontend-1');
    const leader = await attached(url, service);
    try {
      await frontend.send({ t: 'nonsense' });
      await until(() => frontend.closed > 0);
      await leader.send({ t: 'begin' });
      assert.equal(await leader.next(), { t: 'standing', lastIndex: 0 });
      assert.is(service.status().leaders, 1);
    } finally {
      await Promise.all([frontend.stop(), leader.stop()]);
    }
  });
});

test('a write that fails stops the catalog without an answer', async () => {
  const failure = new Error('disk full');
  await withCatalog({ write: async () => Promise.reject(failure) }, async ({ url, service, fatal }) => {
    const leader = await attached(url, service);
    try {
      await leader.send(decide(1, 0), { t: 'begin' });
      await until(() => fatal.length > 0);
      assert.is(fatal[0], failure);
      assert.is(service.status().lastIndex, 0);
      assert.is(leader.waiting, 0);
    } finally {
      await leader.stop();
    }
  });
});

test('a rule that does not hold stops the catalog', async () => {
  await withCatalog({}, async ({ url, service, fatal }) => {
    const leader = await attached(url, service);
    try {
      await leader.send({ t: 'replay', prev: 0, index: 2, effects: [[1, 0, 'A', 101]] });
      await until(() => fatal.length > 0);
      assert.match(String(fatal[0]), /impossible here/);
      assert.is(leader.waiting, 0);
    } finally {
      await leader.stop();
    }
  });
});

/** A process that dials the catalog. */
class Peer<Out, In> {
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
}

/** Runs a catalog in a folder of its own, past the leases of an earlier life. */
async function withCatalog(
  options: { leaseMs?: number; write?: () => Promise<void> },
  use: (running: Running) => Promise<void>,
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'trireme-catalog-'));
  const store = await CatalogStore.open({ folder, cluster: 'test', seed: SEED });
  const fatal: unknown[] = [];
  let ahead = 0;
  const service = new CatalogService({
    store: {
      state: store.state,
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
    clock: () => performance.now() + ahead,
  });
  ahead = honouredMs(LEASE_MS_MAX);
  let stopping: Promise<void> | null = null;
  const stop = async (): Promise<void> => (stopping ??= service.stop());
  try {
    const url = `http://127.0.0.1:${await service.start()}`;
    await use({ url, folder, service, fatal, stop });
  } finally {
    await stop();
    await rm(folder, { recursive: true });
  }
}

/** A leader that has attached, so that lookups are served. */
async function attached(
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

function decide(index: number, prev: number): LeaderToCatalog {
  const commands = [{ kind: 'buy', key: 'k', name: 'A', quantity: 1 }] as const;
  return {
    t: 'decide',
    index,
    prev,
    settled: 0,
    skip: [],
    batch: encodeBatch({ time: 1, commands, settlements: [] }),
  };
}

/** Waits for a condition, 10 s at most. */
async function until(condition: () => boolean): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`waited in vain for ${condition.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

test.run();
