/** The properties that Raft promises (figure 3), on all small cases or on many seeds, and 5.5. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ELECTION_TICKS, Member, followerOf } from './testing/member.js';
import { logOf, message } from './testing/messages.js';
import { networkOf } from './testing/network.js';
import { Random } from './testing/random.js';
import type { Message } from './types.js';

const FIVE = ['a', 'b', 'c', 'd', 'e'];
/** How many members have an entry: every way in which a majority of five does. */
const MAJORITIES = Array.from({ length: 2 ** FIVE.length }, (_, set) =>
  FIVE.filter((_id, place) => (set >> place) % 2 === 1),
).filter(({ length }) => length >= 3);

/** One run: two of the members campaign at once now and then; messages come in any order, and some are lost. */
function leadersOfRun(seed: number): ReadonlyMap<number, string> {
  const random = new Random(seed);
  const members = FIVE.map((id) => new Member({ id, members: FIVE }));
  const leaders = new Map<number, string>();
  let flight: Message[] = [];
  for (let step = 0; step < 600; step += 1) {
    if (random.below(50) === 0) {
      // Long enough for all to forget a leader.
      for (const member of members) if (member.core.role !== 'leader') member.tick(ELECTION_TICKS);
      for (const rival of [random.below(5), random.below(5)]) members[rival]?.core.campaign();
    }
    const one = flight[random.below(Math.min(6, Math.max(1, flight.length)))];
    flight = flight.filter((other) => other !== one);
    const isLost = random.below(10) === 0;
    if (one !== undefined && !isLost) members.find(({ id }) => id === one.to)?.core.step(one);
    for (const member of members) {
      flight.push(...member.work().take());
      if (member.core.role !== 'leader') continue;
      const { term } = member.core;
      assert.is(leaders.get(term) ?? member.id, member.id, `seed ${seed}: leader of term ${term}`);
      leaders.set(term, member.id);
    }
  }
  return leaders;
}

test('figure 3, election safety: whoever campaigns, and in whatever order messages come, a term has one leader at most', () => {
  let elected = 0;
  for (let seed = 1; seed <= 100; seed += 1) elected += leadersOfRun(seed).size;
  assert.ok(elected > 200, `${elected} leaders in 100 runs: too few to show anything`);
});

test('figure 3, leader append-only: a leader changes none of its entries, whatever its followers have', () => {
  const own = [1, 1, 1, 3];
  for (const log of [[], [1], [1, 1, 2, 2, 2], [1, 2, 2, 2, 2, 2], [1, 4, 4]]) {
    // c votes for it in any case, b only where its own log is not further.
    const logs: Readonly<Record<string, readonly number[]>> = { a: own, b: log, c: [1] };
    const network = networkOf(['a', 'b', 'c'], (id) => ({ log: logs[id] ?? [], term: 4 }));
    const a = network.elect('a');
    assert.equal(a.terms.slice(0, own.length), own);
    network.tick(2);
    for (const { terms } of network.members) assert.equal(terms, [...own, a.core.term]);
  }
});

test('figure 3, leader completeness: an entry that a majority has is had by everyone who can be elected', () => {
  for (const having of MAJORITIES) {
    for (const candidate of FIVE) {
      const of = (id: string): { log: number[] } => ({ log: having.includes(id) ? [1, 1] : [1] });
      const network = networkOf(FIVE, of);
      const member = network.member(candidate);
      member.core.campaign();
      member.work();
      network.settle();
      const expected = having.includes(candidate) ? 'leader' : 'follower';
      assert.is(member.core.role, expected, `${candidate}, entry at ${having.join(' ')}`);
    }
  }
});

test('5.5: requests may come twice: the second changes nothing and is answered as the first', () => {
  const append = message('appendRequest', {
    prevIndex: 1,
    prevTerm: 1,
    entries: logOf([1, 1], 2),
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
    // Long enough to forget the leader, not to campaign.
    if (request.type !== 'appendRequest') b.tick(ELECTION_TICKS);
    b.take();
    const first = b.step(request).take();
    const state = { ...b.core.status(), terms: b.terms, disk: b.disk.hardState };
    assert.equal(b.step(request).take(), first, request.type);
    assert.equal({ ...b.core.status(), terms: b.terms, disk: b.disk.hardState }, state, request.type);
  }
});

test('5.5: a member that crashed is sent what it lacks once it is back, however long that takes', () => {
  const network = networkOf(['a', 'b', 'c']);
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
