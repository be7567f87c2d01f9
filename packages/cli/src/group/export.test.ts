import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { InternalClient } from '@trireme/cluster';
import { exportBook } from './export.js';
import { GroupClient } from './group-client.js';

for (const json of [false, true]) {
  test(`export${json ? ' --json' : ''} says that its output is incomplete if the replica stops sending`, async () => {
    let url = '';
    const server = createServer((request, response) => {
      if (request.url === '/export') {
        response.write('number,name,type,quantity\n');
        setTimeout(() => response.destroy(), 50);
        return;
      }
      const member = { id: '1', name: '1', role: 'voter', peerUrl: null, url, match: null, reachable: null };
      const place = { term: 3, leader: '1', commit: 9, lastIndex: 9, joint: false };
      response.end(JSON.stringify({ self: '1', role: 'leader', ...place, members: [member] }));
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const calls = new InternalClient({ secret: 'a secret', tls: null });
    let message = '';
    await exportBook(null, { client: new GroupClient(() => [url], calls), calls, json }).catch(
      (error: unknown) => (message = String(error)),
    );
    await calls.close();
    server.close();
    assert.is(
      message,
      'Error: replica 1 stopped sending: the output is incomplete, run the same command again',
    );
  });
}

test.run();
