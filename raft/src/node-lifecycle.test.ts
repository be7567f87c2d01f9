/** Starting, stopping and transferring leadership. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { message } from './core/testing/messages.js';
import { RaftNode } from './node.js';
import {
  Hub,
  TestMachine,
  TestStorage,
  quiet,
  startAlone,
  startNode,
  startThree,
  until,
  type Rig,
} from './testing/driver.js';

const DATA = Buffer.from('x');
const codeOf = (code: string) => (error: unknown) => (error as { code: string }).code === code;

async function rejection(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => 'resolved',
    (error: unknown) => (error as { code: string }).code,
  );
}

async function stopAll(rigs: readonly Rig[]): Promise<void> {
  for (const { node } of rigs) await node.stop();
}

test('what breaks while the transport starts leaves no timer behind', async () => {
  const hub = new Hub();
  const transport = hub.transport('a');
  const rig = await startNode(hub, {
    id: 'a',
    members: ['a', 'b'],
    transport: {
      ...transport,
      start: async (handler) => handler.message(message('heartbeat', { from: 'b', to: 'a', commit: 7 })),
    },
  });
  assert.equal([rig.fatal.length, rig.clock.timers], [1, 0]);
  await rig.node.stop();
});

test('stop() waits for the write and the apply under way, rejects reads, closes all, and is safe to call twice', async () => {
  const rig = await startAlone();
  rig.machine.gate.close();
  rig.node.propose(DATA);
  await until(() => rig.machine.gate.waiting === 1);
  rig.storage.gate.close();
  rig.node.propose(DATA);
  await until(() => rig.storage.gate.waiting === 1);
  const read = rejection(rig.node.read());
  let stopped = 0;
  const stops = [rig.node.stop(), rig.node.stop()].map(async (stop) => stop.then(() => (stopped += 1)));
  assert.is(await read, 'STOPPED');
  await quiet();
  rig.storage.gate.open();
  await quiet();
  assert.equal([stopped, rig.storage.isClosed], [0, false]);
  rig.machine.gate.open();
  await Promise.all(stops);
  assert.ok(rig.storage.isClosed);
  assert.is(rig.clock.timers, 0);
  assert.is(await rejection(rig.node.read()), 'STOPPED');
  assert.equal(rig.fatal, []);
});

test('stop() closes the log even if the transport cannot be stopped', async () => {
  const hub = new Hub();
  const stop = async (): Promise<void> => {
    throw new Error('stuck');
  };
  const rig = await startAlone({ transport: { ...hub.transport('a'), stop } });
  assert.is(await rig.node.stop().catch((error: unknown) => (error as Error).message), 'stuck');
  assert.ok(rig.storage.isClosed);
});

test('transferLeadership() gives leadership to another member', async () => {
  const hub = new Hub();
  const rigs = await startThree(hub);
  const [a, b] = rigs;
  assert.is(await b.node.transferLeadership(1000), true, 'a follower has nothing to transfer');
  const transferred = a.node.transferLeadership(1000);
  await until(() => a.node.status().role === 'follower');
  a.clock.advance(10);
  assert.is(await transferred, true);
  await until(() => rigs.some(({ node }) => node.status().leading));
  await stopAll(rigs);
});

test('transferLeadership() goes on leading when no one takes over: alone, beyond its time, or when stopped meanwhile', async () => {
  const alone = await startAlone();
  assert.is(await alone.node.transferLeadership(1000), false);
  await alone.node.stop();

  const hub = new Hub();
  const rigs = await startThree(hub);
  const [a] = rigs;
  hub.passes = ({ type }) => type !== 'timeoutNow';
  const late = a.node.transferLeadership(50);
  a.clock.advance(50);
  assert.is(await late, false);
  a.node.propose(Buffer.from('the transfer is cancelled'));
  assert.is(await rejection(a.node.transferLeadership(50)), 'TRANSFER_REFUSED');
  await quiet();
  a.clock.advance(50);
  await quiet();
  const cut = a.node.transferLeadership(60_000);
  const stopping = a.node.stop();
  a.clock.advance(10);
  assert.is(await cut, false);
  await stopping;
  assert.is(a.clock.timers, 0);
  await stopAll(rigs);
});

test('a caller of transferLeadership() whose time is over does not cancel the transfer that another one waits for', async () => {
  const hub = new Hub();
  const rigs = await startThree(hub);
  const [a] = rigs;
  hub.passes = ({ type }) => type !== 'timeoutNow';
  const first = a.node.transferLeadership(80, { to: 'b' });
  const hasty = a.node.transferLeadership(20);
  assert.is(await rejection(a.node.transferLeadership(80, { to: 'c' })), 'TRANSFER_REFUSED');
  a.clock.advance(20);
  assert.is(await hasty, false);
  assert.throws(() => a.node.propose(DATA), codeOf('NOT_LEADER'));
  hub.passes = () => true;
  a.clock.advance(10);
  await until(() => a.node.status().role === 'follower');
  a.clock.advance(10);
  assert.is(await first, true);
  await until(() => rigs[1].node.status().leading);
  await stopAll(rigs);
});

test('transferLeadership() for a stop does not wait for what an earlier transfer took', async () => {
  const hub = new Hub();
  const rigs = await startThree(hub);
  const [a] = rigs;
  hub.passes = ({ type }) => type !== 'timeoutNow';
  const late = a.node.transferLeadership(50);
  a.clock.advance(50);
  assert.is(await late, false);
  await quiet();
  assert.is(await rejection(a.node.transferLeadership(50)), 'TRANSFER_REFUSED');
  hub.passes = () => true;
  const stopping = a.node.transferLeadership(50, { isStopping: true });
  await until(() => a.node.status().role === 'follower');
  a.clock.advance(10);
  assert.is(await stopping, true);
  await stopAll(rigs);
});

test('a machine that has applied more than the log holds is damage', async () => {
  const options = { id: 'a', storage: new TestStorage([1, 1]) };
  const error: unknown = await startNode(new Hub(), { ...options, machine: new TestMachine(3) }).catch(
    (caught: unknown) => caught,
  );
  assert.ok(codeOf('LOG_DAMAGED')(error));
  assert.match((error as Error).message, /applied index 3, but the log ends at 2/);
  const rig = await startNode(new Hub(), { ...options, machine: new TestMachine(2) });
  await rig.node.stop();
});

test("on the system's own clock and with the defaults a cluster of one leads at once", async () => {
  const machine = new TestMachine();
  const hub = new Hub();
  const node = await RaftNode.start({
    id: 'a',
    members: ['a'],
    storage: new TestStorage(),
    transport: hub.transport('a'),
    machine,
    onChange: () => undefined,
    onFatal: () => undefined,
  });
  await until(() => node.status().leading);
  await node.stop();
});

test.run();
