/** Membership changes through the driver: promises, notifications, and the peers of the transport. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { describeMembership } from './core/membership.js';
import { parseChange } from './core/testing/messages.js';
import type { Membership } from './core/types.js';
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
/** Allows voters that have not caught up with the log. */
const FORCED = { force: true };

async function rejection(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => 'resolved',
    (error: unknown) => (error as { code: string }).code,
  );
}

async function stopAll(testNodes: readonly TestNode[]): Promise<void> {
  for (const { node } of testNodes) await node.stop();
}

const membersOf = ({ node }: TestNode): string => describeMembership(node.status().membership);
const linksOf = (hub: TransportHub, id: string): string =>
  [...(hub.peers.get(id) ?? [])].toSorted().join(' ');

/** Advances all clocks until `condition` is true: followers learn the commit index with ticks. */
async function ticking(testNodes: readonly TestNode[], condition: () => boolean): Promise<void> {
  await waitUntil(() => {
    for (const { clock } of testNodes) clock.advance(10);
    return condition();
  });
}

test('a new member starts without members, becomes linked with all, and gets the log', async () => {
  const hub = new TransportHub();
  const testNodes: TestNode[] = [...(await startThree(hub))];
  const [a] = testNodes;
  const reported: Membership[] = [];
  const d = await startNode(hub, {
    id: 'd',
    members: [],
    onMembership: (membership) => reported.push(membership),
  });
  testNodes.push(d);
  assert.ok(a !== undefined);
  a.node.propose(DATA);
  await a.node.changeMembership([{ type: 'addLearner', id: 'd', address: 'at d' }]);
  assert.is(membersOf(a), 'a b c + d');
  await ticking(testNodes, () => d.machine.applied === 3 && a.node.matchIndexOf('d') === 3);
  assert.is(d.node.matchIndexOf('a'), null);
  await a.node.changeMembership([{ type: 'addVoter', id: 'd' }]);
  await ticking(testNodes, () => testNodes.every((testNode) => membersOf(testNode) === 'a b c d'));
  assert.equal(reported.map(describeMembership), ['', 'a b c + d', 'a b c d']);
  assert.equal(
    testNodes.map(({ node }) => linksOf(hub, node.status().id)),
    ['b c d', 'a c d', 'a b d', 'a b c'],
  );
  assert.is(d.node.status().membership.addresses.get('d'), 'at d');
  await stopAll(testNodes);
});

test('changeMembership of several members resolves after the joint configuration, and unlinks removed members', async () => {
  const hub = new TransportHub();
  const testNodes: TestNode[] = [...(await startThree(hub))];
  const [a] = testNodes;
  assert.ok(a !== undefined);
  for (const id of ['d', 'e']) testNodes.push(await startNode(hub, { id, members: [] }));
  let isDone = false;
  hub.delivers = ({ from }) => from !== 'd' && from !== 'e';
  const change = a.node.changeMembership(parseChange('-b -c +d +e'), FORCED).then(() => (isDone = true));
  await ticking([a], () => membersOf(a).includes('&'));
  await waitUntilQuiet();
  assert.not.ok(isDone);
  assert.is(await rejection(a.node.changeMembership(parseChange('+f'), FORCED)), 'CHANGE_PENDING');
  hub.delivers = () => true;
  await ticking(testNodes, () => isDone);
  await change;
  assert.is(membersOf(a), 'a d e');
  assert.is(linksOf(hub, 'a'), 'd e');
  await ticking(testNodes, () => testNodes.every((testNode) => membersOf(testNode) === 'a d e'));
  await stopAll(testNodes);
});

test('changeMembership resolves once a quorum knows it, so that removed members may stop and the leader may fail', async () => {
  const hub = new TransportHub();
  const testNodes: TestNode[] = [...(await startThree(hub))];
  const [a, b, c] = testNodes;
  assert.ok(a !== undefined && b !== undefined && c !== undefined);
  for (const id of ['d', 'e']) testNodes.push(await startNode(hub, { id, members: [] }));
  await a.node.changeMembership(parseChange('+d +e'), FORCED);
  let isDone = false;
  hub.delivers = ({ type, to }) => to !== 'a' || type !== 'heartbeatResponse';
  const change = a.node.changeMembership(parseChange('-d -e')).then(() => (isDone = true));
  await ticking(testNodes, () => membersOf(a) === 'a b c');
  await waitUntilQuiet();
  assert.not.ok(isDone, 'no member has reported that it knows');
  hub.delivers = () => true;
  await ticking(testNodes, () => isDone);
  await change;
  await stopAll([a, ...testNodes.slice(3)]);
  // Only one of the two advances, because both would campaign at the same time for ever.
  await waitUntilQuiet();
  c.clock.advance(120);
  await ticking([b], () => b.node.status().leading);
  await stopAll([b, c]);
});

test('a change may be logged and applied before a quorum knows the previous one', async () => {
  const hub = new TransportHub();
  const testNodes: TestNode[] = [...(await startThree(hub))];
  const [a] = testNodes;
  assert.ok(a !== undefined);
  hub.delivers = ({ type, to }) => to !== 'a' || type !== 'heartbeatResponse';
  const done: string[] = [];
  const first = a.node.changeMembership(parseChange('?d')).then(() => done.push('first'));
  await ticking(testNodes, () => membersOf(a) === 'a b c + d');
  const second = a.node.changeMembership(parseChange('-d')).then(() => done.push('second'));
  await ticking(testNodes, () => membersOf(a) === 'a b c');
  assert.equal(done, []);
  hub.delivers = () => true;
  await ticking(testNodes, () => done.length === 2);
  await Promise.all([first, second]);
  hub.delivers = ({ type, to }) => to !== 'a' || type !== 'heartbeatResponse';
  const lost = ['?d', '-d'].map(async (text, position) => {
    await ticking(testNodes, () => membersOf(a) === (position === 0 ? 'a b c' : 'a b c + d'));
    return rejection(a.node.changeMembership(parseChange(text)));
  });
  await ticking(testNodes, () => a.node.log.lastIndex === 5 && membersOf(a) === 'a b c');
  await a.node.stop();
  assert.equal(await Promise.all(lost), ['STOPPED', 'STOPPED']);
  await stopAll(testNodes.slice(1));
});

test('changeMembership refuses more changes at the bound of those unknown to a quorum', async () => {
  const hub = new TransportHub();
  const testNodes = await startThree(hub);
  const [a] = testNodes;
  hub.delivers = ({ type, to }) => to !== 'a' || type !== 'heartbeatResponse';
  const changes: Promise<string>[] = [];
  for (let change = 0; change < 16; change += 1) {
    const isRemoval = change % 2 === 1;
    changes.push(rejection(a.node.changeMembership(parseChange(isRemoval ? '-d' : '?d'))));
    await ticking(testNodes, () => membersOf(a) === (isRemoval ? 'a b c' : 'a b c + d'));
  }
  assert.is(await rejection(a.node.changeMembership(parseChange('?d'))), 'CHANGE_PENDING');
  hub.delivers = () => true;
  let settled: readonly string[] | null = null;
  void Promise.all(changes).then((all) => (settled = all));
  await ticking(testNodes, () => settled !== null);
  assert.equal(settled, new Array(16).fill('resolved'));
  await stopAll(testNodes);
});

test('a member without a leader accepts former peers, which may lead again, and drops them once it has a leader', async () => {
  const hub = new TransportHub();
  const testNodes = await startThree(hub);
  const [a, b] = testNodes;
  let isDone = false;
  const change = a.node.changeMembership(parseChange('-c')).then(() => (isDone = true));
  await ticking(testNodes, () => isDone && membersOf(b) === 'a b' && linksOf(hub, 'b') === 'a');
  await change;
  hub.delivers = ({ from, to }) => from !== 'b' && to !== 'b';
  await ticking([b], () => linksOf(hub, 'b') === 'a c');
  assert.is(b.node.status().leader, null);
  hub.delivers = () => true;
  await ticking([a, b], () => linksOf(hub, 'b') === 'a');
  assert.is.not(b.node.status().leader, null);
  await stopAll(testNodes);
});

test('changeMembership resolves for a leader that removes itself, and another member leads', async () => {
  const hub = new TransportHub();
  const testNodes = await startThree(hub);
  const [a, b, c] = testNodes;
  await a.node.changeMembership(parseChange('-a'));
  await waitUntil(() => a.node.status().role === 'follower');
  await ticking(testNodes, () => b.node.status().leading || c.node.status().leading);
  assert.equal([membersOf(a), membersOf(b)], ['b c', 'b c']);
  await stopAll(testNodes);
});

test('changeMembership refuses a change without a reachable majority, unless it is forced', async () => {
  const hub = new TransportHub();
  const testNodes = await startThree(hub);
  const [a, b, c] = testNodes;
  await c.node.stop();
  await waitUntilQuiet();
  hub.handlers.get('a')?.onLinkLost('c');
  for (const change of ['-b', '+d']) {
    const code = change === '-b' ? 'QUORUM_UNREACHABLE' : 'NOT_CAUGHT_UP';
    assert.is(await rejection(a.node.changeMembership(parseChange(change))), code);
  }
  assert.is(membersOf(a), 'a b c', 'nothing was changed');
  assert.equal(
    [a.node.isReachable('a'), a.node.isReachable('b'), a.node.isReachable('c')],
    [true, true, false],
  );
  assert.is(b.node.isReachable('a'), null, 'a follower does not know');
  let isDone = false;
  const removed = a.node.changeMembership(parseChange('-c')).then(() => (isDone = true));
  await ticking([a, b], () => isDone);
  await removed;
  const forced = rejection(a.node.changeMembership(parseChange('+d'), FORCED));
  await ticking([a, b], () => membersOf(a) === 'a b d');
  await stopAll([a, b]);
  assert.is(await forced, 'STOPPED');
});

test('changeMembership refuses an invalid change with a code, and changes nothing', async () => {
  const testNode = await startSingle();
  assert.is(await rejection(testNode.node.changeMembership(parseChange('+a'))), 'BAD_MEMBERSHIP');
  assert.is(await rejection(testNode.node.changeMembership(parseChange('-a'))), 'BAD_MEMBERSHIP');
  await testNode.node.stop();
  assert.is(await rejection(testNode.node.changeMembership(parseChange('+b'))), 'STOPPED');
  const follower = await startNode(new TransportHub(), { id: 'a', members: ['a', 'b', 'c'] });
  assert.is(await rejection(follower.node.changeMembership(parseChange('+d'))), 'NOT_LEADER');
  await follower.node.stop();
});

test('changeMembership rejects with a code for an unknown outcome: leadership lost, node stopped, disk failed', async () => {
  const hub = new TransportHub();
  const testNodes = await startThree(hub);
  const [a] = testNodes;
  hub.delivers = ({ from, to }) => from !== 'a' && to !== 'a';
  const lost = rejection(a.node.changeMembership(parseChange('+d'), FORCED));
  a.clock.advance(100);
  assert.is(await lost, 'LEADERSHIP_LOST');
  await stopAll(testNodes);

  const stopped = await startSingle();
  stopped.storage.gate.close();
  const change = rejection(stopped.node.changeMembership(parseChange('+b'), FORCED));
  await waitUntilQuiet();
  const stopping = stopped.node.stop();
  assert.is(await change, 'STOPPED');
  stopped.storage.gate.open();
  await stopping;

  const failed = await startSingle();
  failed.storage.failure = new Error('disk failed');
  assert.is(await rejection(failed.node.changeMembership(parseChange('+b'), FORCED)), 'STOPPED');
  await failed.node.stop();
});

test('start takes the membership from the log, not from the options, after a restart', async () => {
  const hub = new TransportHub();
  const testNode = await startNode(hub, { id: 'a' });
  await waitUntil(() => testNode.node.status().leading);
  await testNode.node.changeMembership(parseChange('?b ?c'));
  await testNode.node.stop();
  const restarted = await startNode(hub, {
    id: 'a',
    members: ['a', 'x', 'y'],
    storage: testNode.storage,
    stateMachine: testNode.machine,
  });
  assert.is(membersOf(restarted), 'a + b c');
  await waitUntil(() => restarted.node.status().leading);
  await restarted.node.stop();
});

test.run();
