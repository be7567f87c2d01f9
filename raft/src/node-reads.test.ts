/** Reads through the driver: at followers, and under leases. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  TransportHub,
  waitUntilQuiet,
  startSingle,
  startNode,
  startThree,
  waitUntil,
} from './testing/test-node.js';

const DATA = Buffer.from('x');

async function rejection(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => 'resolved',
    (error: unknown) => (error as { code: string }).code,
  );
}

test('read at a follower resolves once its own machine has applied what was committed before', async () => {
  const hub = new TransportHub();
  const testNodes = await startThree(hub);
  const [a, b] = testNodes;
  b.machine.gate.close();
  const { index } = a.node.propose(DATA);
  await waitUntil(() => a.machine.applied === index);
  let read = 0;
  const reading = b.node.read().then((granted) => (read = granted));
  a.clock.advance(10);
  await waitUntil(() => b.machine.gate.waiting === 1);
  await waitUntilQuiet();
  assert.is(read, 0);
  b.machine.gate.open();
  await reading;
  assert.is(read, index);
  assert.ok(b.machine.applied >= index);
  for (const { node } of testNodes) await node.stop();
});

test('read at a follower times out if its messages are lost, and may be retried', async () => {
  const hub = new TransportHub();
  const testNodes = await startThree(hub);
  const [a, b] = testNodes;
  hub.delivers = ({ type }) => type !== 'readResponse';
  const read = rejection(b.node.read());
  for (let tick = 0; tick < 10; tick += 1) {
    a.clock.advance(10);
    await waitUntilQuiet();
    b.clock.advance(10);
  }
  assert.is(await read, 'READ_TIMEOUT');
  hub.delivers = () => true;
  assert.is(await rejection(b.node.read()), 'resolved');
  const lost = rejection(b.node.read());
  await b.node.stop();
  assert.is(await lost, 'STOPPED');
  for (const { node } of testNodes) await node.stop();
});

test('read with a lease needs no round, falls back to a round after the lease, and is refused without the option', async () => {
  const hub = new TransportHub();
  const start = async (id: string) => startNode(hub, { id, members: ['a', 'b', 'c'], leaseReads: true });
  const testNodes = [await start('a'), await start('b'), await start('c')] as const;
  const [a, b, c] = testNodes;
  for (const { clock } of [b, c]) clock.advance(100);
  a.clock.advance(150);
  await waitUntil(() => a.node.status().leading);
  a.clock.advance(10);
  await waitUntilQuiet();
  hub.delivers = () => false;
  assert.is(await a.node.read({ lease: true }), 1, 'although no follower can be reached');
  // Heartbeats of 10 ms, ticks of 10 ms, elections after 10 ticks: (10 - 1) * 10 / (4 / 3).
  a.clock.pause(67);
  assert.is(await a.node.read({ lease: true }), 1);
  a.clock.pause(1);
  let isDone = false;
  const confirmed = a.node.read({ lease: true }).then(() => (isDone = true));
  await waitUntilQuiet();
  assert.not.ok(isDone);
  hub.delivers = () => true;
  a.clock.advance(10);
  await confirmed;
  for (const { node } of testNodes) await node.stop();

  const other = await startSingle();
  assert.is(await rejection(other.node.read({ lease: true })), 'BAD_CONFIG');
  await other.node.stop();
});

test('read with a lease waits for the machine', async () => {
  const testNode = await startSingle({ leaseReads: true });
  testNode.clock.advance(10);
  await waitUntilQuiet();
  testNode.machine.gate.close();
  const { index } = testNode.node.propose(DATA);
  await waitUntil(() => testNode.machine.gate.waiting === 1);
  let read = 0;
  const reading = testNode.node.read({ lease: true }).then((granted) => (read = granted));
  await waitUntilQuiet();
  assert.is(read, 0);
  testNode.machine.gate.open();
  await reading;
  assert.is(read, index);
  await testNode.node.stop();
});

test.run();
