/** Handlers of the pages: the dashboard with its files and its event stream, and the contract. */
import { createHash } from 'node:crypto';
import { TriremeError } from '@trireme/domain';
import { STREAM_HEADERS } from '../dashboard/event-streams.js';
import type { ApiResponse } from '../http/api-response.js';
import type { HttpCall } from '../http/call.js';
import { openApiDocument } from '../rules/contract/openapi.js';
import { matchesEtag } from '../rules/requests.js';
import type { RouteServices } from './services.js';

/** Security headers of pages: load from and connect to this origin only, no inline scripts, no framing. */
const PAGE_HEADERS = {
  'Content-Security-Policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'",
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  'X-Frame-Options': 'DENY',
  // A cached page of an older version must not load scripts of a newer one.
  'Cache-Control': 'no-cache',
} as const;

const HTML = 'text/html; charset=utf-8';

const CONTRACT = JSON.stringify(openApiDocument());
const CONTRACT_ETAG = `"${createHash('sha256').update(CONTRACT).digest('base64url').slice(0, 22)}"`;

export function getDashboard({ replies, pages }: RouteServices, call: HttpCall): ApiResponse {
  const headers = { ...replies.headers(call), ...PAGE_HEADERS, 'Content-Type': HTML };
  return replies.ok(call, pages.dashboard, headers);
}

export function getDocs({ replies, pages }: RouteServices, call: HttpCall): ApiResponse {
  const headers = { ...replies.headers(call), ...PAGE_HEADERS, 'Content-Type': HTML };
  return replies.ok(call, pages.docs, headers);
}

export function getAsset({ replies, assets }: RouteServices, call: HttpCall): ApiResponse {
  const asset = assets.get(call.parameter);
  if (asset === undefined)
    throw new TriremeError('ROUTE_NOT_FOUND', 'no such path; see /docs for the available ones');
  const { body, type, etag } = asset;
  const headers = { ...replies.headers(call), ...PAGE_HEADERS, 'Content-Type': type, ETag: etag };
  if (matchesEtag(call.headers['if-none-match'], etag)) return replies.empty(304, headers);
  return replies.ok(call, body, headers);
}

/** Server-sent events; see `EventStreams`. */
export function openDashboardStream({ replies, viewers }: RouteServices, call: HttpCall): ApiResponse | null {
  const headers = { ...replies.headers(call), ...PAGE_HEADERS, ...STREAM_HEADERS };
  if (call.incoming.method === 'HEAD') return replies.ok(call, '', headers);
  if (!viewers.hasRoom) throw new TriremeError('UNAVAILABLE', 'too many dashboard streams; retry later');
  viewers.add(call.outgoing, headers);
  return null;
}

export function getContract({ replies }: RouteServices, call: HttpCall): ApiResponse {
  const headers = { ...replies.headers(call), ETag: CONTRACT_ETAG, 'Cache-Control': 'no-cache' };
  if (matchesEtag(call.headers['if-none-match'], CONTRACT_ETAG)) return replies.empty(304, headers);
  return replies.ok(call, CONTRACT, headers);
}
