/** The catalog as seen from outside: its readiness and its metrics. */
import { Tally, type Check, type Metrics } from '@trireme/service';
import type { CatalogStatus } from './rules/effects.js';

/** @param unready why lookups are not served, null if they are */
export function catalogChecks(unready: string | null, isStopping: boolean): readonly Check[] {
  return [
    { name: 'running', problem: isStopping ? 'stopping' : null },
    { name: 'log', problem: unready },
  ];
}

/** @returns where the service counts its events, by their kind */
export function describeCatalog(metrics: Metrics, status: () => CatalogStatus): Tally {
  const events = new Tally();
  const gauge = (name: string, help: string, read: (status: CatalogStatus) => number): void =>
    metrics.gauge(name, help, () => read(status()));
  gauge('catalog_ready', 'Whether lookups are served.', ({ ready }) => (ready ? 1 : 0));
  gauge(
    'catalog_applied_index',
    'Log index up to which entries are applied and revoked.',
    (s) => s.lastIndex,
  );
  gauge('catalog_stocks', 'Stocks that are listed.', ({ stocks }) => stocks);
  gauge('catalog_frontends', 'Front-ends that may hold a lease.', ({ sessions }) => sessions);
  gauge('catalog_leaders', 'Links of leaders that are open.', ({ leaders }) => leaders);
  gauge('catalog_queued', 'Requests of leaders that wait.', ({ queued }) => queued);
  metrics.counter('catalog_events_total', 'Attached, installed, refused, leases run out.', () => events);
  return events;
}
