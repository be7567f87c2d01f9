/** Assembles the front-end: the links to replicas and catalogs, and the public HTTP server. */
import { setTimeout as delay } from 'node:timers/promises';
import { ORDER_NAME_LENGTH_MAX, ORDER_QUANTITY_MAX } from '@trireme/domain';
import type { LinkIdentity, Log, Metrics, Secret } from '@trireme/service';
import { createBackends } from './backends/backends.js';
import type { CatalogTimeouts } from './backends/catalog-pool.js';
import { readAssets } from './dashboard/assets.js';
import { Dashboard } from './dashboard/dashboard.js';
import { describeFrontend } from './http/metrics.js';
import { ResponseFactory } from './http/responses.js';
import { PublicServer } from './http/server.js';
import { renderPages, type Pages } from './pages/pages.js';
import { OrderCounters } from './rules/dashboard/traffic.js';
import { RateLimiter } from './rules/rate-limit.js';

/** Time limit for a client to read each 16 KiB of a response, in milliseconds. */
const STALL_MS_MAX = 20_000;

/** Time limit for open requests to finish when the front-end stops, in milliseconds. */
const DRAIN_MS_MAX = 6_000;

export interface FrontendOptions {
  readonly identity: LinkIdentity;
  readonly host: string;
  /** 0 lets the system choose a free port. */
  readonly port: number;
  /** Internal servers of the order replicas. */
  readonly replicas: readonly { readonly id: string; readonly url: string }[];
  /** Maximum number of stocks in the cache; 0 disables it. */
  readonly cacheSize: number;
  /** Time limit of a request, in milliseconds. */
  readonly deadlineMs: number;
  /** Token required to list and restock stocks; null rejects all such requests. */
  readonly operatorToken: Secret;
  /** Origin whose pages may read the responses, `*` for all; null allows only this server's own pages. */
  readonly corsOrigin: string | null;
  /** Requests per second that one client address may make; null for no limit. */
  readonly rateLimitPerSecond: number | null;
  readonly log: Log;
  readonly metrics: Metrics;
  /**
   * Milliseconds to keep serving after `stop`, reporting not ready, so that load balancers stop routing here.
   */
  readonly lingerMs: number;
  /** Time limit for a client to read each 16 KiB of a response, in milliseconds; 20 s by default. */
  readonly writeTimeoutMs?: number | undefined;
  /** By default `AUTHORITY_MS` and 10 s. */
  readonly catalogTimeouts?: CatalogTimeouts;
  /** Result of `renderPagesFor` for the same name; by default the pages are rendered at start-up. */
  readonly pages?: Pages;
}

export interface Frontend {
  readonly port: number;
  /** Finishes open requests, then closes everything. */
  stop(): Promise<void>;
}

/** Renders the pages of the front-end named `servedBy`. */
export async function renderPagesFor(servedBy: string): Promise<Pages> {
  return renderPages({ servedBy, nameLengthMax: ORDER_NAME_LENGTH_MAX, quantityMax: ORDER_QUANTITY_MAX });
}

/**
 * Starts a front-end. It serves as soon as it listens and is ready once it knows a leader.
 * @throws the system error if it cannot listen on the port.
 */
export async function startFrontend(options: FrontendOptions): Promise<Frontend> {
  const { identity, log, deadlineMs, metrics } = options;
  // Called only after links open, so `dashboard` is initialized by then.
  const changed = (): void => dashboard.onClusterChange();
  const backends = createBackends({ ...options, onChange: changed });
  const { catalogs, replicas } = backends;
  const replies = new ResponseFactory(identity.name, log, options.corsOrigin);
  const servedBy = identity.name;
  const base = { ...backends, replies };
  const counters = new OrderCounters();
  const dashboard = new Dashboard({ ...base, servedBy, counters, log });
  const durations = describeFrontend(metrics, base);
  const { viewers } = dashboard;
  const { operatorToken } = options;
  const pages = options.pages ?? (await renderPagesFor(servedBy));
  const views = { viewers, pages, assets: readAssets() };
  const services = { ...base, ...views, log, counters, metrics, durations, identity, operatorToken };
  const { host, rateLimitPerSecond } = options;
  const rateLimit = rateLimitPerSecond === null ? null : new RateLimiter(rateLimitPerSecond);
  const { writeTimeoutMs = STALL_MS_MAX } = options;
  const limits = { rateLimit, deadlineMs, writeTimeoutMs };
  const server = new PublicServer({ host, port: options.port, services, ...limits });
  const port = await server.listen();
  catalogs.start();
  replicas.start();
  log.info({ host, port }, 'listening');
  return {
    port,
    stop: async () => {
      replies.isStopping = true;
      await delay(options.lingerMs);
      viewers.close();
      await server.close(DRAIN_MS_MAX);
      await Promise.all([catalogs.stop(), replicas.stop()]);
    },
  };
}
