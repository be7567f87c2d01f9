/** Membership changes: Raft 6, thesis 4, and the rules that etcd adds. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { accept, groupOf, membershipEntry, settledLeader } from './testing/groups.js';
import { ELECTION_TICKS, Member, TIMEOUT_TICKS, followerOf } from './testing/member.js';
import { entryAt, logOf, message, only } from './testing/messages.js';
import type { Network } from './testing/network.js';
import type { Message } from './types.js';

const codeOf = (code: string) => (error: unknown) => (error as { code: string }).code === code;

/** Has `leader` change the group, and lets everyone learn of it. */
function change(network: Network, leader: string, text: string): void {
  network.member(leader).change(text);
  network.settle();
  network.tick(2);
}

const allAre = (network: Network, ids: string, members: string): void => {
  for (const id of ids.split(' ')) assert.is(network.member(id).members, members, id);
};

test('4.1: a voter is added: it is sent the log, learns of the group from it, and votes', () => {
  const network = groupOf('a b c d', 'a b c');
  const a = network.elect('a');
  for (let count = 0; count < 5; count += 1) a.propose();
  change(network, 'a', '+d');
  allAre(network, 'a b c d', 'a b c d');
  assert.is(network.member('d').machine.length, a.machine.length);
  // Three of four are needed now.
  network.isolate('b');
  network.isolate('c');
  const index = a.propose();
  network.settle();
  assert.ok(a.core.log.commit < index);
  network.heal();
  network.tick(2);
  assert.ok(network.elect('d').core.log.commit >= index);
});

test('4.1: a voter is removed: the rest decide without it', () => {
  const network = groupOf('a b c', 'a b c');
  const a = network.elect('a');
  change(network, 'a', '-c');
  allAre(network, 'a b c', 'a b');
  network.isolate('c');
  network.isolate('b');
  const index = a.propose();
  network.settle();
  assert.ok(a.core.log.commit < index, 'one of two is no majority');
});

test('6: several at once: the joint configuration is entered, applied, and left by itself', () => {
  const network = groupOf('a b c d e', 'a b c');
  const a = network.elect('a');
  const seen: string[] = [];
  network.passes = () => {
    if (seen.at(-1) !== a.members) seen.push(a.members);
    return true;
  };
  change(network, 'a', '-b -c +d +e');
  assert.equal(seen, ['a b c', 'a d e & a b c', 'a d e']);
  allAre(network, 'a b c d e', 'a d e');
});

test('6: a joint configuration commits with a majority of each half, and with nothing less', () => {
  for (const [half, missing] of [
    ['b c', 'e'],
    ['d e', 'c'],
  ] as const) {
    const a = settledLeader();
    a.change('-b -c +d +e');
    accept(a, ['b'], 2);
    assert.is(a.members, 'a d e & a b c');
    // The entry that leaves it is logged by the leader itself.
    assert.is(a.core.log.lastIndex, 3);
    accept(a, half.split(' '), 3);
    assert.is(a.core.log.commit, 2, `${half} alone`);
    accept(a, [missing], 3);
    assert.is(a.core.log.commit, 3);
  }
});

test('6: an election in a joint configuration takes a majority of each half', () => {
  const members = ['a', 'b', 'c'];
  const start = (): Member => {
    const a = followerOf('b', { id: 'a', term: 1, members });
    const entries = [membershipEntry(1, 1, 'a b c', '-b -c +d +e')];
    a.step(message('appendRequest', { from: 'b', to: 'a', entries, commit: 1 }));
    assert.is(a.members, 'a d e & a b c');
    a.tick(TIMEOUT_TICKS);
    return a;
  };
  const grant = (a: Member, ids: string): void => {
    for (const from of ids.split(' ')) a.step(message('preVoteResponse', { from, to: 'a', term: 2 }));
  };
  const a = start();
  assert.equal(
    only('preVoteRequest', a.take()).map(({ to }) => to),
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

test('6: who leads when a joint configuration is in force leaves it, though another leader entered it', () => {
  const network = groupOf('a b c d e', 'a b c');
  const a = network.elect('a');
  network.passes = (one) => one.type !== 'appendAccepted' || one.match < 3;
  a.change('-c +d +e');
  network.tick(3);
  assert.is(network.member('b').members, 'a b d e & a b c');
  network.isolate('a');
  network.passes = () => true;
  for (const id of ['b', 'c', 'd', 'e']) network.member(id).tick(TIMEOUT_TICKS);
  network.settle();
  network.tick(4 * TIMEOUT_TICKS);
  allAre(network, 'b d e', 'a b d e');
});

test('4.2.1: a learner is sent the log, and is in no majority', () => {
  const network = groupOf('a b c d e', 'a b c');
  const a = network.elect('a');
  change(network, 'a', '?d ?e');
  allAre(network, 'a b c d e', 'a b c + d e');
  network.isolate('b');
  network.isolate('c');
  const before = a.core.log.commit;
  a.propose();
  network.settle();
  assert.is(network.member('d').core.log.lastIndex, a.core.log.lastIndex, 'it has the entry');
  assert.is(a.core.log.commit, before, 'which is not committed for that');
  network.tick(ELECTION_TICKS);
  assert.is(a.core.role, 'follower', 'nor is a leader kept by learners');
});

test('4.2.1: a learner does not campaign, whoever tells it to, and its vote does not count', () => {
  const network = groupOf('a b c d', 'a b c');
  network.elect('a');
  change(network, 'a', '?d');
  const d = network.member('d');
  network.isolate('d');
  d.tick(5 * TIMEOUT_TICKS);
  assert.is(d.core.role, 'follower');
  d.core.campaign();
  d.step(message('timeoutNow', { to: 'd', term: d.core.term }));
  assert.equal([d.core.role, d.core.term, d.take()], ['follower', 1, []]);
  const b = network.member('b');
  b.tick(TIMEOUT_TICKS);
  b.step(message('preVoteResponse', { from: 'd', to: 'b', term: 2 }));
  assert.is(b.core.role, 'preCandidate');
});

test('4.2.1: a learner that is asked answers, as it may have been promoted without knowing', () => {
  const network = groupOf('a b c d', 'a b c');
  network.elect('a');
  change(network, 'a', '?d');
  const d = network.member('d');
  d.tick(ELECTION_TICKS);
  const { lastIndex, lastTerm } = d.core.log;
  d.step(message('voteRequest', { from: 'b', to: 'd', term: 2, lastIndex, lastTerm }));
  assert.equal(d.take(), [message('voteResponse', { from: 'd', to: 'b', term: 2 })]);
});

test('4.2.1: a learner is promoted once it has caught up, and a voter demoted', () => {
  const network = groupOf('a b c d', 'a b c');
  network.elect('a');
  change(network, 'a', '?d');
  change(network, 'a', '+d ?b');
  allAre(network, 'a b c d', 'a c d + b');
});

test('4.2.2: a leader that removes itself leads until the change is committed, without counting itself, then transfers leadership', () => {
  const network = groupOf('a b c', 'a b c');
  const a = network.elect('a');
  a.change('-a');
  network.settle();
  assert.is(a.members, 'b c');
  network.tick(2);
  assert.is(a.core.role, 'follower');
  const leader = network.members.find(({ core }) => core.role === 'leader');
  assert.equal([leader?.core.term, leader?.members], [2, 'b c'], 'the successor was told: no timeout passed');
});

test('4.2.2: in the joint configuration that lets it go a leader counts in the old half alone', () => {
  const a = settledLeader();
  a.change('-a +d');
  accept(a, ['b'], 2);
  assert.is(a.members, 'b c d & a b c');
  accept(a, ['b'], 3);
  assert.is(a.core.log.commit, 2, 'a and b are two of the old three, b is one of the new three');
  accept(a, ['d'], 3);
  assert.is(a.core.log.commit, 3);
});

test('4.2.2: a leader that was removed and cannot transfer leadership in an election timeout steps down without', () => {
  const a = settledLeader();
  a.change('-a');
  accept(a, ['b', 'c'], 2);
  assert.equal([a.members, a.core.role], ['b c', 'leader']);
  for (let tick = 0; tick < ELECTION_TICKS; tick += 1) {
    assert.is(a.core.role, 'leader');
    assert.throws(() => a.propose(), codeOf('NOT_LEADER'));
    for (const from of ['b', 'c']) a.step(message('heartbeatResponse', { from, to: 'a' }));
    a.tick();
  }
  assert.is(a.core.role, 'follower');
});

test('a member learns from a refusal that its last change is committed, else it would ask the old half for ever', () => {
  const network = groupOf('a b c', 'a b');
  const a = network.elect('a');
  network.passes = (one) => one.type !== 'appendAccepted' || one.match < 3;
  a.change('?a +c');
  network.settle();
  // The leader alone commits the entry that leaves the joint configuration, and has one more that no one else has.
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

test('4.2.3: a removed member is told of it with a last append, and is quiet', () => {
  const network = groupOf('a b c', 'a b c');
  network.elect('a');
  change(network, 'a', '-c');
  const c = network.member('c');
  assert.is(c.members, 'a b');
  c.tick(10 * TIMEOUT_TICKS);
  c.core.campaign();
  assert.equal([c.work().take(), c.core.role, c.core.term], [[], 'follower', 1]);
});

test('4.2.3: a member that does not know that it was removed asks in vain: no term rises, no leader falls', () => {
  const network = groupOf('a b c d', 'a b c d');
  const a = network.elect('a');
  network.isolate('d');
  change(network, 'a', '-d');
  network.heal();
  const asked: Message[] = [];
  network.passes = (one) => {
    if (one.from === 'd') asked.push(one);
    return true;
  };
  network.tick(10 * TIMEOUT_TICKS);
  assert.ok(
    asked.some(({ type }) => type === 'preVoteRequest'),
    'it did ask',
  );
  assert.not.ok(asked.some(({ type }) => type === 'voteRequest'));
  assert.equal(
    network.members.map(({ core }) => core.term),
    [1, 1, 1, 1],
  );
  assert.is(a.core.role, 'leader');
});

test('4.1: a member hears out a leader, and votes for a candidate, that its configuration does not have yet', () => {
  const b = followerOf('a', { id: 'b', term: 1 });
  b.tick(ELECTION_TICKS);
  b.step(message('voteRequest', { from: 'd', to: 'b', term: 2 }));
  assert.equal(b.take(), [message('voteResponse', { from: 'b', to: 'd', term: 2 })]);
  b.step(message('heartbeat', { from: 'd', to: 'b', term: 2 }));
  assert.is(b.core.leader, 'd');
});

test('6: a voter that does not know that it is one, and has the longer log, is told by who asks for its vote', () => {
  const b = followerOf('a', { id: 'b', term: 1, members: [] });
  const entries = [membershipEntry(1, 1, 'a', '+b'), entryAt(2, 1)];
  b.step(message('appendRequest', { from: 'a', to: 'b', entries, commit: 0 }));
  b.tick(3 * TIMEOUT_TICKS);
  assert.equal(only('preVoteRequest', b.take()), [], 'it has no vote that it knows of');
  // The leader crashed before its own disk had entry 2: it comes back with the shorter log.
  const last = { lastIndex: 1, lastTerm: 1 };
  b.step(message('preVoteRequest', { from: 'a', to: 'b', term: 2, ...last, commit: 1, commitTerm: 1 }));
  assert.is(only('preVoteResponse', b.take())[0]?.granted, false);
  assert.is(b.members, 'a b');
  b.tick(TIMEOUT_TICKS);
  assert.equal(
    only('preVoteRequest', b.take()).map(({ to, lastIndex, commit }) => [to, lastIndex, commit]),
    [['a', 2, 1]],
  );
});

test('5.4: what a later term has committed is learned in that term: the log of an earlier leader need not have it', () => {
  // As in figure 8: entry 2 of term 2 is here and there; the leader of term 3 does not have it, that of term 4 commits it.
  const b = followerOf('a', {
    id: 'b',
    term: 3,
    log: [1, 2],
    applied: 1,
    members: ['a', 'b', 'c', 'd', 'e'],
  });
  const asked = { from: 'd', to: 'b', term: 5, lastIndex: 2, lastTerm: 2, commit: 2, commitTerm: 2 };
  b.step(message('preVoteRequest', asked));
  assert.equal([b.core.log.commit, b.core.term], [1, 3], 'it hears a leader');
  b.tick(ELECTION_TICKS).step(message('preVoteRequest', asked));
  assert.equal([b.core.log.commit, b.core.term], [2, 4]);
  b.take();
  const late = { from: 'a', to: 'b', term: 3, prevIndex: 1, prevTerm: 1, entries: logOf([3], 2) };
  b.step(message('appendRequest', late));
  assert.equal(b.terms, [1, 2]);
  assert.is(only('heartbeatResponse', b.take())[0]?.term, 4, 'it is told that it does not lead any more');

  const asking = new Member({ term: 3, log: [1, 2], applied: 1, members: ['a', 'b', 'c'] });
  asking.tick(TIMEOUT_TICKS);
  const answer = { from: 'b', to: 'a', commit: 2, commitTerm: 2 };
  asking.step(message('preVoteResponse', { ...answer, term: 9, granted: true }));
  assert.equal([asking.core.log.commit, asking.core.term], [1, 3], 'no answer to what it asks');
  asking.step(message('preVoteResponse', { ...answer, term: 9, granted: false }));
  assert.equal([asking.core.log.commit, asking.core.term, asking.core.role], [2, 9, 'follower']);
});

test('6: what is said to be committed counts only where the log has the same there', () => {
  const b = followerOf('a', { id: 'b', term: 2, members: ['a', 'b', 'c'] });
  b.step(message('appendRequest', { from: 'a', to: 'b', term: 2, entries: [entryAt(1, 1), entryAt(2, 1)] }));
  const ask = { from: 'c', to: 'b', term: 3, lastIndex: 3, lastTerm: 2 };
  b.step(message('preVoteRequest', { ...ask, commit: 2, commitTerm: 2 }));
  b.step(message('preVoteRequest', { ...ask, commit: 3, commitTerm: 2 }));
  assert.is(b.core.log.commit, 0);
  b.step(message('preVoteRequest', { ...ask, commit: 1, commitTerm: 1 }));
  assert.is(b.core.log.commit, 1);
});

test('6.4: a read is confirmed by a quorum of both halves', () => {
  const a = settledLeader();
  a.change('-b -c +d +e');
  accept(a, ['b'], 2);
  assert.is(a.members, 'a d e & a b c');
  a.read(1);
  const round = only('heartbeat', a.take())[0]?.round ?? 0;
  const confirm = (from: string): Member => a.step(message('heartbeatResponse', { from, to: 'a', round }));
  assert.equal(confirm('b').grants, []);
  assert.equal(confirm('c').grants, []);
  assert.is(confirm('e').grants.length, 1);
});

test.run();
