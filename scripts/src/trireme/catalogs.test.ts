/** What `trireme catalogs` asks of a leader that refuses, loses the lead, or has done it already. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { InternalCalls } from '@trireme/cluster';
import { addCatalog, removeCatalog, type CatalogsOptions } from './catalogs.js';
import { COMMAND_EXIT, CommandError } from './errors.js';
import { GroupClient } from './group-client.js';

interface Refusal {
  readonly code: number;
  readonly status: string;
}

interface Context {
  server: Server;
  calls: InternalCalls;
  /** The set that the leader tells. */
  ids: string[];
  /** Refused with these, one after the other, before a change is made. */
  refusals: Refusal[];
  /** Whether a refused change comes about all the same. */
  isMadeYet: boolean;
  /** Bodies of changes, and what the host was told to do. */
  done: unknown[];
  options: CatalogsOptions;
}

const test = suite<Context>('trireme catalogs');

function answer(response: ServerResponse, code: number, body: object): void {
  response.writeHead(code, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

async function bodyOf(
  request: IncomingMessage,
): Promise<{ readonly add?: string; readonly remove?: string }> {
  let text = '';
  for await (const chunk of request.setEncoding('utf8')) text += String(chunk);
  return JSON.parse(text) as { add?: string; remove?: string };
}

async function serve(context: Context, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const head = { self: '1', role: 'leader', term: 3, leader: '1' };
  if (request.url === '/members') {
    const url = `http://${request.headers.host ?? ''}`;
    const member = { id: '1', name: '1', role: 'voter', peerUrl: null, url, match: 7, reachable: true };
    answer(response, 200, { ...head, commit: 7, lastIndex: 7, joint: false, members: [member] });
    return;
  }
  if (request.method === 'POST') {
    const change = await bodyOf(request);
    context.done.push(change);
    const refusal = context.refusals.shift();
    if (refusal === undefined || context.isMadeYet) {
      context.ids = context.ids.filter((id) => id !== change.remove);
      if (change.add !== undefined) context.ids.push(change.add);
    }
    if (refusal !== undefined) {
      answer(response, refusal.code, { error: { ...refusal, message: `says ${refusal.status}` } });
      return;
    }
  }
  const catalogs = context.ids.map((id) => ({ id, url: null, linked: false, hasAuthority: false }));
  answer(response, 200, { ...head, index: 5, catalogs });
}

test.before.each(async (context) => {
  context.ids = ['catalog-1', 'catalog-2'];
  context.refusals = [];
  context.isMadeYet = false;
  context.done = [];
  context.server = createServer((request, response) => void serve(context, request, response));
  context.server.listen(0, '127.0.0.1');
  await once(context.server, 'listening');
  context.calls = new InternalCalls({ secret: 'a secret', tls: null });
  const url = `http://127.0.0.1:${(context.server.address() as AddressInfo).port}`;
  context.options = {
    client: new GroupClient(() => [url], context.calls),
    host: {
      run: async (id) => void context.done.push(`run ${id}`),
      retire: async (id) => void context.done.push(`retire ${id}`),
    },
    ...{ tell: () => undefined, msMax: 10_000 },
  };
});

test.after.each(async ({ server, calls }) => {
  await calls.close();
  server.closeAllConnections();
  server.close();
});

test('one is added before it is started, and removed before it is stopped', async (context) => {
  const added = await addCatalog('catalog-3', context.options);
  assert.equal(
    added.catalogs.map(({ id }) => id),
    ['catalog-1', 'catalog-2', 'catalog-3'],
  );
  await removeCatalog('catalog-1', context.options);
  assert.equal(context.ids, ['catalog-2', 'catalog-3']);
  assert.equal(context.done, [
    { add: 'catalog-3' },
    'run catalog-3',
    { remove: 'catalog-1' },
    'retire catalog-1',
  ]);
});

test('what is the case already is not asked for, and processes are seen to', async (context) => {
  await addCatalog('catalog-2', context.options);
  await removeCatalog('catalog-3', context.options);
  assert.equal(context.done, ['run catalog-2', 'retire catalog-3']);
});

test('refusals that pass are waited out, and an unknown outcome is looked up', async (context) => {
  context.refusals = [
    { code: 421, status: 'NOT_LEADER' },
    { code: 409, status: 'CHANGE_PENDING' },
    { code: 503, status: 'UNAVAILABLE' },
  ];
  await addCatalog('catalog-3', context.options);
  assert.is(context.done.length, 3 + 1 + 1);
  context.refusals = [{ code: 504, status: 'OUTCOME_UNKNOWN' }];
  context.isMadeYet = true;
  context.done = [];
  await removeCatalog('catalog-3', context.options);
  assert.equal(context.done, [{ remove: 'catalog-3' }, 'retire catalog-3']);
});

test('what the leader refuses for good ends the command, in its words', async (context) => {
  for (const refusal of [
    { code: 409, status: 'BAD_MEMBERSHIP' },
    { code: 400, status: 'INVALID_REQUEST' },
  ]) {
    context.refusals = [refusal];
    const error: unknown = await addCatalog('catalog-3', context.options).catch((thrown: unknown) => thrown);
    assert.ok(error instanceof CommandError, refusal.status);
    assert.is(error.exitCode, COMMAND_EXIT.refused, refusal.status);
    assert.match(error.message, new RegExp(`says ${refusal.status}`));
  }
});

test.run();
