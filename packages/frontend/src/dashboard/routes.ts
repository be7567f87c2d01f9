/** Routes of the dashboard: the page, its files, and its event stream. */
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import type { Hono } from 'hono';
import { TriremeError } from '@trireme/domain';
import type { HttpCall, HonoEnv } from '../http/call.js';
import { PAGE_HEADERS } from '../http/page-headers.js';
import type { ResponseFactory } from '../http/responses.js';
import type { Pages } from '../pages/pages.js';
import { matchesEtag } from '../rules/requests.js';
import { readAssets, type Asset } from './assets.js';
import { STREAM_HEADERS, type EventStreams } from './event-streams.js';

interface PageServices {
  readonly replies: ResponseFactory;
  readonly viewers: EventStreams;
  readonly pages: Pages;
}

/** @throws the system error if a file of the pages cannot be read. */
export function routeDashboard(app: Hono<HonoEnv>, services: PageServices): void {
  const { replies, viewers, pages } = services;
  const assets = readAssets();
  app.get('/', (c) => answerText(replies, c.env, pages.dashboard, 'text/html; charset=utf-8'));
  app.get('/assets/:name', (c) => {
    const asset = assets.get(c.req.param('name'));
    if (asset === undefined)
      throw new TriremeError('ROUTE_NOT_FOUND', 'no such path; see /docs for the available ones');
    return answerAsset(replies, c.env, asset);
  });
  app.get('/dashboard/stream', (c) => {
    const headers = { ...replies.headers(c.env.requestId, null), ...PAGE_HEADERS, ...STREAM_HEADERS };
    // The router also sends HEAD requests here.
    if (c.req.method === 'HEAD') return replies.ok(c.env, '', headers);
    if (!viewers.hasRoom) throw new TriremeError('UNAVAILABLE', 'too many dashboard streams; retry later');
    viewers.add(c.env.outgoing, headers);
    return RESPONSE_ALREADY_SENT;
  });
}

function answerText(replies: ResponseFactory, call: HttpCall, body: string, type: string): Response {
  const headers = { ...replies.headers(call.requestId, null), ...PAGE_HEADERS, 'Content-Type': type };
  return replies.ok(call, body, headers);
}

function answerAsset(replies: ResponseFactory, call: HttpCall, { body, type, etag }: Asset): Response {
  const headers = { ...PAGE_HEADERS, 'Content-Type': type, ETag: etag };
  if (matchesEtag(call.incoming.headers['if-none-match'], etag)) return replies.empty(call, 304, headers);
  return replies.ok(call, body, { ...replies.headers(call.requestId, null), ...headers });
}
