/**
 * The replicas and catalogs that a front-end asks, the cache that catalogs keep consistent, and the timeouts.
 */
import { AUTHORITY_MS } from '@trireme/coherence';
import type { LinkIdentity, Log, CreateDialer, ReplicaAddress } from '@trireme/service';
import { CatalogPool, type CatalogTimeouts } from './catalog-pool.js';
import { DeadlineTimer } from './deadline-timer.js';
import { ReplicaPool } from './replica-pool.js';
import { StockCache } from '../rules/stock-cache.js';
import { StockReader } from './stock-reader.js';

/** Maximum number of requests that wait for a replica, a catalog or their own body; further ones get 503. */
const REQUESTS_MAX = 8192;

/** Milliseconds to wait for one replica before another one is asked. */
const REPLICA_TIMEOUT_MS_MAX = 200;

/** Milliseconds that the link to a preferred catalog must have been open before the cache moves back to it. */
const RETURN_MS = 10_000;

/** Milliseconds reserved for sending the response, which has to arrive before the deadline. */
const SEND_RESPONSE_MS_MAX = 50;

interface BackendsOptions {
  readonly identity: LinkIdentity;
  /** Internal servers of the order replicas. */
  readonly replicas: readonly ReplicaAddress[];
  /** Maximum number of stocks in the cache; 0 disables it. */
  readonly cacheSize: number;
  /** Time limit of a request, in milliseconds. */
  readonly deadlineMs: number;
  readonly log: Log;
  /** By default `AUTHORITY_MS` and 10 s. */
  readonly catalogTimeouts?: CatalogTimeouts;
  /** Opens links over sockets by default. */
  readonly createDialer?: CreateDialer | undefined;
  /** Called when a link has opened or closed, or the leader may have changed. */
  readonly onChange: () => void;
}

export interface Backends {
  readonly cache: StockCache;
  readonly catalogs: CatalogPool;
  readonly replicas: ReplicaPool;
  readonly stocks: StockReader;
  readonly deadlines: DeadlineTimer;
}

/** Creates the backends. The `start` methods of `catalogs` and `replicas` open their links. */
export function createBackends(options: BackendsOptions): Backends {
  const { identity, log, deadlineMs, createDialer, onChange } = options;
  const cache = new StockCache(options.cacheSize);
  // A lease lasts this long and is renewed several times in it, so a catalog that is up answers sooner.
  const answerTimeoutMs = Math.min(AUTHORITY_MS, deadlineMs / 4);
  const timing = options.catalogTimeouts ?? { answerTimeoutMs, returnDelayMs: RETURN_MS };
  const catalogs = new CatalogPool({ ...timing, createDialer, identity, log, cache, onChange });
  // A read asks two replicas before the leader, which needs most of the deadline.
  const readTimeouts = new DeadlineTimer(Math.min(REPLICA_TIMEOUT_MS_MAX, deadlineMs / 4), REQUESTS_MAX);
  const replicas = new ReplicaPool({
    replicas: options.replicas,
    createDialer,
    identity,
    log,
    readTimeouts,
    onChange,
    onCatalogList: (replica, items) => {
      if (items === null) catalogs.onReplicaUnlinked(replica);
      else catalogs.onCatalogList(replica, items);
    },
  });
  const stocks = new StockReader({ catalogs, leader: replicas.requests });
  const responseMs = Math.min(SEND_RESPONSE_MS_MAX, deadlineMs / 10);
  const deadlines = new DeadlineTimer(deadlineMs - responseMs, REQUESTS_MAX);
  return { cache, catalogs, replicas, stocks, deadlines };
}
