/** The Prometheus metrics of a front-end. */
import type { DurationHistogram, Metrics } from '@trireme/service';
import type { RouteServices } from '../routes/services.js';

/** @returns the sink for the durations of requests that had to ask a replica or a catalog. */
export function describeFrontend(
  metrics: Metrics,
  {
    replies,
    replicas,
    catalogs,
    stocks,
    cache,
    deadlines,
  }: Pick<RouteServices, 'replies' | 'replicas' | 'catalogs' | 'stocks' | 'cache' | 'deadlines'>,
): DurationHistogram {
  metrics.addCounter('http_responses_total', 'Responses on the public port, by HTTP status code.', () =>
    [...replies.counts].map(([code, count]) => [{ code: String(code) }, count] as const),
  );
  metrics.addGauge(
    'http_requests_open',
    'Open requests that wait for a replica, a catalog or their own body.',
    () => deadlines.size,
  );
  metrics.addGauge('has_leader', 'Whether a leader is known and the link to it is open.', () =>
    replicas.leader === null ? 0 : 1,
  );
  metrics.addGauge(
    'raft_term',
    'Raft term of the current leader, 0 if none is known.',
    () => replicas.leader?.term ?? 0,
  );
  metrics.addGauge('replicas_linked', 'Whether the link to each replica is open.', () =>
    replicas.connections.map(({ id, connected }) => [{ id }, connected ? 1 : 0] as const),
  );
  metrics.addGauge(
    'requests_pending',
    'Requests to replicas and catalogs that are queued, or sent and not answered yet.',
    () => {
      const { commands, reads, lookups } = replicas.requests.counts;
      return [
        ...labelled('commands', commands),
        ...labelled('reads', reads),
        ...labelled('replicaLookups', lookups),
        ...labelled('lookups', catalogs.lookupCounts),
      ];
    },
  );
  metrics.addGauge('catalogs_linked', 'Whether the link to each catalog is open.', () =>
    catalogs.views.map(({ id, linked }) => [{ id }, linked ? 1 : 0] as const),
  );
  metrics.addGauge('catalogs_current', 'Whether the cache follows each catalog.', () =>
    catalogs.views.map(({ id, current }) => [{ id }, current ? 1 : 0] as const),
  );
  metrics.addCounter(
    'lookups_answered_total',
    'Look-ups of stocks, by the kind of process that answered.',
    () => [
      [{ kind: 'cache' }, cache.hits],
      [{ kind: 'catalog' }, stocks.answered.catalog],
      [{ kind: 'replica' }, stocks.answered.replica],
    ],
  );
  metrics.addGauge('cache_stocks', 'Stocks in the cache.', () => cache.size);
  metrics.addGauge('cache_capacity', 'Maximum number of stocks in the cache.', () => cache.capacity);
  metrics.addCounter('cache_hits_total', 'Look-ups answered from the cache.', () => cache.hits);
  metrics.addCounter('cache_misses_total', 'Look-ups that the cache could not answer.', () => cache.misses);
  metrics.addGauge(
    'cache_lease_remaining_seconds',
    'Remaining time of the lease on the cache.',
    () => catalogs.leaseRemainingMs / 1000,
  );
  return metrics.addHistogram(
    'http_request_duration_seconds',
    'Duration of requests that had to ask a replica or a catalog.',
  );
}

function labelled(
  kind: string,
  { queued, sent }: { readonly queued: number; readonly sent: number },
): (readonly [Readonly<Record<string, string>>, number])[] {
  return [
    [{ kind, status: 'queued' }, queued],
    [{ kind, status: 'sent' }, sent],
  ];
}
