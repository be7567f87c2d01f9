/** Submissions: proposals whose callers learn when they are applied, or that the outcome is unknown. */
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
import { SUBMISSIONS_MAX, Submissions } from './submissions.js';

const DATA = Buffer.from('x');

async function rejection(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => 'resolved',
    (error: unknown) => (error as { code: string }).code,
  );
}

test('submit resolves with the index once this member has applied it, not before', async () => {
  const testNode = await startSingle();
  testNode.machine.gate.close();
  const resolved: number[] = [];
  const all = [1, 2, 3].map(async () => testNode.node.submit(DATA).then((index) => resolved.push(index)));
  await waitUntilQuiet();
  assert.equal(resolved, []);
  testNode.machine.gate.open();
  await Promise.all(all);
  assert.equal(resolved, [2, 3, 4]);
  assert.is(testNode.machine.applied, 4);
  await testNode.node.stop();
});

test('submit rejects with a code for a command without effect: no leader, too large, stopped', async () => {
  const follower = await startNode(new TransportHub(), { id: 'a', members: ['a', 'b', 'c'] });
  assert.is(await rejection(follower.node.submit(DATA)), 'NOT_LEADER');
  await follower.node.stop();
  assert.is(await rejection(follower.node.submit(DATA)), 'STOPPED');

  const testNode = await startSingle({ limits: { proposalBytesMax: 3 } });
  assert.is(await rejection(testNode.node.submit(Buffer.alloc(4))), 'TOO_LARGE');
  assert.is(await rejection(testNode.node.submit(Buffer.alloc(3))), 'resolved');
  assert.is(testNode.machine.applied, 2);
  await testNode.node.stop();
});

test('submit rejects with a code for an unknown outcome: leadership lost, node stopped, disk failed', async () => {
  const hub = new TransportHub();
  const testNodes = await startThree(hub);
  const [a] = testNodes;
  hub.delivers = ({ from, to }) => from !== 'a' && to !== 'a';
  const lost = rejection(a.node.submit(DATA));
  a.clock.advance(100);
  assert.is(await lost, 'LEADERSHIP_LOST');
  for (const { node } of testNodes) await node.stop();

  const stopped = await startSingle();
  stopped.storage.gate.close();
  const submitted = rejection(stopped.node.submit(DATA));
  await waitUntilQuiet();
  const stopping = stopped.node.stop();
  assert.is(await submitted, 'LEADERSHIP_LOST');
  stopped.storage.gate.open();
  await stopping;

  const failed = await startSingle();
  failed.storage.failure = new Error('disk failed');
  assert.is(await rejection(failed.node.submit(DATA)), 'LEADERSHIP_LOST');
  await failed.node.stop();
});

test('submit rejects with LEADERSHIP_LOST when the leader is deposed, even if it wins again and commits the entry', async () => {
  const hub = new TransportHub();
  const testNodes = await startThree(hub);
  const [a, b, c] = testNodes;
  hub.delivers = ({ from, to }) => from !== 'a' && to !== 'a';
  const lost = rejection(a.node.submit(DATA));
  a.clock.advance(100);
  assert.is(await lost, 'LEADERSHIP_LOST');
  // Long enough to forget the leader, but not to campaign.
  for (const { clock } of [b, c]) clock.advance(110);
  hub.delivers = () => true;
  a.clock.advance(150);
  await waitUntil(() => a.node.status().leading);
  // The entry was in the log of the elected leader, so it was committed after all: the error must not deny
  // it.
  assert.is(await a.node.submit(DATA), 4);
  assert.is(a.machine.entries.filter(({ kind }) => kind === 'command').length, 2);
  for (const { node } of testNodes) await node.stop();
});

test('Submissions bounds waiting submissions, and resolves them in order up to the applied index', async () => {
  const submissions = new Submissions();
  const resolved: number[] = [];
  for (let index = 1; index <= SUBMISSIONS_MAX; index += 1) {
    void submissions.add(index, null).then((at) => resolved.push(at));
  }
  assert.throws(
    () => submissions.checkCapacity(),
    (error: unknown) => (error as { code: string }).code === 'OVERLOADED',
  );
  submissions.onApplied(2);
  submissions.checkCapacity();
  await waitUntilQuiet();
  assert.equal(resolved, [1, 2]);
  submissions.onApplied(SUBMISSIONS_MAX);
  assert.is(submissions.size, 0);
  await waitUntilQuiet();
  assert.is(resolved.length, SUBMISSIONS_MAX);
});

test('start refuses limits that need longer messages than the transport carries', async () => {
  const transport = { ...new TransportHub().transport('a'), messageBytesMax: 1_000_000 };
  const start = async (limits: object): Promise<string> =>
    rejection(
      startNode(new TransportHub(), { id: 'a', transport, limits }).then(async ({ node }) => node.stop()),
    );
  assert.is(await start({}), 'BAD_CONFIG');
  assert.is(await start({ proposalBytesMax: 100_000 }), 'BAD_CONFIG');
  assert.is(await start({ proposalBytesMax: 100_000, appendBytesMax: 100_000 }), 'resolved');
});

test.run();
