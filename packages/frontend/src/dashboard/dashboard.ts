/** Assembles the dashboard: journal, cluster polling and viewers. */
import type { Log } from '@trireme/service';
import type { CatalogPool } from '../backends/catalog-pool.js';
import { DeadlineTimer } from '../backends/deadline-timer.js';
import type { ReplicaPool } from '../backends/replica-pool.js';
import { EventJournal } from '../rules/dashboard/journal.js';
import type { OrderCounters } from '../rules/dashboard/traffic.js';
import type { StockCache } from '../rules/stock-cache.js';
import type { StockReader } from '../backends/stock-reader.js';
import { EventStreams } from './event-streams.js';
import { ClusterPoller } from './cluster-poller.js';

/** Time limit of the reads of one poll, in milliseconds; shorter than the polling interval. */
const READ_MS_MAX = 400;
/** Maximum number of concurrent polls; there is only one. */
const READS_MAX = 2;

interface DashboardOptions {
  readonly servedBy: string;
  readonly replicas: ReplicaPool;
  readonly catalogs: CatalogPool;
  readonly stocks: StockReader;
  readonly cache: StockCache;
  readonly counters: OrderCounters;
  readonly deadlines: DeadlineTimer;
  readonly log: Log;
}

export class Dashboard {
  readonly viewers: EventStreams;
  readonly #watch: ClusterPoller;

  constructor({ log, ...options }: DashboardOptions) {
    const readDeadlines = new DeadlineTimer(READ_MS_MAX, READS_MAX);
    const watch = new ClusterPoller({
      ...options,
      readDeadlines: readDeadlines,
      journal: new EventJournal(),
    });
    this.#watch = watch;
    this.viewers = new EventStreams({
      log,
      poll: async () => watch.poll(),
      snapshot: () => watch.snapshot(),
      onFirstViewer: () => watch.reset(),
    });
  }

  /** A link has opened or closed, or the leader may have changed. */
  onClusterChange(): void {
    this.#watch.onClusterChange();
    this.viewers.onClusterChange();
  }
}
