/** Handlers of the routes for monitoring: health, status and metrics. */
import { TriremeError } from '@trireme/domain';
import { isVerbose, firstProblem, verboseChecks, type ReadinessCheck } from '@trireme/service';
import type { ApiResponse } from '../http/api-response.js';
import type { HttpCall } from '../http/call.js';
import { credentialsFor } from './operator.js';
import type { RouteServices } from './services.js';

export function getLiveness({ replies }: RouteServices, call: HttpCall): ApiResponse {
  return replies.ok(call, '{"status":"ok"}');
}

export function getReadiness(services: RouteServices, call: HttpCall): ApiResponse {
  const { replies } = services;
  const checks = readinessChecks(services);
  const problem = firstProblem(checks);
  const details = isVerbose(call.incoming.url ?? '') ? verboseChecks(checks) : {};
  if (problem !== null) return replies.error(call, new TriremeError('UNAVAILABLE', problem), {}, details);
  return replies.ok(call, JSON.stringify({ status: 'ok', ...details }));
}

export function getStatus(services: RouteServices, call: HttpCall): ApiResponse {
  const credentials = credentialsFor(call.headers.authorization, services);
  return services.replies.ok(call, JSON.stringify({ ...status(services), ...credentials }));
}

export async function getMetrics({ replies, metrics }: RouteServices, call: HttpCall): Promise<ApiResponse> {
  const { contentType, text } = await metrics.page();
  const headers = { ...replies.headers(call), 'Content-Type': contentType, 'Cache-Control': 'no-store' };
  return replies.ok(call, text, headers);
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
    orders: { replicas: replicas.connections, ...replicas.requests.counts },
    catalogs: catalogs.views.map(({ id, linked, current, lastReport }) => ({
      id,
      linked,
      current,
      reported: lastReport && {
        lastIndex: lastReport.report.lastIndex,
        ready: lastReport.report.ready,
        ageMs: Math.round(performance.now() - lastReport.receivedAt),
      },
    })),
    lookups: catalogs.lookupCounts,
  };
}
