/** Starting, stopping and transferring leadership. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { message } from './core/testing/messages.js';
import { RaftNode } from './node.js';
import {
  TransportHub,
  TestMachine,
  TestStorage,
  waitUntilQuiet,
  startSingle,
  startNode,
  startThree,
  waitUntil,
  type TestNode,
} from './testing/test-node.js';

const DATA = Buffer.from('x');
const codeOf = (code: string) => (error: unknown) => (error as { code: string }).code === code;

async function rejection(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => 'resolved',
    (error: unknown) => (error as { code: string }).code,
  );
}

async function stopAll(testNodes: readonly TestNode[]): Promise<void> {
  for (const { node } of testNodes) await node.stop();
}

test('a failure while the transport starts leaves no timer', async () => {
  const hub = new TransportHub();
  const transport = hub.transport('a');
  const testNode = await startNode(hub, {
    id: 'a',
    members: ['a', 'b'],
    transport: {
      ...transport,
      start: async (handler) => handler.onMessage(message('heartbeat', { from: 'b', to: 'a', commit: 7 })),
    },
  });
  assert.equal([testNode.fatal.length, testNode.clock.timers], [1, 0]);
  await testNode.node.stop();
});

test('stop waits for the running write and apply, rejects reads, closes everything, and may be called twice', async () => {
  const testNode = await startSingle();
  testNode.machine.gate.close();
  testNode.node.propose(DATA);
  await waitUntil(() => testNode.machine.gate.waiting === 1);
  testNode.storage.gate.close();
  testNode.node.propose(DATA);
  await waitUntil(() => testNode.storage.gate.waiting === 1);
  const read = rejection(testNode.node.read());
  let stopped = 0;
  const stops = [testNode.node.stop(), testNode.node.stop()].map(async (stop) =>
    stop.then(() => (stopped += 1)),
  );
  assert.is(await read, 'STOPPED');
  await waitUntilQuiet();
  testNode.storage.gate.open();
  await waitUntilQuiet();
  assert.equal([stopped, testNode.storage.isClosed], [0, false]);
  testNode.machine.gate.open();
  await Promise.all(stops);
  assert.ok(testNode.storage.isClosed);
  assert.is(testNode.clock.timers, 0);
  assert.is(await rejection(testNode.node.read()), 'STOPPED');
  assert.equal(testNode.fatal, []);
});

test('stop closes the log even if the transport fails to stop', async () => {
  const hub = new TransportHub();
  const stop = async (): Promise<void> => {
    throw new Error('stuck');
  };
  const testNode = await startSingle({ transport: { ...hub.transport('a'), stop } });
  assert.is(await testNode.node.stop().catch((error: unknown) => (error as Error).message), 'stuck');
  assert.ok(testNode.storage.isClosed);
});

test('transferLeadership transfers leadership to another member', async () => {
  const hub = new TransportHub();
  const testNodes = await startThree(hub);
  const [a, b] = testNodes;
  assert.is(await b.node.transferLeadership(1000), true, 'a follower has nothing to transfer');
  const transferred = a.node.transferLeadership(1000);
  await waitUntil(() => a.node.status().role === 'follower');
  a.clock.advance(10);
  assert.is(await transferred, true);
  await waitUntil(() => testNodes.some(({ node }) => node.status().leading));
  await stopAll(testNodes);
});

test('transferLeadership returns false without other voters, after its timeout, and when the node is stopped', async () => {
  const alone = await startSingle();
  assert.is(await alone.node.transferLeadership(1000), false);
  await alone.node.stop();

  const hub = new TransportHub();
  const testNodes = await startThree(hub);
  const [a] = testNodes;
  hub.delivers = ({ type }) => type !== 'timeoutNow';
  const late = a.node.transferLeadership(50);
  a.clock.advance(50);
  assert.is(await late, false);
  a.node.propose(Buffer.from('the transfer is cancelled'));
  assert.is(await rejection(a.node.transferLeadership(50)), 'TRANSFER_REFUSED');
  await waitUntilQuiet();
  a.clock.advance(50);
  await waitUntilQuiet();
  const interrupted = a.node.transferLeadership(60_000);
  const stopping = a.node.stop();
  a.clock.advance(10);
  assert.is(await interrupted, false);
  await stopping;
  assert.is(a.clock.timers, 0);
  await stopAll(testNodes);
});

test('transferLeadership does not cancel a transfer at its timeout if another caller waits for it', async () => {
  const hub = new TransportHub();
  const testNodes = await startThree(hub);
  const [a] = testNodes;
  hub.delivers = ({ type }) => type !== 'timeoutNow';
  const first = a.node.transferLeadership(80, { to: 'b' });
  const short = a.node.transferLeadership(20);
  assert.is(await rejection(a.node.transferLeadership(80, { to: 'c' })), 'TRANSFER_REFUSED');
  a.clock.advance(20);
  assert.is(await short, false);
  assert.throws(() => a.node.propose(DATA), codeOf('NOT_LEADER'));
  hub.delivers = () => true;
  a.clock.advance(10);
  await waitUntil(() => a.node.status().role === 'follower');
  a.clock.advance(10);
  assert.is(await first, true);
  await waitUntil(() => testNodes[1].node.status().leading);
  await stopAll(testNodes);
});

test('cancelTransfer ends a transfer: the leader accepts proposals again', async () => {
  const hub = new TransportHub();
  const testNodes = await startThree(hub);
  const [a] = testNodes;
  hub.delivers = ({ type }) => type !== 'timeoutNow';
  const transferred = a.node.transferLeadership(50, { to: 'b' });
  assert.throws(() => a.node.propose(DATA), codeOf('NOT_LEADER'));
  a.node.cancelTransfer();
  a.node.propose(DATA);
  a.clock.advance(50);
  assert.is(await transferred, false);
  await stopAll(testNodes);
});

test('transferLeadership does not cancel a transfer that the leader started itself meanwhile', async () => {
  const hub = new TransportHub();
  const testNodes = await startThree(hub);
  const [a] = testNodes;
  hub.delivers = ({ type }) => type !== 'timeoutNow';
  a.machine.gate.close();
  a.node.propose(DATA);
  await waitUntil(() => a.machine.gate.waiting === 1);
  const requested = a.node.transferLeadership(1050, { to: 'b' });
  a.node.cancelTransfer();
  a.node.propose(DATA);
  // The state machine counts as hung after ten election timeouts, 1000 ms: the leader then starts a transfer.
  for (let ms = 0; ms < 1050; ms += 10) {
    a.clock.advance(10);
    await waitUntilQuiet();
  }
  assert.is(await requested, false);
  assert.throws(() => a.node.propose(DATA), codeOf('NOT_LEADER'));
  a.machine.gate.open();
  await stopAll(testNodes);
});

test('transferLeadership cancels its transfer at its time limit while a caller waits for an earlier transfer', async () => {
  const hub = new TransportHub();
  const testNodes = await startThree(hub);
  const [a] = testNodes;
  hub.delivers = ({ type }) => type !== 'timeoutNow';
  const first = a.node.transferLeadership(80, { to: 'b' });
  a.node.cancelTransfer();
  const second = a.node.transferLeadership(20, { to: 'b' });
  a.clock.advance(20);
  assert.is(await second, false);
  a.node.propose(DATA);
  a.clock.advance(60);
  assert.is(await first, false);
  await stopAll(testNodes);
});

test('transferLeadership with isStopping ignores an earlier failed transfer', async () => {
  const hub = new TransportHub();
  const testNodes = await startThree(hub);
  const [a] = testNodes;
  hub.delivers = ({ type }) => type !== 'timeoutNow';
  const late = a.node.transferLeadership(50);
  a.clock.advance(50);
  assert.is(await late, false);
  await waitUntilQuiet();
  assert.is(await rejection(a.node.transferLeadership(50)), 'TRANSFER_REFUSED');
  hub.delivers = () => true;
  const stopping = a.node.transferLeadership(50, { isStopping: true });
  await waitUntil(() => a.node.status().role === 'follower');
  a.clock.advance(10);
  assert.is(await stopping, true);
  await stopAll(testNodes);
});

test('start refuses a machine that has applied more than the log contains', async () => {
  const options = { id: 'a', storage: new TestStorage([1, 1]) };
  const error: unknown = await startNode(new TransportHub(), {
    ...options,
    stateMachine: new TestMachine(3),
  }).catch((caught: unknown) => caught);
  assert.ok(codeOf('LOG_DAMAGED')(error));
  assert.match((error as Error).message, /applied index 3, but the log ends at 2/);
  const testNode = await startNode(new TransportHub(), { ...options, stateMachine: new TestMachine(2) });
  await testNode.node.stop();
});

test('a single voter leads immediately with the system clock and default options', async () => {
  const machine = new TestMachine();
  const hub = new TransportHub();
  const node = await RaftNode.start({
    id: 'a',
    members: ['a'],
    storage: new TestStorage(),
    transport: hub.transport('a'),
    stateMachine: machine,
    onChange: () => undefined,
    onFatal: () => undefined,
  });
  await waitUntil(() => node.status().leading);
  await node.stop();
});

test.run();
