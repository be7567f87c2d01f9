import { once } from 'node:events';
import { request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ClusterError, serveControl, type Steered } from '@trireme/cluster';
import { ControlClient } from './client.js';

const test = suite<{ server: Server; url: string; asked: string[] }>('control');

function fakeCluster(asked: string[]): Steered {
  return {
    resolve: async (target) => {
      if (target.kind === 'leader') throw new ClusterError('BAD_PROCESS', 'no replica leads at the moment');
      return target.kind === 'process' ? [target.name] : ['replica-1', 'replica-2'];
    },
    kill: async (name) => asked.push(`kill ${name}`),
    startProcess: async (name) => asked.push(`start ${name}`) + 100,
    waitProcessReady: async (name) => {
      asked.push(`ready ${name}`);
      if (name === 'replica-9') throw new ClusterError('NOT_READY', 'replica-9 has ended: damaged');
    },
    look: (name) => ({ pid: null, damaged: true, reason: `${name} is torn` }),
    add: async (name) => asked.push(`add ${name}`) + 200,
    renewReplica: async (name) => {
      asked.push(`renew ${name}`);
      await new Promise((resolve) => setImmediate(resolve));
      asked.push(`renewed ${name}`);
      return { pid: 1, aside: `/data/${name}.old` };
    },
    retire: async (name) => {
      asked.push(`retire ${name}`);
      throw new ClusterError('BAD_PROCESS', `there is no ${name}`);
    },
  };
}

test.before.each(async (context) => {
  context.asked = [];
  context.server = await serveControl({ cluster: fakeCluster(context.asked), secret: 's3cret', port: 0 });
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

test('kills, starts and waits for what is named', async ({ url, asked }) => {
  const control = new ControlClient(url, 's3cret');
  assert.equal(await control.kill('all-replicas'), [
    { name: 'replica-1', pid: 1 },
    { name: 'replica-2', pid: 2 },
  ]);
  assert.is(await control.start('replica-1'), 103);
  await control.awaitReady('replica-1');
  assert.equal(asked, ['kill replica-1', 'kill replica-2', 'start replica-1', 'ready replica-1']);
});

test('replicas are added, renewed and retired, one after the other', async ({ url, asked }) => {
  const control = new ControlClient(url, 's3cret');
  assert.equal(await control.look('replica-2'), { pid: null, damaged: true, reason: 'replica-2 is torn' });
  assert.is(await control.add('replica-4'), 201);
  assert.is(await messageOf(control.retire('replica-7')), 'there is no replica-7');
  const both = [control.renew('replica-2'), control.renew('replica-2')];
  assert.equal(await Promise.all(both), ['/data/replica-2.old', '/data/replica-2.old']);
  const renewal = ['renew replica-2', 'renewed replica-2'];
  assert.equal(asked, ['add replica-4', 'retire replica-7', ...renewal, ...renewal]);
});

test('what cannot be done is told in words', async ({ url, asked }) => {
  const control = new ControlClient(url, 's3cret');
  assert.is(await messageOf(control.kill('leader')), 'no replica leads at the moment');
  assert.is(await messageOf(control.kill('../etc')), 'there is no ../etc');
  assert.is(await messageOf(control.awaitReady('replica-9')), 'replica-9 has ended: damaged');
  assert.equal(asked, ['ready replica-9']);
});

test('nothing is done without the secret', async ({ url, asked }) => {
  for (const secret of ['wrong', 's3cret2']) {
    assert.match(await messageOf(new ControlClient(url, secret).kill('2')), /secret is missing or wrong/);
  }
  assert.is((await fetch(`${url}/kill?target=2`, { method: 'POST' })).status, 401);
  assert.equal(asked, []);
});

test('a target that is no url is refused like any other that is not there', async ({ url, asked }) => {
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
  assert.equal(asked, []);
});

test('a web page cannot make a browser do it', async ({ url, asked }) => {
  // A page of another origin can send neither the header nor, by a plain link, anything but GET.
  const headers = { 'x-trireme-secret': 's3cret' };
  assert.is((await fetch(`${url}/kill?target=2`, { headers })).status, 404);
  assert.equal(asked, []);
});

test('no cluster is told as that', async () => {
  assert.match(
    await messageOf(new ControlClient('http://127.0.0.1:9', 'x').kill('2')),
    /is npm start running/,
  );
  assert.throws(() => ControlClient.of('/nonexistent'), /no cluster has run on/);
});

test.run();
