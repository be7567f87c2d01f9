/** The readiness checks and the metrics of the catalog. */
import { Counter, type ReadinessCheck, type Metrics } from '@trireme/service';
import type { CatalogStatus } from './rules/effects.js';

/** @param unready why the catalog cannot answer look-ups; null if it can */
export function catalogChecks(unready: string | null, isStopping: boolean): readonly ReadinessCheck[] {
  return [
    { name: 'running', problem: isStopping ? 'stopping' : null },
    { name: 'authority', problem: unready },
  ];
}

/** Registers the metrics. @returns the counter of the service's events by kind */
export function registerCatalogMetrics(metrics: Metrics, status: () => CatalogStatus): Counter {
  const events = new Counter();
  const gauge = (name: string, help: string, read: (status: CatalogStatus) => number): void =>
    metrics.addGauge(name, help, () => read(status()));
  gauge('catalog_authority', '1 if the catalog holds authority and answers look-ups, else 0.', (s) =>
    s.unready === null ? 1 : 0,
  );
  gauge('catalog_visible_index', 'Index of the last visible log entry.', ({ visible }) => visible);
  gauge('catalog_received_index', 'Index of the last received log entry.', ({ received }) => received);
  gauge('catalog_stocks', 'Number of listed stocks.', ({ stocks }) => stocks);
  gauge('catalog_frontends', 'Number of front-ends that may hold a lease.', ({ sessions }) => sessions);
  gauge(
    'catalog_waiting_lookups',
    'Number of look-ups and lists that wait for an entry to become visible.',
    ({ waiting }) => waiting,
  );
  metrics.addCounter(
    'catalog_events_total',
    'Events by kind: attached, installed, authorized, traced, authorityLost, refused, reset, leaseExpired.',
    () => events,
  );
  return events;
}
