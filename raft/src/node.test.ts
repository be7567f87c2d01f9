/** The driver on a disk, network, clock and machine in memory. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { message } from './core/testing/messages.js';
import { Hub, quiet, startAlone, startNode, startThree, until, type Rig } from './testing/driver.js';

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

test('group commit: whatever is proposed in one turn goes to disk in one batch and to the machine in one call', async () => {
  const rig = await startAlone();
  const before = rig.storage.batches.length;
  const places = Array.from({ length: 50 }, () => rig.node.propose(DATA));
  await until(() => rig.machine.applied === 51);
  assert.equal(
    rig.storage.batches.slice(before).map(({ entries }) => entries.length),
    [50],
  );
  assert.equal(
    places.map(({ index, term }) => [index, term]),
    Array.from({ length: 50 }, (_, at) => [at + 2, 1]),
  );
  await rig.node.stop();
});

test('at most one persist is under way; what gathers meanwhile goes into the next', async () => {
  const rig = await startAlone();
  const before = rig.storage.batches.length;
  rig.storage.gate.close();
  for (let count = 0; count < 3; count += 1) {
    rig.node.propose(DATA);
    await quiet();
  }
  assert.is(rig.machine.applied, 1);
  rig.storage.gate.open();
  await until(() => rig.machine.applied === 4);
  assert.equal(
    rig.storage.batches.slice(before).map(({ entries }) => entries.length),
    [1, 2],
  );
  assert.is(rig.storage.underWayMax, 1);
  await rig.node.stop();
});

test('entries are applied in order, each once, one call at a time', async () => {
  const rig = await startAlone({ limits: { applyBytesMax: 60 } });
  rig.machine.gate.close();
  for (let count = 0; count < 10; count += 1) {
    rig.node.propose(DATA);
    await quiet();
    rig.machine.gate.letThrough();
  }
  rig.machine.gate.open();
  await until(() => rig.machine.applied === 11);
  assert.equal(
    rig.machine.entries.map(({ index }) => index),
    Array.from({ length: 11 }, (_, at) => at + 1),
  );
  assert.is(rig.machine.underWayMax, 1);
  await rig.node.stop();
});

test('read() resolves only once everything committed before it is applied', async () => {
  const rig = await startAlone();
  rig.machine.gate.close();
  const { index } = rig.node.propose(DATA);
  await until(() => rig.machine.gate.waiting === 1);
  let read = 0;
  const reading = rig.node.read().then((granted) => (read = granted));
  await quiet();
  assert.is(read, 0);
  rig.machine.gate.open();
  await reading;
  assert.is(read, index);
  assert.is(await rig.node.read(), index, 'at once when all is applied');
  await rig.node.stop();
});

test('read() is refused by whoever does not lead, and beyond readsMax, confirmed ones included', async () => {
  const follower = await startNode(new Hub(), { id: 'a', members: ['a', 'b', 'c'] });
  assert.is(await rejection(follower.node.read()), 'NOT_LEADER');
  assert.throws(() => follower.node.propose(DATA), codeOf('NOT_LEADER'));
  await follower.node.stop();

  const rig = await startAlone({ limits: { readsMax: 2 } });
  rig.machine.gate.close();
  rig.node.propose(DATA);
  await until(() => rig.machine.gate.waiting === 1);
  const reads = [rig.node.read(), rig.node.read()];
  await quiet();
  assert.is(await rejection(rig.node.read()), 'OVERLOADED');
  rig.machine.gate.open();
  await Promise.all(reads);
  assert.is(await rejection(rig.node.read()), 'resolved');
  await rig.node.stop();
});

test('three nodes agree, and a leader that loses its leadership rejects the reads that it cannot confirm', async () => {
  const hub = new Hub();
  const rigs = await startThree(hub);
  const [a, , c] = rigs;
  a.node.propose(DATA);
  await until(() => a.machine.applied === 2);
  a.clock.advance(10);
  await until(() => rigs.every(({ machine }) => machine.applied === 2));
  hub.passes = ({ from, to }) => from !== 'a' && to !== 'a';
  const read = rejection(a.node.read());
  a.clock.advance(100);
  assert.is(await read, 'LEADERSHIP_LOST');
  assert.is(a.node.status().role, 'follower');
  hub.handlers.get('b')?.linkLost('a');
  hub.handlers.get('c')?.linkLost('a');
  // Of two that ask at the same moment the one with the lesser id gives way.
  await until(() => c.node.status().leading);
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
  await stopAll(rigs);
});

test('a link reported as unreachable makes the leader send again from what is agreed', async () => {
  const hub = new Hub();
  const rigs = await startThree(hub);
  const [a, b] = rigs;
  hub.passes = ({ to }) => to !== 'b';
  a.node.propose(DATA);
  await quiet();
  hub.passes = () => true;
  hub.handlers.get('a')?.unreachable('b');
  await until(() => b.machine.applied === 2);
  await stopAll(rigs);
});

test('a failed write is fatal, once: nothing is sent, acknowledged or written afterwards', async () => {
  const hub = new Hub();
  const rigs = await startThree(hub);
  const [a, b] = rigs;
  b.storage.gate.close();
  a.node.propose(DATA);
  await until(() => b.storage.gate.waiting === 1);
  const failure = new Error('disk full');
  b.storage.failure = failure;
  const { length } = b.storage.batches;
  b.storage.gate.open();
  await until(() => b.fatal.length > 0);
  hub.sent.length = 0;
  hub.handlers.get('b')?.message(message('heartbeat', { to: 'b' }));
  hub.handlers.get('b')?.message(message('voteRequest', { from: 'c', to: 'b', term: 9 }));
  a.node.propose(DATA);
  b.clock.advance(1000);
  await quiet();
  assert.equal(b.fatal, [failure]);
  assert.equal(
    hub.sent.filter(({ from }) => from === 'b'),
    [],
  );
  assert.is(b.storage.batches.length, length);
  assert.throws(() => b.node.propose(DATA), codeOf('STOPPED'));
  assert.is(b.clock.timers, 0);
  await stopAll(rigs);
  assert.ok(b.storage.isClosed);
});

test('a failed write of a leader rejects its reads', async () => {
  const rig = await startAlone();
  rig.machine.gate.close();
  rig.node.propose(DATA);
  await until(() => rig.machine.gate.waiting === 1);
  const read = rejection(rig.node.read());
  await quiet();
  rig.storage.failure = new Error('sync failed');
  rig.node.propose(DATA);
  assert.is(await read, 'STOPPED');
  assert.is(rig.fatal.length, 1);
  rig.machine.gate.open();
  await rig.node.stop();
});

test('a machine that rejects is fatal', async () => {
  const rig = await startAlone();
  rig.machine.failure = new Error('broken book');
  rig.node.propose(DATA);
  await until(() => rig.fatal.length === 1);
  assert.is(rig.machine.applied, 1);
  await rig.node.stop();
});

test('a broken invariant is fatal, and so is a listener that throws', async () => {
  const hub = new Hub();
  const rig = await startNode(hub, { id: 'a', members: ['a', 'b'] });
  hub.handlers.get('a')?.message(message('heartbeat', { from: 'b', to: 'a', commit: 7 }));
  assert.ok(codeOf('INVARIANT')(rig.fatal[0]));
  await rig.node.stop();

  const throwing = await startNode(new Hub(), {
    id: 'a',
    onChange: () => {
      throw new Error('listener');
    },
  });
  await until(() => throwing.fatal.length === 1);
  await throwing.node.stop();
});

test('a disk that takes long is told of once while it does, and once when it has come through', async () => {
  const rig = await startAlone();
  rig.storage.gate.close();
  rig.node.propose(DATA);
  await until(() => rig.storage.gate.waiting === 1);
  rig.clock.advance(40);
  assert.equal(rig.events, []);
  rig.clock.advance(100);
  assert.equal(rig.events, [{ type: 'diskSlow', waitedMs: 140 }]);
  rig.clock.advance(100);
  rig.storage.gate.open();
  await until(() => rig.machine.applied === 2);
  assert.equal(rig.events.slice(1), [{ type: 'diskRecovered', tookMs: 240 }]);
  rig.node.propose(DATA);
  await until(() => rig.machine.applied === 3);
  rig.clock.advance(100);
  assert.is(rig.events.length, 2);
  await rig.node.stop();
});

test('applying slowly never delays heartbeats, nor what is replicated', async () => {
  const hub = new Hub();
  const rigs = await startThree(hub);
  const [a, b] = rigs;
  a.machine.gate.close();
  a.node.propose(DATA);
  await until(() => a.machine.gate.waiting === 1);
  for (let tick = 0; tick < 30; tick += 1) {
    hub.sent.length = 0;
    a.clock.advance(10);
    await until(() => hub.sent.filter(({ type }) => type === 'heartbeat').length === 2);
  }
  const { index } = a.node.propose(DATA);
  await until(() => b.node.log.stableIndex === index && a.node.log.commit === index);
  assert.equal([a.machine.applied, a.node.status().role], [1, 'leader']);
  a.machine.gate.open();
  await until(() => a.machine.applied === index);
  for (const { node } of rigs) await node.stop();
});

test.run();
