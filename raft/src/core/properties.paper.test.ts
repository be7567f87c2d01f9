/** The properties of Raft (figure 3), checked in all small cases or with many seeds, and section 5.5. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ELECTION_TICKS, TestMember, followerOf } from './testing/test-member.js';
import { makeLog, message } from './testing/messages.js';
import { makeNetwork } from './testing/test-network.js';
import { TestRandom } from './testing/random.js';
import type { Message } from './types.js';

const FIVE = ['a', 'b', 'c', 'd', 'e'];
/** All majorities of five members. */
const MAJORITIES = Array.from({ length: 2 ** FIVE.length }, (_, set) =>
  FIVE.filter((_id, position) => (set >> position) % 2 === 1),
).filter(({ length }) => length >= 3);

/** One random run: sometimes two members campaign at once; messages arrive in any order, and some are lost. */
function leadersOfRun(seed: number): ReadonlyMap<number, string> {
  const random = new TestRandom(seed);
  const members = FIVE.map((id) => new TestMember({ id, members: FIVE }));
  const leaders = new Map<number, string>();
  let inFlight: Message[] = [];
  for (let step = 0; step < 600; step += 1) {
    if (random.below(50) === 0) {
      // Long enough for all followers to forget the leader.
      for (const member of members) if (member.core.role !== 'leader') member.tick(ELECTION_TICKS);
      for (const rival of [random.below(5), random.below(5)]) members[rival]?.core.campaign();
    }
    const one = inFlight[random.below(Math.min(6, Math.max(1, inFlight.length)))];
    inFlight = inFlight.filter((other) => other !== one);
    const isLost = random.below(10) === 0;
    if (one !== undefined && !isLost) members.find(({ id }) => id === one.to)?.core.step(one);
    for (const member of members) {
      inFlight.push(...member.handleReady().takeSent());
      if (member.core.role !== 'leader') continue;
      const { term } = member.core;
      assert.is(leaders.get(term) ?? member.id, member.id, `seed ${seed}: leader of term ${term}`);
      leaders.set(term, member.id);
    }
  }
  return leaders;
}

test('figure 3, election safety: a term has at most one leader, with any candidates and any order of messages', () => {
  let elected = 0;
  for (let seed = 1; seed <= 100; seed += 1) elected += leadersOfRun(seed).size;
  assert.ok(elected > 200, `only ${elected} leaders were elected in 100 runs`);
});

test('figure 3, leader append-only: a leader never changes its own entries', () => {
  const own = [1, 1, 1, 3];
  for (const log of [[], [1], [1, 1, 2, 2, 2], [1, 2, 2, 2, 2, 2], [1, 4, 4]]) {
    // c votes for it in any case, b only if its own log is not more up-to-date.
    const logs: Readonly<Record<string, readonly number[]>> = { a: own, b: log, c: [1] };
    const network = makeNetwork(['a', 'b', 'c'], (id) => ({ log: logs[id] ?? [], term: 4 }));
    const a = network.elect('a');
    assert.equal(a.terms.slice(0, own.length), own);
    network.tick(2);
    for (const { terms } of network.members) assert.equal(terms, [...own, a.core.term]);
  }
});

test('figure 3, leader completeness: only members with an entry that a majority has can be elected', () => {
  for (const holders of MAJORITIES) {
    for (const candidate of FIVE) {
      const of = (id: string): { log: number[] } => ({ log: holders.includes(id) ? [1, 1] : [1] });
      const network = makeNetwork(FIVE, of);
      const member = network.member(candidate);
      member.core.campaign();
      member.handleReady();
      network.deliverAll();
      const expected = holders.includes(candidate) ? 'leader' : 'follower';
      assert.is(member.core.role, expected, `${candidate}, with the entry on ${holders.join(' ')}`);
    }
  }
});

test('5.5: requests are idempotent: a repeated one changes nothing and gets the same answer', () => {
  const append = message('appendRequest', {
    prevIndex: 1,
    prevTerm: 1,
    entries: makeLog([1, 1], 2),
    commit: 2,
  });
  const requests = [
    append,
    message('heartbeat', { commit: 1 }),
    message('voteRequest', { term: 2, lastIndex: 9, lastTerm: 1 }),
    message('preVoteRequest', { term: 2, lastIndex: 9, lastTerm: 1 }),
  ];
  for (const request of requests) {
    const b = followerOf('a', { id: 'b', term: 1, log: [1] });
    // Long enough to forget the leader, too short to campaign.
    if (request.type !== 'appendRequest') b.tick(ELECTION_TICKS);
    b.takeSent();
    const first = b.step(request).takeSent();
    const state = { ...b.core.status(), terms: b.terms, disk: b.disk.hardState };
    assert.equal(b.step(request).takeSent(), first, request.type);
    assert.equal({ ...b.core.status(), terms: b.terms, disk: b.disk.hardState }, state, request.type);
  }
});

test('5.5: a crashed member receives the entries that it lacks after any downtime', () => {
  const network = makeNetwork(['a', 'b', 'c']);
  const a = network.elect('a');
  const c = network.member('c');
  network.isolate('c');
  for (let count = 0; count < 3; count += 1) {
    a.propose();
    network.tick(20, ['a', 'b']);
  }
  c.restart();
  network.heal();
  network.tick(2);
  assert.equal(c.terms, a.terms);
  assert.is(c.machine.length, a.core.log.commit);
});

test.run();
