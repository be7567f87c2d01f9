/** The front-end, put together: links to the replicas and the catalogs behind the public port. */
import { setTimeout as delay } from 'node:timers/promises';
import { ORDER_NAME_LENGTH_MAX, ORDER_QUANTITY_MAX } from '@trireme/domain';
import type { LinkIdentity, Log, Metrics } from '@trireme/service';
import { connectBackends } from './backends.js';
import type { CatalogsTiming } from './catalogs.js';
import { Dashboard } from './dashboard/dashboard.js';
import { describeFrontend } from './frontend-metrics.js';
import { createApp } from './http/app.js';
import { Replies } from './http/replies.js';
import { PublicServer } from './http/server.js';
import { renderPages, type Pages } from './pages/pages.js';
import { OrderCounters } from './rules/dashboard/traffic.js';
import { RateLimit } from './rules/rate-limit.js';

/** Milliseconds that a client has to take 16 KiB of an answer. */
const STALL_MS_MAX = 20_000;

/** How long requests that are under way have to be answered when the front-end stops, in milliseconds. */
const DRAIN_MS_MAX = 6_000;

export interface FrontendOptions {
  readonly identity: LinkIdentity;
  readonly host: string;
  /** 0 lets the system choose. */
  readonly port: number;
  /** Internal servers of the order replicas. */
  readonly replicas: readonly { readonly id: string; readonly url: string }[];
  /** Stocks in the cache at most; 0 keeps none. */
  readonly cacheSize: number;
  /** Within which every request is answered. */
  readonly deadlineMs: number;
  /** Token of those who may list and restock; null lets nobody. */
  readonly operatorToken: string | null;
  /** Origin whose pages may read the answers, `*` for all; null for none but this one's. */
  readonly corsOrigin: string | null;
  /** Requests a second that one client address may make; null for no bound. */
  readonly requestsPerSecond: number | null;
  readonly log: Log;
  readonly metrics: Metrics;
  /** How long it stays open when it is asked to stop, not ready any more: for balancers to look elsewhere. */
  readonly lingerMs: number;
  /** Milliseconds that a client has to take 16 KiB of an answer; 20 s unless set. */
  readonly stallMs?: number;
  /** 100 ms and 10 s unless set. */
  readonly catalogsTiming?: CatalogsTiming;
  /** What `pagesOf` gave for the same name; rendered at the start unless set. */
  readonly pages?: Pages;
}

export interface Frontend {
  readonly port: number;
  /** Answers what is under way, then closes everything. */
  stop(): Promise<void>;
}

/** The pages that the front-end of that name shows. */
export async function pagesOf(servedBy: string): Promise<Pages> {
  return renderPages({ servedBy, nameLengthMax: ORDER_NAME_LENGTH_MAX, quantityMax: ORDER_QUANTITY_MAX });
}

/**
 * Starts a front-end; it serves as soon as it listens, and is ready once a leader is reachable.
 * @throws the system's error if the port cannot be had.
 */
export async function startFrontend(options: FrontendOptions): Promise<Frontend> {
  const { identity, log, deadlineMs, metrics } = options;
  // Called once links open, when everything below is there.
  const changed = (): void => dashboard.changed();
  const backends = connectBackends({ ...options, changed });
  const { catalogs, replicas } = backends;
  const replies = new Replies(identity.name, log, options.corsOrigin);
  const servedBy = identity.name;
  const base = { ...backends, replies };
  const counters = new OrderCounters();
  const dashboard = new Dashboard({ ...base, servedBy, counters, log });
  const durations = describeFrontend(metrics, base);
  const { viewers } = dashboard;
  const { operatorToken } = options;
  const pages = options.pages ?? (await pagesOf(servedBy));
  const views = { viewers, pages, servedBy };
  const services = { ...base, ...views, log, counters, metrics, durations, operatorToken };
  const app = createApp(services);
  const { host, requestsPerSecond } = options;
  const rateLimit = requestsPerSecond === null ? null : new RateLimit(requestsPerSecond);
  const { stallMs = STALL_MS_MAX } = options;
  const limits = { rateLimit, deadlineMs, stallMs };
  const server = new PublicServer({ host, port: options.port, app, services, ...limits });
  const port = await server.listen();
  catalogs.start();
  replicas.start();
  log.info({ host, port }, 'listening');
  return {
    port,
    stop: async () => {
      replies.draining = true;
      await delay(options.lingerMs);
      viewers.close();
      await server.close(DRAIN_MS_MAX);
      await Promise.all([catalogs.stop(), replicas.stop()]);
    },
  };
}
