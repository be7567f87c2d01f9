/** The catalog as seen from outside: its readiness and its metrics. */
import { Tally, type Check, type Metrics } from '@trireme/service';
import type { CatalogStatus } from './rules/effects.js';

/** @param unready why lookups are not answered, null if they are */
export function catalogChecks(unready: string | null, isStopping: boolean): readonly Check[] {
  return [
    { name: 'running', problem: isStopping ? 'stopping' : null },
    { name: 'authority', problem: unready },
  ];
}

/** @returns where the service counts its events, by their kind */
export function describeCatalog(metrics: Metrics, status: () => CatalogStatus): Tally {
  const events = new Tally();
  const gauge = (name: string, help: string, read: (status: CatalogStatus) => number): void =>
    metrics.gauge(name, help, () => read(status()));
  gauge('catalog_authority', 'Whether the catalog holds authority, so that lookups are answered.', (s) =>
    s.unready === null ? 1 : 0,
  );
  gauge('catalog_visible_index', 'Log index up to which entries are visible.', ({ visible }) => visible);
  gauge('catalog_received_index', 'Log index up to which entries are received.', ({ received }) => received);
  gauge('catalog_stocks', 'Stocks that are listed.', ({ stocks }) => stocks);
  gauge('catalog_frontends', 'Front-ends that may hold a lease.', ({ sessions }) => sessions);
  gauge(
    'catalog_waiting_lookups',
    'Lookups and lists that wait for an entry to become visible.',
    ({ waiting }) => waiting,
  );
  metrics.counter(
    'catalog_events_total',
    'Attached, installed, authorized, authority lost, refused, reset, leases run out.',
    () => events,
  );
  return events;
}
