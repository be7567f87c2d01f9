/** Routes for those who watch over the process. */
import type { Hono } from 'hono';
import { TriremeError } from '@trireme/domain';
import type { CallEnv } from './call.js';
import type { Services } from './services.js';

export function routeHealth(app: Hono<CallEnv>, services: Services): void {
  const { replies } = services;
  app.get('/livez', (c) => replies.ok(c.env, '{"status":"ok"}'));
  app.get('/readyz', (c) => {
    const reason = unreadyReason(services);
    if (reason !== null) return replies.error(c.env, new TriremeError('UNAVAILABLE', reason));
    return replies.ok(c.env, '{"status":"ok"}');
  });
  app.get('/status', (c) => replies.ok(c.env, JSON.stringify(status(services))));
}

/** Why no traffic should come here, or null if it should. */
function unreadyReason({ replies, replicas, catalog }: Services): string | null {
  if (replies.draining) return 'stopping';
  if (replicas.leader === null) return 'no leader is known';
  if (!catalog.connected) return 'no link to the catalog';
  return null;
}

function status(services: Services): object {
  const { replicas, catalog, cache, deadlines } = services;
  const leader = replicas.leader;
  return {
    role: 'frontend',
    ready: unreadyReason(services) === null,
    leader: leader?.replica ?? null,
    term: leader?.term ?? null,
    cache: {
      size: cache.size,
      capacity: cache.capacity,
      hits: cache.hits,
      misses: cache.misses,
      leaseRemainingMs: Math.round(cache.leaseRemainingMs(performance.now())),
    },
    requestsOpen: deadlines.size,
    orders: replicas.status,
    catalog: catalog.status,
  };
}
