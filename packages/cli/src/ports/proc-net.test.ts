import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { listeningPorts } from './proc-net.js';

const TABLE = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 111 1
   1: 00000000:1FFF 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 222 1
   2: 0100007F:1F90 0100007F:D000 01 00000000:00000000 00:00000000 00000000     0        0 333 1
   3: 00000000000000000000000000000000:0050 00000000000000000000000000000000:0000 0A 0:0 0:0 0 0 0 444 1
`;

test('listeningPorts returns only the listening sockets of the process', () => {
  assert.equal(listeningPorts(TABLE, new Set(['111', '333', '444'])), [
    { host: '127.0.0.1', port: 8080 },
    { host: '::', port: 80 },
  ]);
  assert.equal(listeningPorts(TABLE, new Set(['222'])), [{ host: '0.0.0.0', port: 8191 }]);
  assert.equal(listeningPorts(TABLE, new Set()), []);
});

test.run();
