import { spawn, type ChildProcess } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readlinkSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ClusterError } from '../errors.js';
import { HostNetwork, hostNetworkProblem } from './host-network.js';

const test = suite('hosts');
const reason = hostNetworkProblem();

/** Runs a test on three hosts and checks that nothing is left behind. */
function withHosts(name: string, use: (network: HostNetwork) => Promise<void>): void {
  if (reason !== null) {
    console.log(`SKIPPED hosts: ${name}: ${reason}`);
    test.skip(name, () => undefined);
    return;
  }
  test(name, async () => {
    const network = await HostNetwork.open(['one', 'two', 'three']);
    const address = network.addressOf('one');
    try {
      await use(network);
    } finally {
      await network.close();
    }
    const left = Object.values(networkInterfaces()).flatMap((all) => all ?? []);
    assert.not(left.some((own) => own.address.startsWith(address.slice(0, address.lastIndexOf('.') + 1))));
  });
}

const LISTENER = `
  const socket = require('node:dgram').createSocket('udp4');
  socket.on('message', (text) => process.exit(String(text) === 'end' ? 1 : 0));
  socket.bind(9, () => console.log('listens'));
`;

const sender = (address: string): string => `
  const socket = require('node:dgram').createSocket('udp4');
  let left = 20;
  const send = () => socket.send('hello', 9, '${address}', () => {
    if (--left > 0) setTimeout(send, 5);
    else process.exit(0);
  });
  send();
`;

/** Whether any of 20 datagrams from `from` reaches `to`. */
async function reaches(network: HostNetwork, from: string, to: string): Promise<boolean> {
  const listener = on(network, to, [process.execPath, '-e', LISTENER]);
  const ended = once(listener, 'exit') as Promise<[number | null]>;
  await once(listener.stdout ?? listener, 'data');
  await once(on(network, from, [process.execPath, '-e', sender(network.addressOf(to))]), 'exit');
  // This machine reaches every host. Its datagram ends the listener after all others have arrived.
  const socket = createSocket('udp4').unref();
  socket.send('end', 9, network.addressOf(to));
  const [code] = await ended;
  socket.close();
  return code === 0;
}

function on(network: HostNetwork, host: string, [program = '', ...args]: readonly string[]): ChildProcess {
  const [enter = '', ...enterArgs] = network.wrapper(host);
  return spawn(enter, [...enterArgs, program, ...args]);
}

withHosts('hosts reach each other and this machine, each with its own address', async (network) => {
  assert.ok(await reaches(network, 'one', 'two'));
  assert.ok(await reaches(network, 'three', 'one'));
  const addresses = ['one', 'two', 'three'].map((host) => network.addressOf(host));
  assert.is(new Set(addresses).size, 3);
  const server = on(network, 'two', [
    process.execPath,
    '-e',
    `require('node:http').createServer((_, answer) => answer.end('of two'))
       .listen(80, '${network.addressOf('two')}', () => console.log('listens'));`,
  ]);
  const ended = once(server, 'exit');
  await once(server.stdout ?? server, 'data');
  assert.is(await (await fetch(`http://${network.addressOf('two')}`)).text(), 'of two');
  server.kill('SIGKILL');
  await ended;
});

withHosts('cutOneWay drops all packets in one direction only', async (network) => {
  await network.partitionOneWay(['one'], ['two', 'three']);
  assert.not(await reaches(network, 'one', 'two'));
  assert.ok(await reaches(network, 'two', 'one'));
  assert.ok(await reaches(network, 'two', 'three'));
  await network.heal();
  assert.ok(await reaches(network, 'one', 'two'));
});

withHosts('cut drops all packets in both directions; lose drops only a share', async (network) => {
  await network.partition(['one'], ['two']);
  assert.not(await reaches(network, 'one', 'two'));
  assert.not(await reaches(network, 'two', 'one'));
  await network.heal();
  await network.dropPackets(['one'], ['two'], 0.3);
  assert.ok(await reaches(network, 'one', 'two'));
});

withHosts('wrapper runs a command on a host in the same pid', async (network) => {
  const child = on(network, 'one', ['cat']);
  const ended = once(child, 'exit');
  const own = readlinkSync('/proc/self/ns/net');
  const deadline = performance.now() + 5_000;
  while (readlinkSync(`/proc/${child.pid}/ns/net`) === own && performance.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  assert.is.not(readlinkSync(`/proc/${child.pid}/ns/net`), own);
  child.stdin?.end();
  assert.equal(await ended, [0, null]);
});

test('open rejects empty, duplicate and too many names', async () => {
  for (const names of [[], ['a', 'a'], Array.from({ length: 201 }, (_, i) => String(i))]) {
    const error = await HostNetwork.open(names).catch((thrown: unknown) => thrown);
    assert.is(error instanceof ClusterError && error.code, 'BAD_OPTION');
  }
});

test.run();
