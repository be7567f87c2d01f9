/** Linearizable reads by ReadIndex: Raft 8, thesis 6.4. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Member, TIMEOUT_TICKS, leaderOf, followerOf } from './testing/member.js';
import { message, only } from './testing/messages.js';
import { networkOf } from './testing/network.js';

/** A leader whose no-op is committed. */
function committedLeader(options: ConstructorParameters<typeof Member>[0] = {}): Member {
  const a = leaderOf(options);
  for (const from of ['b', 'c']) a.step(message('appendAccepted', { from, to: 'a', match: 1 }));
  a.take();
  return a;
}

const codeOf = (code: string) => (error: unknown) => (error as { code: string }).code === code;

const answer = (round: number, from = 'b') => message('heartbeatResponse', { from, to: 'a', round });
const rounds = (member: Member): number[] => only('heartbeat', member.take()).map(({ round }) => round);

test('8: a new leader knows what is committed only once its no-op is; reads wait until then', () => {
  const a = leaderOf();
  a.read(1).step(answer(0), answer(1), answer(1, 'c'));
  assert.equal([a.grants, rounds(a)], [[], []]);
  a.step(message('appendAccepted', { from: 'b', to: 'a', match: 1 }));
  assert.equal(rounds(a), [1, 1], 'the round opens at once');
  a.step(answer(1));
  assert.equal(a.grants, [{ id: 1, index: 1 }]);
});

test('6.4: a read is granted at the commit index of its start once a majority confirms the leader after it', () => {
  const a = committedLeader({ members: ['a', 'b', 'c', 'd', 'e'] });
  a.read(7);
  assert.equal(a.grants, []);
  a.propose();
  for (const from of ['b', 'c']) a.step(message('appendAccepted', { from, to: 'a', match: 2 }));
  a.step(answer(1, 'd'), answer(1, 'd'));
  assert.equal(a.grants, [], 'one member twice is no majority');
  a.step(answer(1, 'e'));
  assert.equal(a.grants, [{ id: 7, index: 1 }]);
});

test('6.4: an answer to a heartbeat from before the read confirms nothing', () => {
  const a = committedLeader();
  a.tick().read(1).step(answer(0), answer(0, 'c'));
  assert.equal(a.grants, []);
});

test('6.4: reads that come while a round is out share the next one', () => {
  const a = committedLeader();
  a.read(1).read(2).read(3);
  assert.equal(rounds(a), [1, 1]);
  a.step(answer(1));
  assert.equal(
    a.grants.map(({ id }) => id),
    [1],
  );
  assert.equal(rounds(a), [2, 2]);
  a.step(answer(1, 'c'));
  assert.equal(
    a.grants.map(({ id }) => id),
    [1],
  );
  a.step(answer(2, 'c'));
  assert.equal(
    a.grants.map(({ id }) => id),
    [1, 2, 3],
  );
});

test('6.4: a lost round is asked again with the next heartbeat', () => {
  const a = committedLeader();
  a.read(1).take();
  assert.equal(rounds(a.tick()), [1, 1]);
});

test('6.4: a follower answers with the round that it was asked for', () => {
  const b = followerOf('a', { id: 'b', term: 1 });
  b.step(message('heartbeat', { round: 4 }));
  assert.equal(b.take(), [message('heartbeatResponse', { from: 'b', to: 'a', round: 4 })]);
});

test('6.4: a leader that was deposed unknowingly grants nothing, and names its reads as lost when it learns of it', () => {
  const network = networkOf(['a', 'b', 'c']);
  const a = network.elect('a');
  network.isolate('a');
  a.read(1).read(2);
  network.elect('b').propose();
  network.settle();
  network.heal();
  network.tick(TIMEOUT_TICKS);
  assert.equal([a.core.role, a.grants, a.readsLost], ['follower', [], [1, 2]]);
});

test('a read granted and not yet handed out when leadership goes is named as lost', () => {
  const a = committedLeader();
  a.read(1);
  a.core.step(answer(1));
  a.step(message('heartbeat', { from: 'b', to: 'a', term: 2 }));
  assert.equal([a.grants, a.readsLost], [[], [1]]);
});

test('any number of reads can be lost at once', () => {
  const readsMax = 300_000;
  const a = committedLeader({ limits: { readsMax } });
  for (let id = 0; id < readsMax; id += 1) a.core.read(id);
  a.work();
  a.core.step(message('heartbeat', { from: 'b', to: 'a', term: 2 }));
  assert.is(a.core.ready().readsLost.length, readsMax);
});

test('a cluster of one confirms itself', () => {
  const a = leaderOfOne();
  assert.equal(a.read(1).grants, [{ id: 1, index: 1 }]);
});

test('reads beyond readsMax are refused; who knows no leader refuses all', () => {
  const a = committedLeader({ limits: { readsMax: 2 } });
  a.read(1).read(2);
  assert.throws(() => a.core.read(3), codeOf('OVERLOADED'));
  a.step(answer(1), answer(2));
  a.read(3);
  const b = followerOf('a', { id: 'b', term: 1, limits: { readsMax: 2 } });
  b.read(1).read(2);
  assert.throws(() => b.core.read(3), codeOf('OVERLOADED'));
  assert.throws(() => new Member().core.read(1), /leader is unknown/);
  assert.throws(() => new Member().core.read(1), codeOf('NOT_LEADER'));
});

test('6.4: a follower asks its leader, and is granted the index that was confirmed after it asked', () => {
  const network = networkOf(['a', 'b', 'c']);
  const a = network.elect('a');
  const b = network.member('b');
  network.tick();
  a.propose();
  network.settle();
  const asked: string[] = [];
  network.passes = ({ type, from }) => {
    asked.push(`${type} ${from}`);
    return true;
  };
  b.core.read(7);
  b.core.read(8);
  b.work();
  network.settle();
  assert.equal(b.grants, [
    { id: 7, index: 2 },
    { id: 8, index: 2 },
  ]);
  assert.is(asked.filter((one) => one === 'readRequest b').length, 1, 'one request for both');
  assert.ok(asked.includes('heartbeatResponse c') || asked.includes('heartbeatResponse b'));
});

test('6.4: a leader that was deposed unknowingly answers no follower', () => {
  const a = committedLeader();
  a.step(message('readRequest', { from: 'b', to: 'a' }));
  assert.equal(only('readResponse', a.take()), []);
  a.step(answer(0, 'c'));
  assert.equal(only('readResponse', a.take()), []);
  a.step(answer(1, 'c'));
  assert.equal(a.take(), [message('readResponse', { index: 1 })]);
  a.step(message('readRequest', { from: 'z', to: 'a' }));
  assert.equal(a.take(), [], 'nor a stranger');
});

test('a read at a follower gets no answer: it is given up after an election timeout, and the next one asks anew', () => {
  const b = followerOf('a', { id: 'b', term: 1 });
  b.read(1);
  const [first] = only('readRequest', b.take());
  b.read(2);
  for (let tick = 1; tick < 10; tick += 1) b.tick().step(message('heartbeat'));
  assert.equal([b.readsExpired, only('readRequest', b.take())], [[], []]);
  b.tick();
  assert.equal(b.readsExpired, [1]);
  const [second] = only('readRequest', b.take());
  assert.is(second?.request, (first?.request ?? 0) + 1);
  b.step(message('readResponse', { request: first?.request ?? 0, index: 4 }));
  assert.equal(b.grants, [], 'a late answer is for no one');
  b.step(message('readResponse', { from: 'c', request: second?.request ?? 0, index: 4 }));
  assert.equal(b.grants, [], 'nor that of another member');
  b.step(message('readResponse', { request: second?.request ?? 0, index: 4 }));
  assert.equal(b.grants, [{ id: 2, index: 4 }]);
});

test('a read at a follower is lost with the leader that it asked', () => {
  const b = followerOf('a', { id: 'b', term: 1 });
  b.read(1).read(2);
  b.step(message('heartbeat', { from: 'c', term: 2 }));
  assert.equal([b.grants, b.readsLost], [[], [1, 2]]);
});

test('a restarted follower takes no answer that was meant for its earlier life', () => {
  let draw = 0.1;
  const random = (): number => (draw += 0.01);
  const b = followerOf('a', { id: 'b', term: 1, random });
  b.read(1);
  const [asked] = only('readRequest', b.take());
  b.restart();
  b.step(message('heartbeat'));
  b.read(2);
  b.step(message('readResponse', { request: asked?.request ?? 0, index: 1 }));
  assert.equal(b.grants, []);
});

test('followers count towards the bound; the one beyond it gets no answer', () => {
  const a = committedLeader({ limits: { readsMax: 2 } });
  a.read(1).read(2);
  a.step(message('readRequest', { from: 'b', to: 'a' }));
  a.step(answer(1), answer(2));
  assert.equal(only('readResponse', a.take()), []);
});

function leaderOfOne(): Member {
  const a = new Member({ members: ['a'] });
  a.core.campaign();
  return a.work();
}

test.run();
