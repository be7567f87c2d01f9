/** Configuration, limits, and what the core refuses from its driver. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { DEFAULT_LIMITS, checkConfig, type CoreConfig } from './config.js';
import { RECORD_HEADER_BYTES } from './entry.js';
import { VotingState } from './voting-state.js';
import { initialMembership } from './membership.js';
import { RaftCore } from './raft.js';
import { MemoryDisk } from './testing/disk.js';
import { Member, leaderOf } from './testing/member.js';
import { logOf, message } from './testing/messages.js';

const codeOf = (code: string) => (error: unknown) => (error as { code: string }).code === code;

const CONFIG: CoreConfig = {
  id: 'a',
  initial: initialMembership(['a', 'b', 'c']),
  electionTicks: 10,
  heartbeatTicks: 1,
  random: () => 0,
  limits: DEFAULT_LIMITS,
  lease: null,
};

test('a configuration out of its bounds is refused by name', () => {
  const bad: readonly [Partial<CoreConfig>, RegExp][] = [
    [{ id: 'z' }, /z is not among the members/],
    [{ heartbeatTicks: 0 }, /heartbeatTicks 0/],
    [{ heartbeatTicks: 1.5 }, /heartbeatTicks 1.5/],
    [{ electionTicks: 1 }, /electionTicks 1/],
    [{ electionTicks: Infinity }, /electionTicks Infinity/],
    [{ limits: { ...DEFAULT_LIMITS, readsMax: 0 } }, /readsMax 0/],
    [{ limits: { ...DEFAULT_LIMITS, appendBytesMax: 1_376_257 } }, /appendBytesMax 1376257 is above 1376256/],
  ];
  checkConfig(CONFIG);
  for (const [change, pattern] of bad) {
    assert.throws(() => checkConfig({ ...CONFIG, ...change }), pattern);
    assert.throws(() => checkConfig({ ...CONFIG, ...change }), codeOf('BAD_CONFIG'));
  }
});

test('a disk that contradicts itself is refused: a term below the log, or a log that ends before what was applied', () => {
  const start = (term: number, applied: number) => () => {
    const hardState = { term, vote: null };
    return new RaftCore(CONFIG, { hardState, reader: new MemoryDisk(hardState, logOf([1, 2])), applied });
  };
  start(2, 2)();
  assert.throws(start(1, 0), codeOf('INVARIANT'));
  assert.throws(start(2, 3), codeOf('INVARIANT'));
});

test('the voting: terms only rise, a term has one vote, and only news is written', () => {
  const voting = new VotingState({ term: 3, vote: null });
  assert.is(voting.takeUnwritten(), null);
  voting.give('b');
  voting.give('b');
  assert.equal(voting.takeUnwritten(), { term: 3, vote: 'b' });
  assert.is(voting.takeUnwritten(), null);
  assert.throws(() => voting.give('c'), /second vote in term 3/);
  assert.throws(() => voting.enter(3), /term 3 after 3/);
  voting.enter(4);
  assert.equal(voting.takeUnwritten(), { term: 4, vote: null });
});

test('proposals beyond uncommittedBytesMax are refused until entries are committed and on the own disk', () => {
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

test('a proposal larger than the bound is taken when nothing else waits', () => {
  const a = leaderOf({ limits: { uncommittedBytesMax: 1 } });
  assert.is(a.propose('large'), 2);
  assert.throws(() => a.propose(), codeOf('OVERLOADED'));
});

test('what a hanging disk holds back stays small however often a leader asks', () => {
  const b = new Member({ id: 'b' });
  b.slowDisk = true;
  for (let count = 0; count < 1000; count += 1) b.step(message('appendRequest', { entries: logOf([1]) }));
  b.finishPersist();
  assert.is(b.take().length, 2);
});

test('a message for another member, or a persist that was never asked for, stops the core', () => {
  const b = new Member({ id: 'b' });
  assert.throws(() => b.core.step(message('heartbeat', { to: 'c' })), codeOf('INVARIANT'));
  assert.throws(() => b.core.persisted(), codeOf('INVARIANT'));
});

test('a heartbeat that commits what the follower has not, or an append with a hole, stops it', () => {
  const b = new Member({ id: 'b' });
  assert.throws(() => b.step(message('heartbeat', { commit: 1 })), codeOf('INVARIANT'));
  assert.throws(() => b.step(message('appendRequest', { entries: logOf([1], 2) })), codeOf('INVARIANT'));
});

test('status names role, term, leader and the places in the log', () => {
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
