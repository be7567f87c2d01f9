/** The dashboard behind its routes: journal, shared look and viewers, joined. */
import type { Log } from '@trireme/service';
import type { Catalogs } from '../catalogs.js';
import { DeadlineTimer } from '../deadline-timer.js';
import type { Replicas } from '../replicas.js';
import { Journal } from '../rules/dashboard/journal.js';
import type { OrderCounters } from '../rules/dashboard/traffic.js';
import type { StockCache } from '../rules/stock-cache.js';
import type { StockReader } from '../stock-reader.js';
import { Viewers } from './viewers.js';
import { Watch } from './watch.js';

/** What a look reads has this long to come, in milliseconds: less than lies between two looks. */
const READ_MS_MAX = 400;
/** Looks that are under way at once: there is one. */
const READS_MAX = 2;

interface DashboardOptions {
  readonly servedBy: string;
  readonly replicas: Replicas;
  readonly catalogs: Catalogs;
  readonly stocks: StockReader;
  readonly cache: StockCache;
  readonly counters: OrderCounters;
  readonly deadlines: DeadlineTimer;
  readonly log: Log;
}

export class Dashboard {
  readonly viewers: Viewers;
  readonly #watch: Watch;

  constructor({ log, ...options }: DashboardOptions) {
    const patience = new DeadlineTimer(READ_MS_MAX, READS_MAX);
    const watch = new Watch({ ...options, patience, journal: new Journal() });
    this.#watch = watch;
    this.viewers = new Viewers({
      log,
      look: async () => watch.look(),
      snapshot: () => watch.snapshot(),
      begin: () => watch.begin(),
    });
  }

  /** A link has opened or closed, or who leads may have changed. */
  changed(): void {
    this.#watch.changed();
    this.viewers.changed();
  }
}
