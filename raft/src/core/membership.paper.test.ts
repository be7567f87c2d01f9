/** Membership changes: Raft 6, thesis 4, and etcd's additional rules. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { acknowledge, networkWithVoters, makeMembershipEntry, committedLeader } from './testing/groups.js';
import { ELECTION_TICKS, TestMember, TIMEOUT_TICKS, followerOf } from './testing/test-member.js';
import { makeCommandEntry, makeLog, message, messagesOfType } from './testing/messages.js';
import type { TestNetwork } from './testing/test-network.js';
import type { Message } from './types.js';

const codeOf = (code: string) => (error: unknown) => (error as { code: string }).code === code;

/** Changes the group at `leader`, and lets all members learn of it. */
function change(network: TestNetwork, leader: string, text: string): void {
  network.member(leader).change(text);
  network.deliverAll();
  network.tick(2);
}

const allAre = (network: TestNetwork, ids: string, members: string): void => {
  for (const id of ids.split(' ')) assert.is(network.member(id).members, members, id);
};

test('4.1: an added voter receives the log, learns the configuration from it, and votes', () => {
  const network = networkWithVoters('a b c d', 'a b c');
  const a = network.elect('a');
  for (let count = 0; count < 5; count += 1) a.propose();
  change(network, 'a', '+d');
  allAre(network, 'a b c d', 'a b c d');
  assert.is(network.member('d').machine.length, a.machine.length);
  // A majority is three of four now.
  network.isolate('b');
  network.isolate('c');
  const index = a.propose();
  network.deliverAll();
  assert.ok(a.core.log.commit < index);
  network.heal();
  network.tick(2);
  assert.ok(network.elect('d').core.log.commit >= index);
});

test('4.1: after the removal of a voter the others are the majority', () => {
  const network = networkWithVoters('a b c', 'a b c');
  const a = network.elect('a');
  change(network, 'a', '-c');
  allAre(network, 'a b c', 'a b');
  network.isolate('c');
  network.isolate('b');
  const index = a.propose();
  network.deliverAll();
  assert.ok(a.core.log.commit < index, 'one of two is no majority');
});

test('6: a change of several members enters a joint configuration and leaves it automatically', () => {
  const network = networkWithVoters('a b c d e', 'a b c');
  const a = network.elect('a');
  const seen: string[] = [];
  network.filter = () => {
    if (seen.at(-1) !== a.members) seen.push(a.members);
    return true;
  };
  change(network, 'a', '-b -c +d +e');
  assert.equal(seen, ['a b c', 'a d e & a b c', 'a d e']);
  allAre(network, 'a b c d e', 'a d e');
});

test('6: a commit in a joint configuration needs a majority of each half', () => {
  for (const [half, missing] of [
    ['b c', 'e'],
    ['d e', 'c'],
  ] as const) {
    const a = committedLeader();
    a.change('-b -c +d +e');
    acknowledge(a, ['b'], 2);
    assert.is(a.members, 'a d e & a b c');
    // The leader has logged the entry that leaves the joint configuration.
    assert.is(a.core.log.lastIndex, 3);
    acknowledge(a, half.split(' '), 3);
    assert.is(a.core.log.commit, 2, `${half} alone`);
    acknowledge(a, [missing], 3);
    assert.is(a.core.log.commit, 3);
  }
});

test('6: an election in a joint configuration needs a majority of each half', () => {
  const members = ['a', 'b', 'c'];
  const start = (): TestMember => {
    const a = followerOf('b', { id: 'a', term: 1, members });
    const entries = [makeMembershipEntry(1, 1, 'a b c', '-b -c +d +e')];
    a.step(message('appendRequest', { from: 'b', to: 'a', entries, commit: 1 }));
    assert.is(a.members, 'a d e & a b c');
    a.tick(TIMEOUT_TICKS);
    return a;
  };
  const grant = (a: TestMember, ids: string): void => {
    for (const from of ids.split(' ')) a.step(message('preVoteResponse', { from, to: 'a', term: 2 }));
  };
  const a = start();
  assert.equal(
    messagesOfType('preVoteRequest', a.takeSent()).map(({ to }) => to),
    ['b', 'c', 'd', 'e'],
  );
  grant(a, 'b c');
  assert.is(a.core.role, 'preCandidate');
  grant(a, 'd');
  assert.is(a.core.role, 'candidate');
  const other = start();
  grant(other, 'd e');
  assert.is(other.core.role, 'preCandidate');
});

test('6: a new leader leaves a joint configuration that its predecessor entered', () => {
  const network = networkWithVoters('a b c d e', 'a b c');
  const a = network.elect('a');
  network.filter = (one) => one.type !== 'appendAccepted' || one.match < 3;
  a.change('-c +d +e');
  network.tick(3);
  assert.is(network.member('b').members, 'a b d e & a b c');
  network.isolate('a');
  network.filter = () => true;
  for (const id of ['b', 'c', 'd', 'e']) network.member(id).tick(TIMEOUT_TICKS);
  network.deliverAll();
  network.tick(4 * TIMEOUT_TICKS);
  allAre(network, 'b d e', 'a b d e');
});

test('4.2.1: a learner receives the log and counts in no majority', () => {
  const network = networkWithVoters('a b c d e', 'a b c');
  const a = network.elect('a');
  change(network, 'a', '?d ?e');
  allAre(network, 'a b c d e', 'a b c + d e');
  network.isolate('b');
  network.isolate('c');
  const before = a.core.log.commit;
  a.propose();
  network.deliverAll();
  assert.is(network.member('d').core.log.lastIndex, a.core.log.lastIndex, 'the learner has the entry');
  assert.is(a.core.log.commit, before, 'the entry is not committed');
  network.tick(ELECTION_TICKS);
  assert.is(a.core.role, 'follower', 'learners do not count in the quorum check');
});

test('4.2.1: a learner never campaigns, even with timeoutNow, and its vote does not count', () => {
  const network = networkWithVoters('a b c d', 'a b c');
  network.elect('a');
  change(network, 'a', '?d');
  const d = network.member('d');
  network.isolate('d');
  d.tick(5 * TIMEOUT_TICKS);
  assert.is(d.core.role, 'follower');
  d.core.campaign();
  d.step(message('timeoutNow', { to: 'd', term: d.core.term }));
  assert.equal([d.core.role, d.core.term, d.takeSent()], ['follower', 1, []]);
  const b = network.member('b');
  b.tick(TIMEOUT_TICKS);
  b.step(message('preVoteResponse', { from: 'd', to: 'b', term: 2 }));
  assert.is(b.core.role, 'preCandidate');
});

test('4.2.1: a learner answers a vote request, because it may have been promoted without knowing', () => {
  const network = networkWithVoters('a b c d', 'a b c');
  network.elect('a');
  change(network, 'a', '?d');
  const d = network.member('d');
  d.tick(ELECTION_TICKS);
  const { lastIndex, lastTerm } = d.core.log;
  d.step(message('voteRequest', { from: 'b', to: 'd', term: 2, lastIndex, lastTerm }));
  assert.equal(d.takeSent(), [message('voteResponse', { from: 'd', to: 'b', term: 2 })]);
});

test('4.2.1: one change can promote a learner and demote a voter', () => {
  const network = networkWithVoters('a b c d', 'a b c');
  network.elect('a');
  change(network, 'a', '?d');
  change(network, 'a', '+d ?b');
  allAre(network, 'a b c d', 'a c d + b');
});

test('4.2.2: a leader that removes itself leads until the change is committed, then transfers leadership', () => {
  const network = networkWithVoters('a b c', 'a b c');
  const a = network.elect('a');
  a.change('-a');
  network.deliverAll();
  assert.is(a.members, 'b c');
  network.tick(2);
  assert.is(a.core.role, 'follower');
  const leader = network.members.find(({ core }) => core.role === 'leader');
  assert.equal(
    [leader?.core.term, leader?.members],
    [2, 'b c'],
    'the successor campaigned without a timeout',
  );
});

test('4.2.2: in a joint configuration that removes it a leader counts in the old half only', () => {
  const a = committedLeader();
  a.change('-a +d');
  acknowledge(a, ['b'], 2);
  assert.is(a.members, 'b c d & a b c');
  acknowledge(a, ['b'], 3);
  assert.is(a.core.log.commit, 2, 'a and b are two of the old three, b is one of the new three');
  acknowledge(a, ['d'], 3);
  assert.is(a.core.log.commit, 3);
});

test('4.2.2: a removed leader that cannot transfer leadership steps down after an election timeout', () => {
  const a = committedLeader();
  a.change('-a');
  acknowledge(a, ['b', 'c'], 2);
  assert.equal([a.members, a.core.role], ['b c', 'leader']);
  for (let tick = 0; tick < ELECTION_TICKS; tick += 1) {
    assert.is(a.core.role, 'leader');
    assert.throws(() => a.propose(), codeOf('NOT_LEADER'));
    for (const from of ['b', 'c']) a.step(message('heartbeatResponse', { from, to: 'a' }));
    a.tick();
  }
  assert.is(a.core.role, 'follower');
});

test('a pre-candidate learns from a rejection that its last change is committed, and stops asking the old half', () => {
  const network = networkWithVoters('a b c', 'a b');
  const a = network.elect('a');
  network.filter = (one) => one.type !== 'appendAccepted' || one.match < 3;
  a.change('?a +c');
  network.deliverAll();
  // Only the leader commits the entry that leaves the joint configuration, and it has one more entry than the others.
  network.isolate('a');
  a.propose();
  for (const from of ['b', 'c']) a.step(message('appendAccepted', { from, to: 'a', match: 3 }));
  network.tick(ELECTION_TICKS);
  assert.equal(
    network.members.map(({ members, core }) => [members, core.role, core.log.lastIndex]),
    [
      ['b c + a', 'follower', 4],
      ['b c & a b then + a', 'follower', 3],
      ['b c & a b then + a', 'follower', 3],
    ],
  );
  network.heal();
  network.tick(5 * TIMEOUT_TICKS);
  allAre(network, 'a b c', 'b c + a');
  assert.ok(network.members.some(({ core }) => core.role === 'leader'));
});

test('4.2.3: a removed member learns of it from a final append and does not campaign', () => {
  const network = networkWithVoters('a b c', 'a b c');
  network.elect('a');
  change(network, 'a', '-c');
  const c = network.member('c');
  assert.is(c.members, 'a b');
  c.tick(10 * TIMEOUT_TICKS);
  c.core.campaign();
  assert.equal([c.handleReady().takeSent(), c.core.role, c.core.term], [[], 'follower', 1]);
});

test('4.2.3: a member that does not know of its removal raises no term and deposes no leader', () => {
  const network = networkWithVoters('a b c d', 'a b c d');
  const a = network.elect('a');
  network.isolate('d');
  change(network, 'a', '-d');
  network.heal();
  const sent: Message[] = [];
  network.filter = (one) => {
    if (one.from === 'd') sent.push(one);
    return true;
  };
  network.tick(10 * TIMEOUT_TICKS);
  assert.ok(
    sent.some(({ type }) => type === 'preVoteRequest'),
    'd requested pre-votes',
  );
  assert.not.ok(sent.some(({ type }) => type === 'voteRequest'));
  assert.equal(
    network.members.map(({ core }) => core.term),
    [1, 1, 1, 1],
  );
  assert.is(a.core.role, 'leader');
});

test('4.1: a member follows a leader, and votes for a candidate, outside its own configuration', () => {
  const b = followerOf('a', { id: 'b', term: 1 });
  b.tick(ELECTION_TICKS);
  b.step(message('voteRequest', { from: 'd', to: 'b', term: 2 }));
  assert.equal(b.takeSent(), [message('voteResponse', { from: 'b', to: 'd', term: 2 })]);
  b.step(message('heartbeat', { from: 'd', to: 'b', term: 2 }));
  assert.is(b.core.leader, 'd');
});

test('6: a voter with the longest log that does not know of its vote learns of it from a pre-vote request', () => {
  const b = followerOf('a', { id: 'b', term: 1, members: [] });
  const entries = [makeMembershipEntry(1, 1, 'a', '+b'), makeCommandEntry(2, 1)];
  b.step(message('appendRequest', { from: 'a', to: 'b', entries, commit: 0 }));
  b.tick(3 * TIMEOUT_TICKS);
  assert.equal(messagesOfType('preVoteRequest', b.takeSent()), [], 'it does not know that it is a voter');
  // The leader crashed before its own disk had entry 2: it restarts with the shorter log.
  const last = { lastIndex: 1, lastTerm: 1 };
  b.step(message('preVoteRequest', { from: 'a', to: 'b', term: 2, ...last, commit: 1, commitTerm: 1 }));
  assert.is(messagesOfType('preVoteResponse', b.takeSent())[0]?.granted, false);
  assert.is(b.members, 'a b');
  b.tick(TIMEOUT_TICKS);
  assert.equal(
    messagesOfType('preVoteRequest', b.takeSent()).map(({ to, lastIndex, commit }) => [
      to,
      lastIndex,
      commit,
    ]),
    [['a', 2, 1]],
  );
});

test('5.4: a member learns a commit of a later term only in that term, because an earlier leader may lack the entry', () => {
  // As in figure 8: some members have entry 2 of term 2; the leader of term 3 lacks it, the leader of term 4
  // commits it.
  const b = followerOf('a', {
    id: 'b',
    term: 3,
    log: [1, 2],
    applied: 1,
    members: ['a', 'b', 'c', 'd', 'e'],
  });
  const request = { from: 'd', to: 'b', term: 5, lastIndex: 2, lastTerm: 2, commit: 2, commitTerm: 2 };
  b.step(message('preVoteRequest', request));
  assert.equal([b.core.log.commit, b.core.term], [1, 3], 'b has a live leader');
  b.tick(ELECTION_TICKS).step(message('preVoteRequest', request));
  assert.equal([b.core.log.commit, b.core.term], [2, 4]);
  b.takeSent();
  const late = { from: 'a', to: 'b', term: 3, prevIndex: 1, prevTerm: 1, entries: makeLog([3], 2) };
  b.step(message('appendRequest', late));
  assert.equal(b.terms, [1, 2]);
  assert.is(
    messagesOfType('heartbeatResponse', b.takeSent())[0]?.term,
    4,
    'the earlier leader learns that it no longer leads',
  );

  const asking = new TestMember({ term: 3, log: [1, 2], applied: 1, members: ['a', 'b', 'c'] });
  asking.tick(TIMEOUT_TICKS);
  const answer = { from: 'b', to: 'a', commit: 2, commitTerm: 2 };
  asking.step(message('preVoteResponse', { ...answer, term: 9, granted: true }));
  assert.equal([asking.core.log.commit, asking.core.term], [1, 3], 'this grant does not answer its pre-vote');
  asking.step(message('preVoteResponse', { ...answer, term: 9, granted: false }));
  assert.equal([asking.core.log.commit, asking.core.term, asking.core.role], [2, 9, 'follower']);
});

test('6: a reported commit counts only if the log has an equal entry at that index', () => {
  const b = followerOf('a', { id: 'b', term: 2, members: ['a', 'b', 'c'] });
  b.step(
    message('appendRequest', {
      from: 'a',
      to: 'b',
      term: 2,
      entries: [makeCommandEntry(1, 1), makeCommandEntry(2, 1)],
    }),
  );
  const ask = { from: 'c', to: 'b', term: 3, lastIndex: 3, lastTerm: 2 };
  b.step(message('preVoteRequest', { ...ask, commit: 2, commitTerm: 2 }));
  b.step(message('preVoteRequest', { ...ask, commit: 3, commitTerm: 2 }));
  assert.is(b.core.log.commit, 0);
  b.step(message('preVoteRequest', { ...ask, commit: 1, commitTerm: 1 }));
  assert.is(b.core.log.commit, 1);
});

test('6.4: in a joint configuration a read is confirmed by a majority of each half', () => {
  const a = committedLeader();
  a.change('-b -c +d +e');
  acknowledge(a, ['b'], 2);
  assert.is(a.members, 'a d e & a b c');
  a.read(1);
  const round = messagesOfType('heartbeat', a.takeSent())[0]?.round ?? 0;
  const confirm = (from: string): TestMember =>
    a.step(message('heartbeatResponse', { from, to: 'a', round }));
  assert.equal(confirm('b').grantedReads, []);
  assert.equal(confirm('c').grantedReads, []);
  assert.is(confirm('e').grantedReads.length, 1);
});

test.run();
