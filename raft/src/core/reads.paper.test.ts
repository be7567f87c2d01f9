/** Linearizable reads by ReadIndex: Raft 8, thesis 6.4. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { TestMember, TIMEOUT_TICKS, leaderOf, followerOf } from './testing/test-member.js';
import { message, messagesOfType } from './testing/messages.js';
import { makeNetwork } from './testing/test-network.js';

/** A leader whose no-op is committed. */
function committedLeader(options: ConstructorParameters<typeof TestMember>[0] = {}): TestMember {
  const a = leaderOf(options);
  for (const from of ['b', 'c']) a.step(message('appendAccepted', { from, to: 'a', match: 1 }));
  a.takeSent();
  return a;
}

const codeOf = (code: string) => (error: unknown) => (error as { code: string }).code === code;

const answer = (round: number, from = 'b') => message('heartbeatResponse', { from, to: 'a', round });
const rounds = (member: TestMember): number[] =>
  messagesOfType('heartbeat', member.takeSent()).map(({ round }) => round);

test('8: reads wait until the no-op of a new leader is committed', () => {
  const a = leaderOf();
  a.read(1).step(answer(0), answer(1), answer(1, 'c'));
  assert.equal([a.grantedReads, rounds(a)], [[], []]);
  a.step(message('appendAccepted', { from: 'b', to: 'a', match: 1 }));
  assert.equal(rounds(a), [1, 1], 'the round opens at once');
  a.step(answer(1));
  assert.equal(a.grantedReads, [{ id: 1, index: 1 }]);
});

test('6.4: a read is granted at the commit index of its arrival, once a majority has confirmed the leader', () => {
  const a = committedLeader({ members: ['a', 'b', 'c', 'd', 'e'] });
  a.read(7);
  assert.equal(a.grantedReads, []);
  a.propose();
  for (const from of ['b', 'c']) a.step(message('appendAccepted', { from, to: 'a', match: 2 }));
  a.step(answer(1, 'd'), answer(1, 'd'));
  assert.equal(a.grantedReads, [], 'two answers of one member are no majority');
  a.step(answer(1, 'e'));
  assert.equal(a.grantedReads, [{ id: 7, index: 1 }]);
});

test('6.4: answers to a heartbeat that was sent before the read do not confirm it', () => {
  const a = committedLeader();
  a.tick().read(1).step(answer(0), answer(0, 'c'));
  assert.equal(a.grantedReads, []);
});

test('6.4: reads that arrive during a round share the next one', () => {
  const a = committedLeader();
  a.read(1).read(2).read(3);
  assert.equal(rounds(a), [1, 1]);
  a.step(answer(1));
  assert.equal(
    a.grantedReads.map(({ id }) => id),
    [1],
  );
  assert.equal(rounds(a), [2, 2]);
  a.step(answer(1, 'c'));
  assert.equal(
    a.grantedReads.map(({ id }) => id),
    [1],
  );
  a.step(answer(2, 'c'));
  assert.equal(
    a.grantedReads.map(({ id }) => id),
    [1, 2, 3],
  );
});

test('6.4: a lost round is repeated with the next heartbeat', () => {
  const a = committedLeader();
  a.read(1).takeSent();
  assert.equal(rounds(a.tick()), [1, 1]);
});

test('6.4: a follower answers a heartbeat with its round', () => {
  const b = followerOf('a', { id: 'b', term: 1 });
  b.step(message('heartbeat', { round: 4 }));
  assert.equal(b.takeSent(), [message('heartbeatResponse', { from: 'b', to: 'a', round: 4 })]);
});

test('6.4: a deposed leader grants no reads, and fails them when it learns of its successor', () => {
  const network = makeNetwork(['a', 'b', 'c']);
  const a = network.elect('a');
  network.isolate('a');
  a.read(1).read(2);
  network.elect('b').propose();
  network.deliverAll();
  network.heal();
  network.tick(TIMEOUT_TICKS);
  assert.equal([a.core.role, a.grantedReads, a.failedReads], ['follower', [], [1, 2]]);
});

test('a granted read that was not handed out before leadership was lost fails', () => {
  const a = committedLeader();
  a.read(1);
  a.core.step(answer(1));
  a.step(message('heartbeat', { from: 'b', to: 'a', term: 2 }));
  assert.equal([a.grantedReads, a.failedReads], [[], [1]]);
});

test('a large number of reads can fail at once', () => {
  const readsMax = 300_000;
  const a = committedLeader({ limits: { readsMax } });
  for (let id = 0; id < readsMax; id += 1) a.core.requestRead(id);
  a.handleReady();
  a.core.step(message('heartbeat', { from: 'b', to: 'a', term: 2 }));
  assert.is(a.core.ready().failedReads.length, readsMax);
});

test('a leader of a group of one confirms itself', () => {
  const a = leaderOfOne();
  assert.equal(a.read(1).grantedReads, [{ id: 1, index: 1 }]);
});

test('reads are refused beyond readsMax, and by a member without a known leader', () => {
  const a = committedLeader({ limits: { readsMax: 2 } });
  a.read(1).read(2);
  assert.throws(() => a.core.requestRead(3), codeOf('OVERLOADED'));
  a.step(answer(1), answer(2));
  a.read(3);
  const b = followerOf('a', { id: 'b', term: 1, limits: { readsMax: 2 } });
  b.read(1).read(2);
  assert.throws(() => b.core.requestRead(3), codeOf('OVERLOADED'));
  assert.throws(() => new TestMember().core.requestRead(1), /the leader is unknown/);
  assert.throws(() => new TestMember().core.requestRead(1), codeOf('NOT_LEADER'));
});

test('6.4: a follower requests the read index from its leader, once for several reads', () => {
  const network = makeNetwork(['a', 'b', 'c']);
  const a = network.elect('a');
  const b = network.member('b');
  network.tick();
  a.propose();
  network.deliverAll();
  const sent: string[] = [];
  network.filter = ({ type, from }) => {
    sent.push(`${type} ${from}`);
    return true;
  };
  b.core.requestRead(7);
  b.core.requestRead(8);
  b.handleReady();
  network.deliverAll();
  assert.equal(b.grantedReads, [
    { id: 7, index: 2 },
    { id: 8, index: 2 },
  ]);
  assert.is(sent.filter((one) => one === 'readRequest b').length, 1, 'one request for both');
  assert.ok(sent.includes('heartbeatResponse c') || sent.includes('heartbeatResponse b'));
});

test('6.4: a leader answers a read request only after a confirmed round, and only to members', () => {
  const a = committedLeader();
  a.step(message('readRequest', { from: 'b', to: 'a' }));
  assert.equal(messagesOfType('readResponse', a.takeSent()), []);
  a.step(answer(0, 'c'));
  assert.equal(messagesOfType('readResponse', a.takeSent()), []);
  a.step(answer(1, 'c'));
  assert.equal(a.takeSent(), [message('readResponse', { index: 1 })]);
  a.step(message('readRequest', { from: 'z', to: 'a' }));
  assert.equal(a.takeSent(), [], 'no answer to a process that is not a member');
});

test('a read request without an answer expires after an election timeout, and the next read sends a new one', () => {
  const b = followerOf('a', { id: 'b', term: 1 });
  b.read(1);
  const [first] = messagesOfType('readRequest', b.takeSent());
  b.read(2);
  for (let tick = 1; tick < 10; tick += 1) b.tick().step(message('heartbeat'));
  assert.equal([b.expiredReads, messagesOfType('readRequest', b.takeSent())], [[], []]);
  b.tick();
  assert.equal(b.expiredReads, [1]);
  const [second] = messagesOfType('readRequest', b.takeSent());
  assert.is(second?.request, (first?.request ?? 0) + 1);
  b.step(message('readResponse', { request: first?.request ?? 0, index: 4 }));
  assert.equal(b.grantedReads, [], 'a late answer is ignored');
  b.step(message('readResponse', { from: 'c', request: second?.request ?? 0, index: 4 }));
  assert.equal(b.grantedReads, [], 'so is an answer of another member');
  b.step(message('readResponse', { request: second?.request ?? 0, index: 4 }));
  assert.equal(b.grantedReads, [{ id: 2, index: 4 }]);
});

test('reads at a follower fail when its leader changes', () => {
  const b = followerOf('a', { id: 'b', term: 1 });
  b.read(1).read(2);
  b.step(message('heartbeat', { from: 'c', term: 2 }));
  assert.equal([b.grantedReads, b.failedReads], [[], [1, 2]]);
});

test('a restarted follower ignores answers to its earlier instance', () => {
  let draw = 0.1;
  const random = (): number => (draw += 0.01);
  const b = followerOf('a', { id: 'b', term: 1, random });
  b.read(1);
  const [request] = messagesOfType('readRequest', b.takeSent());
  b.restart();
  b.step(message('heartbeat'));
  b.read(2);
  b.step(message('readResponse', { request: request?.request ?? 0, index: 1 }));
  assert.equal(b.grantedReads, []);
});

test('read requests of followers count towards readsMax and get no answer beyond it', () => {
  const a = committedLeader({ limits: { readsMax: 2 } });
  a.read(1).read(2);
  a.step(message('readRequest', { from: 'b', to: 'a' }));
  a.step(answer(1), answer(2));
  assert.equal(messagesOfType('readResponse', a.takeSent()), []);
});

function leaderOfOne(): TestMember {
  const a = new TestMember({ members: ['a'] });
  a.core.campaign();
  return a.handleReady();
}

test.run();
