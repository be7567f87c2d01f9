/** Routes for those who watch over the process. */
import type { Hono } from 'hono';
import { TriremeError } from '@trireme/domain';
import { isVerbose, problemOf, verboseChecks, type Check } from '@trireme/service';
import type { CallEnv } from './call.js';
import type { Services } from './services.js';

export function routeHealth(app: Hono<CallEnv>, services: Services): void {
  const { replies } = services;
  app.get('/livez', (c) => replies.ok(c.env, '{"status":"ok"}'));
  app.get('/readyz', (c) => {
    const checks = readinessChecks(services);
    const problem = problemOf(checks);
    const details = isVerbose(c.req.url) ? verboseChecks(checks) : {};
    if (problem !== null) {
      return replies.error(c.env, new TriremeError('UNAVAILABLE', problem), {}, details);
    }
    return replies.ok(c.env, JSON.stringify({ status: 'ok', ...details }));
  });
  app.get('/status', (c) => replies.ok(c.env, JSON.stringify(status(services))));
  app.get('/metrics', async (c) => {
    const { contentType, text } = await services.metrics.page();
    const headers = replies.headers(c.env.requestId, null);
    headers['Content-Type'] = contentType;
    headers['Cache-Control'] = 'no-store';
    return replies.ok(c.env, text, headers);
  });
}

/** Whether traffic should come here. */
function readinessChecks({ replies, replicas }: Services): readonly Check[] {
  return [
    { name: 'running', problem: replies.draining ? 'stopping' : null },
    { name: 'leader', problem: replicas.leader === null ? 'no leader is known' : null },
  ];
}

function status(services: Services): object {
  const { replicas, catalogs, cache, deadlines } = services;
  const leader = replicas.leader;
  return {
    role: 'frontend',
    ready: problemOf(readinessChecks(services)) === null,
    leader: leader?.replica ?? null,
    term: leader?.term ?? null,
    cache: {
      size: cache.size,
      capacity: cache.capacity,
      hits: cache.hits,
      misses: cache.misses,
      leaseRemainingMs: Math.round(catalogs.leaseRemainingMs),
    },
    requestsOpen: deadlines.size,
    orders: replicas.status,
    catalogs: catalogs.members.map(({ id, linked, current, reported }) => ({
      ...{ id, linked, current },
      reported: reported && {
        lastIndex: reported.report.lastIndex,
        ready: reported.report.ready,
        ageMs: Math.round(performance.now() - reported.at),
      },
    })),
    lookups: catalogs.counts,
  };
}
