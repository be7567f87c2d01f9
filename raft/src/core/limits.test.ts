/** Configuration, limits, and invalid inputs of the driver. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { DEFAULT_LIMITS, checkConfig, type CoreConfig } from './config.js';
import { RECORD_HEADER_BYTES } from './entry.js';
import { VotingState } from './voting-state.js';
import { initialMembership } from './membership.js';
import { RaftCore } from './raft.js';
import { MemoryDisk } from './testing/memory-disk.js';
import { TestMember, leaderOf } from './testing/test-member.js';
import { makeLog, message } from './testing/messages.js';

const codeOf = (code: string) => (error: unknown) => (error as { code: string }).code === code;

const CONFIG: CoreConfig = {
  id: 'a',
  initialMembership: initialMembership(['a', 'b', 'c']),
  electionTicks: 10,
  heartbeatTicks: 1,
  random: () => 0,
  limits: DEFAULT_LIMITS,
  lease: null,
};

test('checkConfig rejects invalid values by name', () => {
  const bad: readonly [Partial<CoreConfig>, RegExp][] = [
    [{ id: 'z' }, /member z is not in the initial membership/],
    [{ heartbeatTicks: 0 }, /heartbeatTicks must be an integer of at least 1: 0/],
    [{ heartbeatTicks: 1.5 }, /heartbeatTicks must be an integer of at least 1: 1.5/],
    [{ electionTicks: 1 }, /electionTicks must be an integer greater than heartbeatTicks \(1\): 1/],
    [
      { electionTicks: Infinity },
      /electionTicks must be an integer greater than heartbeatTicks \(1\): Infinity/,
    ],
    [{ limits: { ...DEFAULT_LIMITS, readsMax: 0 } }, /readsMax must be an integer of at least 1: 0/],
    [
      { limits: { ...DEFAULT_LIMITS, appendBytesMax: 1_376_257 } },
      /appendBytesMax must be at most 1376256: 1376257/,
    ],
  ];
  checkConfig(CONFIG);
  for (const [change, pattern] of bad) {
    assert.throws(() => checkConfig({ ...CONFIG, ...change }), pattern);
    assert.throws(() => checkConfig({ ...CONFIG, ...change }), codeOf('BAD_CONFIG'));
  }
});

test('the constructor rejects a term below that of the log, and a log that ends below the applied index', () => {
  const start = (term: number, applied: number) => () => {
    const hardState = { term, vote: null };
    return new RaftCore(CONFIG, { hardState, reader: new MemoryDisk(hardState, makeLog([1, 2])), applied });
  };
  start(2, 2)();
  assert.throws(start(1, 0), codeOf('INVARIANT'));
  assert.throws(start(2, 3), codeOf('INVARIANT'));
});

test('VotingState allows only rising terms and one vote a term, and returns only changes to write', () => {
  const voting = new VotingState({ term: 3, vote: null });
  assert.is(voting.takeChanged(), null);
  voting.recordVote('b');
  voting.recordVote('b');
  assert.equal(voting.takeChanged(), { term: 3, vote: 'b' });
  assert.is(voting.takeChanged(), null);
  assert.throws(() => voting.recordVote('c'), /second vote in term 3/);
  assert.throws(() => voting.enterTerm(3), /cannot enter term 3 after term 3/);
  voting.enterTerm(4);
  assert.equal(voting.takeChanged(), { term: 4, vote: null });
});

test("proposals beyond uncommittedBytesMax are refused until entries are committed and on the leader's disk", () => {
  const a = leaderOf({ limits: { uncommittedBytesMax: 3 * (RECORD_HEADER_BYTES + 1) } });
  a.slowDisk = true;
  for (let count = 0; count < 3; count += 1) a.propose();
  assert.throws(() => a.propose(''), codeOf('OVERLOADED'));
  for (const from of ['b', 'c']) a.step(message('appendAccepted', { from, to: 'a', match: 4 }));
  assert.is(a.core.log.commit, 4);
  assert.throws(() => a.propose(), codeOf('OVERLOADED'));
  a.finishPersist().finishPersist();
  assert.is(a.propose(), 5);
});

test('a proposal larger than uncommittedBytesMax is accepted if no other is waiting', () => {
  const a = leaderOf({ limits: { uncommittedBytesMax: 1 } });
  assert.is(a.propose('large'), 2);
  assert.throws(() => a.propose(), codeOf('OVERLOADED'));
});

test('the messages held during a hung write stay bounded when a leader repeats its appends', () => {
  const b = new TestMember({ id: 'b' });
  b.slowDisk = true;
  for (let count = 0; count < 1000; count += 1) b.step(message('appendRequest', { entries: makeLog([1]) }));
  b.finishPersist();
  assert.is(b.takeSent().length, 2);
});

test('a message for another member, or persisted() without a batch, violates an invariant', () => {
  const b = new TestMember({ id: 'b' });
  assert.throws(() => b.core.step(message('heartbeat', { to: 'c' })), codeOf('INVARIANT'));
  assert.throws(() => b.core.onPersisted(), codeOf('INVARIANT'));
});

test('a heartbeat that commits missing entries, or an append with a gap, violates an invariant', () => {
  const b = new TestMember({ id: 'b' });
  assert.throws(() => b.step(message('heartbeat', { commit: 1 })), codeOf('INVARIANT'));
  assert.throws(() => b.step(message('appendRequest', { entries: makeLog([1], 2) })), codeOf('INVARIANT'));
});

test('status has role, term, leader, log indexes and membership', () => {
  const a = leaderOf({ log: [1, 1], applied: 1 });
  const expected = {
    id: 'a',
    role: 'leader',
    term: 2,
    leader: 'a',
    firstIndex: 1,
    lastIndex: 3,
    commit: 1,
    applied: 1,
  };
  const membership = initialMembership(['a', 'b', 'c']);
  assert.equal(a.core.status(), { ...expected, membership, membershipIndex: 0 });
});

test.run();
