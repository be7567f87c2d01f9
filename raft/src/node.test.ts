/** The driver with disk, network, clock and machine in memory. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { message } from './core/testing/messages.js';
import {
  TransportHub,
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

test('propose batches the commands of one turn into one write and one apply (group commit)', async () => {
  const testNode = await startSingle();
  const before = testNode.storage.batches.length;
  const proposals = Array.from({ length: 50 }, () => testNode.node.propose(DATA));
  await waitUntil(() => testNode.machine.applied === 51);
  assert.equal(
    testNode.storage.batches.slice(before).map(({ entries }) => entries.length),
    [50],
  );
  assert.equal(
    proposals.map(({ index, term }) => [index, term]),
    Array.from({ length: 50 }, (_, at) => [at + 2, 1]),
  );
  await testNode.node.stop();
});

test('at most one persist runs at a time, and proposals that arrive meanwhile share the next one', async () => {
  const testNode = await startSingle();
  const before = testNode.storage.batches.length;
  testNode.storage.gate.close();
  for (let count = 0; count < 3; count += 1) {
    testNode.node.propose(DATA);
    await waitUntilQuiet();
  }
  assert.is(testNode.machine.applied, 1);
  testNode.storage.gate.open();
  await waitUntil(() => testNode.machine.applied === 4);
  assert.equal(
    testNode.storage.batches.slice(before).map(({ entries }) => entries.length),
    [1, 2],
  );
  assert.is(testNode.storage.maxConcurrent, 1);
  await testNode.node.stop();
});

test('entries are applied in order, each once, one call at a time', async () => {
  const testNode = await startSingle({ limits: { applyBytesMax: 60 } });
  testNode.machine.gate.close();
  for (let count = 0; count < 10; count += 1) {
    testNode.node.propose(DATA);
    await waitUntilQuiet();
    testNode.machine.gate.letThrough();
  }
  testNode.machine.gate.open();
  await waitUntil(() => testNode.machine.applied === 11);
  assert.equal(
    testNode.machine.entries.map(({ index }) => index),
    Array.from({ length: 11 }, (_, at) => at + 1),
  );
  assert.is(testNode.machine.underWayMax, 1);
  await testNode.node.stop();
});

test('read resolves only once everything committed before it is applied', async () => {
  const testNode = await startSingle();
  testNode.machine.gate.close();
  const { index } = testNode.node.propose(DATA);
  await waitUntil(() => testNode.machine.gate.waiting === 1);
  let read = 0;
  const reading = testNode.node.read().then((granted) => (read = granted));
  await waitUntilQuiet();
  assert.is(read, 0);
  testNode.machine.gate.open();
  await reading;
  assert.is(read, index);
  assert.is(await testNode.node.read(), index, 'immediately when everything is applied');
  await testNode.node.stop();
});

test('read is refused without a leader, and beyond readsMax including confirmed reads', async () => {
  const follower = await startNode(new TransportHub(), { id: 'a', members: ['a', 'b', 'c'] });
  assert.is(await rejection(follower.node.read()), 'NOT_LEADER');
  assert.throws(() => follower.node.propose(DATA), codeOf('NOT_LEADER'));
  await follower.node.stop();

  const testNode = await startSingle({ limits: { readsMax: 2 } });
  testNode.machine.gate.close();
  testNode.node.propose(DATA);
  await waitUntil(() => testNode.machine.gate.waiting === 1);
  const reads = [testNode.node.read(), testNode.node.read()];
  await waitUntilQuiet();
  assert.is(await rejection(testNode.node.read()), 'OVERLOADED');
  testNode.machine.gate.open();
  await Promise.all(reads);
  assert.is(await rejection(testNode.node.read()), 'resolved');
  await testNode.node.stop();
});

test('three nodes agree, and a deposed leader rejects its unconfirmed reads', async () => {
  const hub = new TransportHub();
  const testNodes = await startThree(hub);
  const [a, , c] = testNodes;
  a.node.propose(DATA);
  await waitUntil(() => a.machine.applied === 2);
  a.clock.advance(10);
  await waitUntil(() => testNodes.every(({ machine }) => machine.applied === 2));
  hub.delivers = ({ from, to }) => from !== 'a' && to !== 'a';
  const read = rejection(a.node.read());
  a.clock.advance(100);
  assert.is(await read, 'LEADERSHIP_LOST');
  assert.is(a.node.status().role, 'follower');
  hub.handlers.get('b')?.onLinkLost('a');
  hub.handlers.get('c')?.onLinkLost('a');
  // Of two members that campaign at the same time, the one with the smaller id yields.
  await waitUntil(() => c.node.status().leading);
  assert.equal(
    c.changes.map(({ role, leading }) => `${role} ${leading}`),
    [
      'follower false',
      'follower false',
      'follower false',
      'preCandidate false',
      'candidate false',
      'leader false',
      'leader true',
    ],
  );
  await stopAll(testNodes);
});

test('the leader resends from the matching index after a peer is reported unreachable', async () => {
  const hub = new TransportHub();
  const testNodes = await startThree(hub);
  const [a, b] = testNodes;
  hub.delivers = ({ to }) => to !== 'b';
  a.node.propose(DATA);
  await waitUntilQuiet();
  hub.delivers = () => true;
  hub.handlers.get('a')?.onUnreachable('b');
  await waitUntil(() => b.machine.applied === 2);
  await stopAll(testNodes);
});

test('a failed write is reported once as fatal, and nothing is sent, acknowledged or written afterwards', async () => {
  const hub = new TransportHub();
  const testNodes = await startThree(hub);
  const [a, b] = testNodes;
  b.storage.gate.close();
  a.node.propose(DATA);
  await waitUntil(() => b.storage.gate.waiting === 1);
  const failure = new Error('disk full');
  b.storage.failure = failure;
  const { length } = b.storage.batches;
  b.storage.gate.open();
  await waitUntil(() => b.fatal.length > 0);
  hub.sent.length = 0;
  hub.handlers.get('b')?.onMessage(message('heartbeat', { to: 'b' }));
  hub.handlers.get('b')?.onMessage(message('voteRequest', { from: 'c', to: 'b', term: 9 }));
  a.node.propose(DATA);
  b.clock.advance(1000);
  await waitUntilQuiet();
  assert.equal(b.fatal, [failure]);
  assert.equal(
    hub.sent.filter(({ from }) => from === 'b'),
    [],
  );
  assert.is(b.storage.batches.length, length);
  assert.throws(() => b.node.propose(DATA), codeOf('STOPPED'));
  assert.is(b.clock.timers, 0);
  await stopAll(testNodes);
  assert.ok(b.storage.isClosed);
});

test('a failed write rejects the reads of a leader', async () => {
  const testNode = await startSingle();
  testNode.machine.gate.close();
  testNode.node.propose(DATA);
  await waitUntil(() => testNode.machine.gate.waiting === 1);
  const read = rejection(testNode.node.read());
  await waitUntilQuiet();
  testNode.storage.failure = new Error('sync failed');
  testNode.node.propose(DATA);
  assert.is(await read, 'STOPPED');
  assert.is(testNode.fatal.length, 1);
  testNode.machine.gate.open();
  await testNode.node.stop();
});

test('a rejected apply is fatal', async () => {
  const testNode = await startSingle();
  testNode.machine.failure = new Error('broken machine');
  testNode.node.propose(DATA);
  await waitUntil(() => testNode.fatal.length === 1);
  assert.is(testNode.machine.applied, 1);
  await testNode.node.stop();
});

test('a broken invariant and an exception of a listener are fatal', async () => {
  const hub = new TransportHub();
  const testNode = await startNode(hub, { id: 'a', members: ['a', 'b'] });
  hub.handlers.get('a')?.onMessage(message('heartbeat', { from: 'b', to: 'a', commit: 7 }));
  assert.ok(codeOf('INVARIANT')(testNode.fatal[0]));
  await testNode.node.stop();

  const throwing = await startNode(new TransportHub(), {
    id: 'a',
    onChange: () => {
      throw new Error('listener');
    },
  });
  await waitUntil(() => throwing.fatal.length === 1);
  await throwing.node.stop();
});

test('a slow write is reported once while it runs, and once when it is done', async () => {
  const testNode = await startSingle();
  testNode.storage.gate.close();
  testNode.node.propose(DATA);
  await waitUntil(() => testNode.storage.gate.waiting === 1);
  testNode.clock.advance(40);
  assert.equal(testNode.events, []);
  testNode.clock.advance(100);
  assert.equal(testNode.events, [{ type: 'diskSlow', waitedMs: 140 }]);
  testNode.clock.advance(100);
  testNode.storage.gate.open();
  await waitUntil(() => testNode.machine.applied === 2);
  assert.equal(testNode.events.slice(1), [{ type: 'diskRecovered', tookMs: 240 }]);
  testNode.node.propose(DATA);
  await waitUntil(() => testNode.machine.applied === 3);
  testNode.clock.advance(100);
  assert.is(testNode.events.length, 2);
  await testNode.node.stop();
});

test('a slow apply delays neither heartbeats nor replication', async () => {
  const hub = new TransportHub();
  const testNodes = await startThree(hub);
  const [a, b] = testNodes;
  a.machine.gate.close();
  a.node.propose(DATA);
  await waitUntil(() => a.machine.gate.waiting === 1);
  for (let tick = 0; tick < 30; tick += 1) {
    hub.sent.length = 0;
    a.clock.advance(10);
    await waitUntil(() => hub.sent.filter(({ type }) => type === 'heartbeat').length === 2);
  }
  const { index } = a.node.propose(DATA);
  await waitUntil(() => b.node.log.stableIndex === index && a.node.log.commit === index);
  assert.equal([a.machine.applied, a.node.status().role], [1, 'leader']);
  a.machine.gate.open();
  await waitUntil(() => a.machine.applied === index);
  for (const { node } of testNodes) await node.stop();
});

test.run();
