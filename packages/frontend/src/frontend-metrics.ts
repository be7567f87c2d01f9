/** What a front-end tells Prometheus. */
import type { DurationSink, Metrics } from '@trireme/service';
import type { Services } from './http/services.js';

/** @returns where the durations go of requests that had to ask a replica or a catalog */
export function describeFrontend(
  metrics: Metrics,
  {
    replies,
    replicas,
    catalogs,
    stocks,
    cache,
    deadlines,
  }: Pick<Services, 'replies' | 'replicas' | 'catalogs' | 'stocks' | 'cache' | 'deadlines'>,
): DurationSink {
  metrics.counter('http_answers_total', 'Answers on the public port, by HTTP status.', () =>
    [...replies.answers].map(([code, count]) => [{ code: String(code) }, count] as const),
  );
  metrics.gauge(
    'http_requests_open',
    'Requests that wait for a replica, a catalog or their own body.',
    () => deadlines.size,
  );
  metrics.gauge('has_leader', 'Whether a leader is known and linked.', () =>
    replicas.leader === null ? 0 : 1,
  );
  metrics.gauge('raft_term', 'Term of the leader that is followed.', () => replicas.leader?.term ?? 0);
  metrics.gauge('replicas_linked', 'Whether the link to each replica is open.', () =>
    replicas.status.replicas.map(({ id, connected }) => [{ id }, connected ? 1 : 0] as const),
  );
  metrics.gauge(
    'asks',
    'Questions to replicas and catalogs that wait to be sent, or for their answer.',
    () => {
      const { commands, reads, lookups } = replicas.status;
      return [
        ...labelled('commands', commands),
        ...labelled('reads', reads),
        ...labelled('replicaLookups', lookups),
        ...labelled('lookups', catalogs.counts),
      ];
    },
  );
  metrics.gauge('catalogs_linked', 'Whether the link to each catalog is open.', () =>
    catalogs.members.map(({ id, linked }) => [{ id }, linked ? 1 : 0] as const),
  );
  metrics.gauge('catalogs_current', 'Whether the cache follows each catalog.', () =>
    catalogs.members.map(({ id, current }) => [{ id }, current ? 1 : 0] as const),
  );
  metrics.counter('lookups_answered_total', 'Look-ups of stocks, by who answered.', () => [
    [{ kind: 'cache' }, cache.hits],
    [{ kind: 'catalog' }, stocks.answered.catalog],
    [{ kind: 'replica' }, stocks.answered.replica],
  ]);
  metrics.gauge('cache_stocks', 'Stocks in the cache.', () => cache.size);
  metrics.gauge('cache_capacity', 'Stocks that the cache may hold.', () => cache.capacity);
  metrics.counter('cache_hits_total', 'Lookups answered from the cache.', () => cache.hits);
  metrics.counter('cache_misses_total', 'Lookups that the cache could not answer.', () => cache.misses);
  metrics.gauge(
    'cache_lease_remaining_seconds',
    'For how long the cache may still be answered from.',
    () => catalogs.leaseRemainingMs / 1000,
  );
  return metrics.durations(
    'http_request_duration_seconds',
    'Of requests that had to ask a replica or a catalog.',
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
