/** Reads through the driver at followers and under leases. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Hub, quiet, startAlone, startNode, startThree, until } from './testing/driver.js';

const DATA = Buffer.from('x');

async function rejection(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => 'resolved',
    (error: unknown) => (error as { code: string }).code,
  );
}

test('a read at a follower resolves once its own machine has what was committed before', async () => {
  const hub = new Hub();
  const rigs = await startThree(hub);
  const [a, b] = rigs;
  b.machine.gate.close();
  const { index } = a.node.propose(DATA);
  await until(() => a.machine.applied === index);
  let read = 0;
  const reading = b.node.read().then((granted) => (read = granted));
  a.clock.advance(10);
  await until(() => b.machine.gate.waiting === 1);
  await quiet();
  assert.is(read, 0);
  b.machine.gate.open();
  await reading;
  assert.is(read, index);
  assert.ok(b.machine.applied >= index);
  for (const { node } of rigs) await node.stop();
});

test('a read at a follower whose messages are lost ends with a code, and can be asked again', async () => {
  const hub = new Hub();
  const rigs = await startThree(hub);
  const [a, b] = rigs;
  hub.passes = ({ type }) => type !== 'readResponse';
  const read = rejection(b.node.read());
  for (let tick = 0; tick < 10; tick += 1) {
    a.clock.advance(10);
    await quiet();
    b.clock.advance(10);
  }
  assert.is(await read, 'READ_TIMEOUT');
  hub.passes = () => true;
  assert.is(await rejection(b.node.read()), 'resolved');
  const lost = rejection(b.node.read());
  await b.node.stop();
  assert.is(await lost, 'STOPPED');
  for (const { node } of rigs) await node.stop();
});

test('a lease saves the round; paused beyond it, a leader asks again; without the option it is refused', async () => {
  const hub = new Hub();
  const start = async (id: string) => startNode(hub, { id, members: ['a', 'b', 'c'], leaseReads: true });
  const rigs = [await start('a'), await start('b'), await start('c')] as const;
  const [a, b, c] = rigs;
  for (const { clock } of [b, c]) clock.advance(100);
  a.clock.advance(150);
  await until(() => a.node.status().leading);
  a.clock.advance(10);
  await quiet();
  hub.passes = () => false;
  assert.is(await a.node.read({ lease: true }), 1, 'though no one can be asked');
  // Heartbeats of 10 ms, ticks of 10 ms, elections after 10 ticks: (10 - 1) * 10 / (4 / 3).
  a.clock.pause(67);
  assert.is(await a.node.read({ lease: true }), 1);
  a.clock.pause(1);
  let isDone = false;
  const asked = a.node.read({ lease: true }).then(() => (isDone = true));
  await quiet();
  assert.not.ok(isDone);
  hub.passes = () => true;
  a.clock.advance(10);
  await asked;
  for (const { node } of rigs) await node.stop();

  const other = await startAlone();
  assert.is(await rejection(other.node.read({ lease: true })), 'BAD_CONFIG');
  await other.node.stop();
});

test('a read under a lease waits for the machine as any other', async () => {
  const rig = await startAlone({ leaseReads: true });
  rig.clock.advance(10);
  await quiet();
  rig.machine.gate.close();
  const { index } = rig.node.propose(DATA);
  await until(() => rig.machine.gate.waiting === 1);
  let read = 0;
  const reading = rig.node.read({ lease: true }).then((granted) => (read = granted));
  await quiet();
  assert.is(read, 0);
  rig.machine.gate.open();
  await reading;
  assert.is(read, index);
  await rig.node.stop();
});

test.run();
