import { once } from 'node:events';
import { request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ClusterError } from '../errors.js';
import { ControlClient } from './client.js';
import { serveControl, type ControllableCluster } from './server.js';

const test = suite<{ server: Server; url: string; calls: string[] }>('control');

function fakeCluster(calls: string[]): ControllableCluster {
  return {
    resolveTarget: async (target) => {
      if (target.kind === 'leader') throw new ClusterError('BAD_PROCESS', 'no replica leads at the moment');
      return target.kind === 'process' ? [target.name] : ['replica-1', 'replica-2'];
    },
    kill: async (name) => calls.push(`kill ${name}`),
    startProcess: async (name) => calls.push(`start ${name}`) + 100,
    awaitProcessReady: async (name) => {
      calls.push(`ready ${name}`);
      if (name === 'replica-9') throw new ClusterError('NOT_READY', 'replica-9 has exited: damaged');
    },
    processState: (name) => ({ pid: null, damaged: true, reason: `${name} is torn` }),
    addProcess: async (name) => calls.push(`add ${name}`) + 200,
    resetReplica: async (name) => {
      calls.push(`renew ${name}`);
      await new Promise((resolve) => setImmediate(resolve));
      calls.push(`renewed ${name}`);
      return { pid: 1, aside: `/data/${name}.old` };
    },
    removeProcess: async (name) => {
      calls.push(`retire ${name}`);
      throw new ClusterError('BAD_PROCESS', `unknown process ${name}`);
    },
  };
}

test.before.each(async (context) => {
  context.calls = [];
  context.server = await serveControl({ cluster: fakeCluster(context.calls), secret: 's3cret', port: 0 });
  context.url = `http://127.0.0.1:${(context.server.address() as AddressInfo).port}`;
});

test.after.each(async ({ server }) => {
  server.close();
  server.closeAllConnections();
  await once(server, 'close');
});

async function messageOf(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => 'no error',
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  );
}

test('kills, starts and awaits the named processes', async ({ url, calls }) => {
  const control = new ControlClient(url, 's3cret');
  assert.equal(await control.kill('all-replicas'), [
    { name: 'replica-1', pid: 1 },
    { name: 'replica-2', pid: 2 },
  ]);
  assert.is(await control.start('replica-1'), 103);
  await control.awaitReady('replica-1');
  assert.equal(calls, ['kill replica-1', 'kill replica-2', 'start replica-1', 'ready replica-1']);
});

test('adds, renews and retires replicas one after another', async ({ url, calls }) => {
  const control = new ControlClient(url, 's3cret');
  assert.equal(await control.processState('replica-2'), {
    pid: null,
    damaged: true,
    reason: 'replica-2 is torn',
  });
  assert.is(await control.add('replica-4'), 201);
  assert.is(await messageOf(control.removeProcess('replica-7')), 'unknown process replica-7');
  const both = [control.resetReplica('replica-2'), control.resetReplica('replica-2')];
  assert.equal(await Promise.all(both), ['/data/replica-2.old', '/data/replica-2.old']);
  const renewal = ['renew replica-2', 'renewed replica-2'];
  assert.equal(calls, ['add replica-4', 'retire replica-7', ...renewal, ...renewal]);
});

test('rejects a failed request with the message of the cluster', async ({ url, calls }) => {
  const control = new ControlClient(url, 's3cret');
  assert.is(await messageOf(control.kill('leader')), 'no replica leads at the moment');
  assert.is(
    await messageOf(control.kill('../etc')),
    'unknown target ../etc: use the name of a process, leader, all-replicas or all-catalogs',
  );
  assert.is(await messageOf(control.awaitReady('replica-9')), 'replica-9 has exited: damaged');
  assert.equal(calls, ['ready replica-9']);
});

test('refuses requests without the secret', async ({ url, calls }) => {
  for (const secret of ['wrong', 's3cret2']) {
    assert.match(await messageOf(new ControlClient(url, secret).kill('2')), /secret is missing or wrong/);
  }
  assert.is((await fetch(`${url}/kill?target=2`, { method: 'POST' })).status, 401);
  assert.equal(calls, []);
});

test('answers 404 to a request target that is not a valid URL', async ({ url, calls }) => {
  const headers = { 'x-trireme-secret': 's3cret', connection: 'close' };
  const port = Number(new URL(url).port);
  const code = await new Promise((resolve, reject) => {
    const sent = request({ port, method: 'POST', path: '//[', headers }, (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    sent.on('error', reject).end();
  });
  assert.is(code, 404);
  assert.equal(calls, []);
});

test('refuses GET requests, which a web page could make a browser send', async ({ url, calls }) => {
  // A page of another origin cannot send the header. A plain link can send only GET.
  const headers = { 'x-trireme-secret': 's3cret' };
  assert.is((await fetch(`${url}/kill?target=2`, { headers })).status, 404);
  assert.equal(calls, []);
});

test('reports a cluster that does not run or does not exist', async () => {
  assert.match(
    await messageOf(new ControlClient('http://127.0.0.1:9', 'x').kill('2')),
    /npm start does not answer at \S+: is it running/,
  );
  assert.throws(() => ControlClient.forDataFolder('/nonexistent'), /\/nonexistent has no cluster/);
});

test.run();
