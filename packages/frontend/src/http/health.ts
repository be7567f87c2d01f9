/** Routes for monitoring: health, status and metrics. */
import type { Hono } from 'hono';
import { TriremeError } from '@trireme/domain';
import { isVerbose, firstProblem, verboseChecks, type ReadinessCheck } from '@trireme/service';
import type { HonoEnv } from './call.js';
import type { RouteServices } from './services.js';

export function routeHealth(app: Hono<HonoEnv>, services: RouteServices): void {
  const { replies } = services;
  app.get('/livez', (c) => replies.ok(c.env, '{"status":"ok"}'));
  app.get('/readyz', (c) => {
    const checks = readinessChecks(services);
    const problem = firstProblem(checks);
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

/** Conditions under which this process should receive traffic. */
function readinessChecks({ replies, replicas }: RouteServices): readonly ReadinessCheck[] {
  return [
    { name: 'running', problem: replies.isStopping ? 'stopping' : null },
    { name: 'leader', problem: replicas.leader === null ? 'no leader is known' : null },
  ];
}

function status(services: RouteServices): object {
  const { replicas, catalogs, cache, deadlines } = services;
  const leader = replicas.leader;
  return {
    role: 'frontend',
    ready: firstProblem(readinessChecks(services)) === null,
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
    catalogs: catalogs.views.map(({ id, linked, current, lastReport }) => ({
      ...{ id, linked, current },
      reported: lastReport && {
        lastIndex: lastReport.report.lastIndex,
        ready: lastReport.report.ready,
        ageMs: Math.round(performance.now() - lastReport.receivedAt),
      },
    })),
    lookups: catalogs.lookupCounts,
  };
}
