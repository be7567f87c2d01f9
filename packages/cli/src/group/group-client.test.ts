import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { InternalClient } from '@trireme/cluster';
import { COMMAND_EXIT, CommandError } from '../errors.js';
import { GroupClient } from './group-client.js';

/** A replica that reports a group. */
async function serve(self: string, role: string, commit: number): Promise<Server> {
  const members = [
    { id: self, name: self, role: 'voter', peerUrl: null, url: null, match: null, reachable: null },
  ];
  const group = { self, role, term: 3, leader: null, commit, lastIndex: 9, joint: false, members };
  const server = createServer((_, response) => {
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(group));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return server;
}

/** Calls `work` with a client of replicas `1`, `2` and so on that have these roles and commit indexes. */
async function withReplicas(
  replicas: readonly (readonly [role: string, commit: number])[],
  work: (client: GroupClient) => Promise<void>,
): Promise<void> {
  const servers = await Promise.all(
    replicas.map(async ([role, commit], i) => serve(String(i + 1), role, commit)),
  );
  const urls = servers.map((server) => `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const calls = new InternalClient({ secret: 'a secret', tls: null });
  try {
    await work(new GroupClient(() => [...urls, 'http://127.0.0.1:9'], calls));
  } finally {
    await calls.close();
    for (const server of servers) server.close();
  }
}

test('anyGroup is what the leader reports', async () => {
  await withReplicas(
    [
      ['follower', 8],
      ['leader', 7],
    ],
    async (client) => assert.is((await client.anyGroup()).self, '2'),
  );
});

test('anyGroup is what the replica with the highest commit index reports if none leads', async () => {
  await withReplicas(
    [
      ['follower', 7],
      ['follower', 8],
      ['candidate', 6],
    ],
    async (client) => assert.is((await client.anyGroup()).self, '2'),
  );
});

test('anyGroup fails if no replica answers', async () => {
  await withReplicas([], async (client) => {
    try {
      await client.anyGroup();
      assert.unreachable();
    } catch (error) {
      assert.instance(error, CommandError);
      assert.is((error as CommandError).exitCode, COMMAND_EXIT.unavailable);
      assert.match(
        (error as CommandError).message,
        'no replica answers at http://127.0.0.1:9: connect ECONNREFUSED',
      );
    }
  });
});

test.run();
