/** Whom a front-end asks: the replicas, the catalogs with the cache that they keep right, and how long it waits for each. */
import { AUTHORITY_MS } from '@trireme/coherence';
import type { LinkIdentity, Log, MakeDialer, ReplicaAddress } from '@trireme/service';
import { Catalogs, type CatalogsTiming } from './catalogs.js';
import { DeadlineTimer } from './deadline-timer.js';
import { Replicas } from './replicas.js';
import { StockCache } from './rules/stock-cache.js';
import { StockReader } from './stock-reader.js';

/** Requests that wait for a replica, a catalog or their own body at most; a further one is answered 503. */
const REQUESTS_MAX = 8192;

/** How long one replica is waited for before another is asked, in milliseconds. */
const PATIENCE_MS_MAX = 200;

/** As long a preferred catalog must have been linked before it is followed again, in milliseconds. */
const RETURN_MS = 10_000;

/** Kept back from a request's time, in milliseconds: its answer is to arrive within the deadline, not to leave at it. */
const ANSWER_MS_MAX = 50;

interface BackendsOptions {
  readonly identity: LinkIdentity;
  /** Internal servers of the order replicas. */
  readonly replicas: readonly ReplicaAddress[];
  /** Stocks in the cache at most; 0 keeps none. */
  readonly cacheSize: number;
  /** Within which every request is answered. */
  readonly deadlineMs: number;
  readonly log: Log;
  /** 100 ms and 10 s unless set. */
  readonly catalogsTiming?: CatalogsTiming;
  /** Over sockets unless set. */
  readonly dial?: MakeDialer;
  /** Called when a link has opened or closed, or who leads may have changed. */
  readonly changed: () => void;
}

export interface Backends {
  readonly cache: StockCache;
  readonly catalogs: Catalogs;
  readonly replicas: Replicas;
  readonly stocks: StockReader;
  readonly deadlines: DeadlineTimer;
}

/** Makes them; `start` of catalogs and replicas opens their links. */
export function connectBackends(options: BackendsOptions): Backends {
  const { identity, log, deadlineMs, changed } = options;
  const dial = options.dial === undefined ? {} : { dial: options.dial };
  const cache = new StockCache(options.cacheSize);
  // A catalog that lives answers sooner: it grants leases for as long, and is asked four times meanwhile.
  const patienceMs = Math.min(AUTHORITY_MS, deadlineMs / 4);
  const timing = options.catalogsTiming ?? { patienceMs, returnMs: RETURN_MS };
  const catalogs = new Catalogs({ ...timing, ...dial, identity, log, cache, changed });
  // An order is asked for at two replicas and then at the leader, which needs the better part of the deadline.
  const patience = new DeadlineTimer(Math.min(PATIENCE_MS_MAX, deadlineMs / 4), REQUESTS_MAX);
  const replicas = new Replicas({
    ...{ replicas: options.replicas, ...dial, identity, log, patience, changed },
    catalogsTold: (replica, items) => {
      if (items === null) catalogs.forget(replica);
      else catalogs.told(replica, items);
    },
  });
  const stocks = new StockReader({
    catalogs,
    leader: {
      lookup: async (name, deadline) => replicas.lookup(name, deadline),
      list: async (question, deadline) => replicas.listStocks(question, deadline),
    },
  });
  const deadlines = new DeadlineTimer(deadlineMs - Math.min(ANSWER_MS_MAX, deadlineMs / 10), REQUESTS_MAX);
  return { cache, catalogs, replicas, stocks, deadlines };
}
