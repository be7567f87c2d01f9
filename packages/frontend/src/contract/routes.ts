/** Routes of the contract: the OpenAPI document and the docs page. */
import { createHash } from 'node:crypto';
import type { Hono } from 'hono';
import type { HonoEnv } from '../http/call.js';
import { PAGE_HEADERS } from '../http/page-headers.js';
import type { ResponseFactory } from '../http/responses.js';
import type { Pages } from '../pages/pages.js';
import { openApiDocument } from '../rules/contract/openapi.js';
import { matchesEtag } from '../rules/requests.js';

interface ContractServices {
  readonly replies: ResponseFactory;
  readonly pages: Pages;
}

export function routeContract(app: Hono<HonoEnv>, { replies, pages }: ContractServices): void {
  const document = JSON.stringify(openApiDocument());
  const etag = `"${createHash('sha256').update(document).digest('base64url').slice(0, 22)}"`;
  app.get('/openapi.json', (c) => {
    const call = c.env;
    const headers = { ETag: etag, 'Cache-Control': 'no-cache' };
    if (matchesEtag(call.incoming.headers['if-none-match'], etag)) return replies.empty(call, 304, headers);
    return replies.ok(call, document, { ...replies.headers(call.requestId, null), ...headers });
  });
  app.get('/docs', (c) => {
    const headers = replies.headers(c.env.requestId, null);
    return replies.ok(c.env, pages.docs, {
      ...headers,
      ...PAGE_HEADERS,
      'Content-Type': 'text/html; charset=utf-8',
    });
  });
}
