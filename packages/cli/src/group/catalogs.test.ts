/** `trireme catalogs` with a leader that refuses, is deposed, or has already made the change. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { InternalClient } from '@trireme/cluster';
import { addCatalog, removeCatalog, type CatalogsOptions } from './catalogs.js';
import { COMMAND_EXIT, CommandError } from '../errors.js';
import { GroupClient } from './group-client.js';

interface Refusal {
  readonly code: number;
  readonly status: string;
}

interface Context {
  server: Server;
  calls: InternalClient;
  /** The set that the leader reports. */
  ids: string[];
  /** Refusals of the next changes, in order. */
  refusals: Refusal[];
  /** Whether the leader makes a change although it refuses it. */
  appliesRefused: boolean;
  /** Bodies of requested changes, and calls of the host. */
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
    if (refusal === undefined || context.appliesRefused) {
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
  context.appliesRefused = false;
  context.done = [];
  context.server = createServer((request, response) => void serve(context, request, response));
  context.server.listen(0, '127.0.0.1');
  await once(context.server, 'listening');
  context.calls = new InternalClient({ secret: 'a secret', tls: null });
  const url = `http://127.0.0.1:${(context.server.address() as AddressInfo).port}`;
  context.options = {
    client: new GroupClient(() => [url], context.calls),
    host: {
      ensureRunning: async (id) => void context.done.push(`run ${id}`),
      stop: async (id) => void context.done.push(`retire ${id}`),
    },
    onProgress: () => undefined,
    timeoutMs: 10_000,
  };
});

test.after.each(async ({ server, calls }) => {
  await calls.close();
  server.closeAllConnections();
  server.close();
});

test('adds a catalog before starting it, and removes it before stopping it', async (context) => {
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

test('requests no change that is already made, but still starts or stops the process', async (context) => {
  await addCatalog('catalog-2', context.options);
  await removeCatalog('catalog-3', context.options);
  assert.equal(context.done, ['run catalog-2', 'retire catalog-3']);
});

test('retries temporary refusals, and reads the set after an unknown outcome', async (context) => {
  context.refusals = [
    { code: 421, status: 'NOT_LEADER' },
    { code: 409, status: 'CHANGE_PENDING' },
    { code: 503, status: 'UNAVAILABLE' },
  ];
  await addCatalog('catalog-3', context.options);
  assert.is(context.done.length, 3 + 1 + 1);
  context.refusals = [{ code: 504, status: 'OUTCOME_UNKNOWN' }];
  context.appliesRefused = true;
  context.done = [];
  await removeCatalog('catalog-3', context.options);
  assert.equal(context.done, [{ remove: 'catalog-3' }, 'retire catalog-3']);
});

test('a permanent refusal ends the command with the message of the leader', async (context) => {
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
