/** Membership changes through the driver: its promise, its observer, and what the transport is told. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { describeMembership } from './core/membership.js';
import { changeOf } from './core/testing/messages.js';
import type { Membership } from './core/types.js';
import { Hub, quiet, startAlone, startNode, startThree, until, type Rig } from './testing/driver.js';

const DATA = Buffer.from('x');
/** Members that have not learned the log yet may be voters. */
const FORCED = { force: true };

async function rejection(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => 'resolved',
    (error: unknown) => (error as { code: string }).code,
  );
}

async function stopAll(rigs: readonly Rig[]): Promise<void> {
  for (const { node } of rigs) await node.stop();
}

const membersOf = ({ node }: Rig): string => describeMembership(node.status().membership);
const linksOf = (hub: Hub, id: string): string => [...(hub.peers.get(id) ?? [])].toSorted().join(' ');

/** Lets time pass in all until `condition` holds: the news of a commit goes out with ticks. */
async function ticking(rigs: readonly Rig[], condition: () => boolean): Promise<void> {
  await until(() => {
    for (const { clock } of rigs) clock.advance(10);
    return condition();
  });
}

test('a member is let in: it starts with no one, is linked with all, and has what they have', async () => {
  const hub = new Hub();
  const rigs: Rig[] = [...(await startThree(hub))];
  const [a] = rigs;
  const told: Membership[] = [];
  const d = await startNode(hub, {
    id: 'd',
    members: [],
    onMembership: (membership) => told.push(membership),
  });
  rigs.push(d);
  assert.ok(a !== undefined);
  a.node.propose(DATA);
  await a.node.changeMembership([{ type: 'addLearner', id: 'd', address: 'at d' }]);
  assert.is(membersOf(a), 'a b c + d');
  await ticking(rigs, () => d.machine.applied === 3 && a.node.matchOf('d') === 3);
  assert.is(d.node.matchOf('a'), null);
  await a.node.changeMembership([{ type: 'addVoter', id: 'd' }]);
  await ticking(rigs, () => rigs.every((rig) => membersOf(rig) === 'a b c d'));
  assert.equal(told.map(describeMembership), ['', 'a b c + d', 'a b c d']);
  assert.equal(
    rigs.map(({ node }) => linksOf(hub, node.status().id)),
    ['b c d', 'a c d', 'a b d', 'a b c'],
  );
  assert.is(d.node.status().membership.addresses.get('d'), 'at d');
  await stopAll(rigs);
});

test('several at once: the promise waits until the joint configuration is left; who went is unlinked', async () => {
  const hub = new Hub();
  const rigs: Rig[] = [...(await startThree(hub))];
  const [a] = rigs;
  assert.ok(a !== undefined);
  for (const id of ['d', 'e']) rigs.push(await startNode(hub, { id, members: [] }));
  let isDone = false;
  hub.passes = ({ from }) => from !== 'd' && from !== 'e';
  const change = a.node.changeMembership(changeOf('-b -c +d +e'), FORCED).then(() => (isDone = true));
  await ticking([a], () => membersOf(a).includes('&'));
  await quiet();
  assert.not.ok(isDone);
  assert.is(await rejection(a.node.changeMembership(changeOf('+f'), FORCED)), 'CHANGE_PENDING');
  hub.passes = () => true;
  await ticking(rigs, () => isDone);
  await change;
  assert.is(membersOf(a), 'a d e');
  assert.is(linksOf(hub, 'a'), 'd e');
  await ticking(rigs, () => rigs.every((rig) => membersOf(rig) === 'a d e'));
  await stopAll(rigs);
});

test('a change is done when enough of those who stay know it, so that who left may be stopped and the leader may fail', async () => {
  const hub = new Hub();
  const rigs: Rig[] = [...(await startThree(hub))];
  const [a, b, c] = rigs;
  assert.ok(a !== undefined && b !== undefined && c !== undefined);
  for (const id of ['d', 'e']) rigs.push(await startNode(hub, { id, members: [] }));
  await a.node.changeMembership(changeOf('+d +e'), FORCED);
  let isDone = false;
  hub.passes = ({ type, to }) => to !== 'a' || type !== 'heartbeatResponse';
  const change = a.node.changeMembership(changeOf('-d -e')).then(() => (isDone = true));
  await ticking(rigs, () => membersOf(a) === 'a b c');
  await quiet();
  assert.not.ok(isDone, 'no one has said that it knows');
  hub.passes = () => true;
  await ticking(rigs, () => isDone);
  await change;
  await stopAll([a, ...rigs.slice(3)]);
  // Only one of the two, as both would ask at the same time and for ever.
  await quiet();
  c.clock.advance(120);
  await ticking([b], () => b.node.status().leading);
  await stopAll([b, c]);
});

test('a change is promised by itself: another one may be logged, and applied, before a quorum knows of it', async () => {
  const hub = new Hub();
  const rigs: Rig[] = [...(await startThree(hub))];
  const [a] = rigs;
  assert.ok(a !== undefined);
  hub.passes = ({ type, to }) => to !== 'a' || type !== 'heartbeatResponse';
  const done: string[] = [];
  const first = a.node.changeMembership(changeOf('?d')).then(() => done.push('first'));
  await ticking(rigs, () => membersOf(a) === 'a b c + d');
  const second = a.node.changeMembership(changeOf('-d')).then(() => done.push('second'));
  await ticking(rigs, () => membersOf(a) === 'a b c');
  assert.equal(done, []);
  hub.passes = () => true;
  await ticking(rigs, () => done.length === 2);
  await Promise.all([first, second]);
  hub.passes = ({ type, to }) => to !== 'a' || type !== 'heartbeatResponse';
  const lost = ['?d', '-d'].map(async (text, place) => {
    await ticking(rigs, () => membersOf(a) === (place === 0 ? 'a b c' : 'a b c + d'));
    return rejection(a.node.changeMembership(changeOf(text)));
  });
  await ticking(rigs, () => a.node.log.lastIndex === 5 && membersOf(a) === 'a b c');
  await a.node.stop();
  assert.equal(await Promise.all(lost), ['STOPPED', 'STOPPED']);
  await stopAll(rigs.slice(1));
});

test('changes that no quorum knows of are taken up to a bound', async () => {
  const hub = new Hub();
  const rigs = await startThree(hub);
  const [a] = rigs;
  hub.passes = ({ type, to }) => to !== 'a' || type !== 'heartbeatResponse';
  const changes: Promise<string>[] = [];
  for (let change = 0; change < 16; change += 1) {
    const isGoing = change % 2 === 1;
    changes.push(rejection(a.node.changeMembership(changeOf(isGoing ? '-d' : '?d'))));
    await ticking(rigs, () => membersOf(a) === (isGoing ? 'a b c' : 'a b c + d'));
  }
  assert.is(await rejection(a.node.changeMembership(changeOf('?d'))), 'CHANGE_PENDING');
  hub.passes = () => true;
  let settled: readonly string[] | null = null;
  void Promise.all(changes).then((all) => (settled = all));
  await ticking(rigs, () => settled !== null);
  assert.equal(settled, new Array(16).fill('resolved'));
  await stopAll(rigs);
});

test('who follows no one hears those that it has dismissed: one may be back, and lead; led again, it drops them', async () => {
  const hub = new Hub();
  const rigs = await startThree(hub);
  const [a, b] = rigs;
  let isDone = false;
  const change = a.node.changeMembership(changeOf('-c')).then(() => (isDone = true));
  await ticking(rigs, () => isDone && membersOf(b) === 'a b' && linksOf(hub, 'b') === 'a');
  await change;
  hub.passes = ({ from, to }) => from !== 'b' && to !== 'b';
  await ticking([b], () => linksOf(hub, 'b') === 'a c');
  assert.is(b.node.status().leader, null);
  hub.passes = () => true;
  await ticking([a, b], () => linksOf(hub, 'b') === 'a');
  assert.is.not(b.node.status().leader, null);
  await stopAll(rigs);
});

test('a leader that removes itself hears of it, and another one leads', async () => {
  const hub = new Hub();
  const rigs = await startThree(hub);
  const [a, b, c] = rigs;
  await a.node.changeMembership(changeOf('-a'));
  await until(() => a.node.status().role === 'follower');
  await ticking(rigs, () => b.node.status().leading || c.node.status().leading);
  assert.equal([membersOf(a), membersOf(b)], ['b c', 'b c']);
  await stopAll(rigs);
});

test('a change that leaves no majority that answers is refused, unless forced', async () => {
  const hub = new Hub();
  const rigs = await startThree(hub);
  const [a, b, c] = rigs;
  await c.node.stop();
  await quiet();
  hub.handlers.get('a')?.linkLost('c');
  for (const change of ['-b', '+d']) {
    const code = change === '-b' ? 'QUORUM_UNREACHABLE' : 'NOT_CAUGHT_UP';
    assert.is(await rejection(a.node.changeMembership(changeOf(change))), code);
  }
  assert.is(membersOf(a), 'a b c', 'nothing was changed');
  assert.equal(
    [a.node.isReachable('a'), a.node.isReachable('b'), a.node.isReachable('c')],
    [true, true, false],
  );
  assert.is(b.node.isReachable('a'), null, 'who does not lead knows nothing');
  let isDone = false;
  const removed = a.node.changeMembership(changeOf('-c')).then(() => (isDone = true));
  await ticking([a, b], () => isDone);
  await removed;
  const forced = rejection(a.node.changeMembership(changeOf('+d'), FORCED));
  await ticking([a, b], () => membersOf(a) === 'a b d');
  await stopAll([a, b]);
  assert.is(await forced, 'STOPPED');
});

test('a change that cannot be is refused by its code and changes nothing', async () => {
  const rig = await startAlone();
  assert.is(await rejection(rig.node.changeMembership(changeOf('+a'))), 'BAD_MEMBERSHIP');
  assert.is(await rejection(rig.node.changeMembership(changeOf('-a'))), 'BAD_MEMBERSHIP');
  await rig.node.stop();
  assert.is(await rejection(rig.node.changeMembership(changeOf('+b'))), 'STOPPED');
  const follower = await startNode(new Hub(), { id: 'a', members: ['a', 'b', 'c'] });
  assert.is(await rejection(follower.node.changeMembership(changeOf('+d'))), 'NOT_LEADER');
  await follower.node.stop();
});

test('a change whose fate is unknown is said to be: leadership lost, node stopped, disk failed', async () => {
  const hub = new Hub();
  const rigs = await startThree(hub);
  const [a] = rigs;
  hub.passes = ({ from, to }) => from !== 'a' && to !== 'a';
  const lost = rejection(a.node.changeMembership(changeOf('+d'), FORCED));
  a.clock.advance(100);
  assert.is(await lost, 'LEADERSHIP_LOST');
  await stopAll(rigs);

  const stopped = await startAlone();
  stopped.storage.gate.close();
  const change = rejection(stopped.node.changeMembership(changeOf('+b'), FORCED));
  await quiet();
  const stopping = stopped.node.stop();
  assert.is(await change, 'STOPPED');
  stopped.storage.gate.open();
  await stopping;

  const failed = await startAlone();
  failed.storage.failure = new Error('the disk is gone');
  assert.is(await rejection(failed.node.changeMembership(changeOf('+b'), FORCED)), 'STOPPED');
  await failed.node.stop();
});

test('after a restart the log says who is in the group, not the options', async () => {
  const hub = new Hub();
  const rig = await startNode(hub, { id: 'a' });
  await until(() => rig.node.status().leading);
  await rig.node.changeMembership(changeOf('?b ?c'));
  await rig.node.stop();
  const again = await startNode(hub, {
    id: 'a',
    members: ['a', 'x', 'y'],
    storage: rig.storage,
    machine: rig.machine,
  });
  assert.is(membersOf(again), 'a + b c');
  await until(() => again.node.status().leading);
  await again.node.stop();
});

test.run();
