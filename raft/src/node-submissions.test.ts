/** Submissions: proposals whose makers hear when they are applied, or that no one can say. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Hub, quiet, startAlone, startNode, startThree, until } from './testing/driver.js';
import { SUBMISSIONS_MAX, Submissions } from './submissions.js';

const DATA = Buffer.from('x');

async function rejection(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => 'resolved',
    (error: unknown) => (error as { code: string }).code,
  );
}

test('submit() resolves with the index once this member has applied it, not before', async () => {
  const rig = await startAlone();
  rig.machine.gate.close();
  const told: number[] = [];
  const all = [1, 2, 3].map(async () => rig.node.submit(DATA).then((index) => told.push(index)));
  await quiet();
  assert.equal(told, []);
  rig.machine.gate.open();
  await Promise.all(all);
  assert.equal(told, [2, 3, 4]);
  assert.is(rig.machine.applied, 4);
  await rig.node.stop();
});

test('what surely had no effect says so: no leader, too large, stopped', async () => {
  const follower = await startNode(new Hub(), { id: 'a', members: ['a', 'b', 'c'] });
  assert.is(await rejection(follower.node.submit(DATA)), 'NOT_LEADER');
  await follower.node.stop();
  assert.is(await rejection(follower.node.submit(DATA)), 'STOPPED');

  const rig = await startAlone({ limits: { proposalBytesMax: 3 } });
  assert.is(await rejection(rig.node.submit(Buffer.alloc(4))), 'TOO_LARGE');
  assert.is(await rejection(rig.node.submit(Buffer.alloc(3))), 'resolved');
  assert.is(rig.machine.applied, 2);
  await rig.node.stop();
});

test('a submission whose fate is unknown is said to be: leadership lost, node stopped, disk failed', async () => {
  const hub = new Hub();
  const rigs = await startThree(hub);
  const [a] = rigs;
  hub.passes = ({ from, to }) => from !== 'a' && to !== 'a';
  const lost = rejection(a.node.submit(DATA));
  a.clock.advance(100);
  assert.is(await lost, 'LEADERSHIP_LOST');
  for (const { node } of rigs) await node.stop();

  const stopped = await startAlone();
  stopped.storage.gate.close();
  const submitted = rejection(stopped.node.submit(DATA));
  await quiet();
  const stopping = stopped.node.stop();
  assert.is(await submitted, 'LEADERSHIP_LOST');
  stopped.storage.gate.open();
  await stopping;

  const failed = await startAlone();
  failed.storage.failure = new Error('the disk is gone');
  assert.is(await rejection(failed.node.submit(DATA)), 'LEADERSHIP_LOST');
  await failed.node.stop();
});

test('a leader that is deposed and wins again tells nothing of what it submitted before', async () => {
  const hub = new Hub();
  const rigs = await startThree(hub);
  const [a, b, c] = rigs;
  hub.passes = ({ from, to }) => from !== 'a' && to !== 'a';
  const lost = rejection(a.node.submit(DATA));
  a.clock.advance(100);
  assert.is(await lost, 'LEADERSHIP_LOST');
  // Long enough to forget the leader, not to campaign.
  for (const { clock } of [b, c]) clock.advance(110);
  hub.passes = () => true;
  a.clock.advance(150);
  await until(() => a.node.status().leading);
  // It was in the log that won, so it came about after all: that is why no one may be told that it did not.
  assert.is(await a.node.submit(DATA), 4);
  assert.is(a.machine.entries.filter(({ kind }) => kind === 'command').length, 2);
  for (const { node } of rigs) await node.stop();
});

test('submissions wait in a bounded queue, and are settled in order up to what is applied', async () => {
  const submissions = new Submissions();
  const told: number[] = [];
  for (let index = 1; index <= SUBMISSIONS_MAX; index += 1) {
    void submissions.add(index, null).then((at) => told.push(at));
  }
  assert.throws(
    () => submissions.checkRoom(),
    (error: unknown) => (error as { code: string }).code === 'OVERLOADED',
  );
  submissions.applied(2);
  submissions.checkRoom();
  await quiet();
  assert.equal(told, [1, 2]);
  submissions.applied(SUBMISSIONS_MAX);
  assert.is(submissions.size, 0);
  await quiet();
  assert.is(told.length, SUBMISSIONS_MAX);
});

test('limits that make messages longer than the transport carries are refused at the start', async () => {
  const transport = { ...new Hub().transport('a'), messageBytesMax: 1_000_000 };
  const start = async (limits: object): Promise<string> =>
    rejection(startNode(new Hub(), { id: 'a', transport, limits }).then(async ({ node }) => node.stop()));
  assert.is(await start({}), 'BAD_CONFIG');
  assert.is(await start({ proposalBytesMax: 100_000 }), 'BAD_CONFIG');
  assert.is(await start({ proposalBytesMax: 100_000, appendBytesMax: 100_000 }), 'resolved');
});

test.run();
