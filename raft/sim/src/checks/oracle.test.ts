/** Each check rejects a violation, and a correct cluster passes all of them. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { makeEntry, NO_BASE, type Message, type Role } from '@trireme/raft';
import { SafetyChecker } from './oracle.js';
import type { DiskView, ObservedMember } from './views.js';

const NO_LISTENER = {
  onEntryLogged: () => undefined,
  onCommitted: () => undefined,
  checkCommit: () => undefined,
  checkElection: () => undefined,
};

/** An oracle, and the names of the checks that failed. */
function newOracle(): { oracle: SafetyChecker; found: string[] } {
  const found: string[] = [];
  return { oracle: new SafetyChecker((check) => found.push(check), NO_LISTENER), found };
}

interface Shape {
  readonly term?: number;
  readonly role?: Role;
  /** The terms of the log's entries. `data` distinguishes entries with the same index and term. */
  readonly log?: readonly number[];
  readonly data?: string;
  readonly commit?: number;
}

function member(
  id: string,
  { term = 1, role = 'follower', log = [], data = '', commit = 0 }: Shape,
): ObservedMember {
  const entries = log.map((of, place) => makeEntry(place + 1, of, 'command', Buffer.from(data)));
  return {
    id,
    role,
    term,
    currentLeaderTerm: () => (role === 'leader' ? term : 0),
    log: {
      base: NO_BASE,
      lastIndex: log.length,
      stableIndex: log.length,
      commit,
      applied: 0,
      term: (index) => log[index - 1] ?? 0,
      entries: (low, high) => entries.slice(low - 1, high),
    },
  };
}

function disk(term: number, vote: string | null, log: readonly number[] = []): DiskView {
  const base = { index: 0 };
  return { hardState: { term, vote }, base, lastIndex: log.length, term: (index) => log[index - 1] ?? 0 };
}

test('accepts leaders that replicate and commit, in two terms', () => {
  const { oracle, found } = newOracle();
  oracle.check(member('a', { role: 'leader', log: [1] }));
  oracle.check(member('b', { log: [1] }));
  oracle.check(member('a', { role: 'leader', log: [1, 1], commit: 1 }));
  oracle.check(member('b', { log: [1, 1], commit: 1 }));
  oracle.check(member('b', { term: 2, role: 'leader', log: [1, 1, 2], commit: 1 }));
  oracle.check(member('c', { term: 2, log: [1, 1, 2], commit: 1 }));
  oracle.check(member('b', { term: 2, role: 'leader', log: [1, 1, 2], commit: 3 }));
  assert.equal(found, []);
  assert.is(oracle.committed, 3);
  assert.is(oracle.elections, 2);
});

test('rejects two leaders in one term', () => {
  const { oracle, found } = newOracle();
  oracle.check(member('a', { role: 'leader' }));
  oracle.check(member('b', { role: 'leader' }));
  assert.equal(found, ['election safety']);
});

test('rejects a leader without a committed entry: missing, or replaced by another one', () => {
  for (const log of [[1], [1, 2]]) {
    const { oracle, found } = newOracle();
    oracle.check(member('a', { role: 'leader', log: [1, 1], commit: 2 }));
    oracle.check(member('b', { term: 3, role: 'leader', log }));
    assert.equal(found, ['leader completeness']);
  }
});

test('accepts a late leader of an old term without entries committed since', () => {
  const lateLeader = (term: number): readonly string[] => {
    const { oracle, found } = newOracle();
    oracle.check(member('a', { term: 4, role: 'leader', log: [1, 2, 4] }));
    oracle.check(member('a', { term: 4, role: 'leader', log: [1, 2, 4], commit: 3 }));
    oracle.check(member('b', { term, role: 'leader', log: [1, 1] }));
    return found;
  };
  assert.equal(lateLeader(3), []);
  assert.equal(lateLeader(5), ['leader completeness']);
});

test('rejects a leader that commits an entry of an earlier term by counting replicas', () => {
  const { oracle, found } = newOracle();
  oracle.check(member('a', { term: 4, role: 'leader', log: [1, 2, 4] }));
  oracle.check(member('a', { term: 4, role: 'leader', log: [1, 2, 4], commit: 2 }));
  assert.equal(found, ['commit of the current term']);
  const deposed = newOracle();
  deposed.oracle.check(member('a', { term: 4, role: 'leader', log: [1, 2, 4] }));
  const steppedDown = {
    ...member('a', { term: 4, role: 'leader', log: [1, 2, 4], commit: 2 }),
    currentLeaderTerm: () => 0,
  };
  deposed.oracle.check(steppedDown);
  assert.equal(deposed.found, [], 'it has stepped down but not published its new role yet');
  const known = newOracle();
  known.oracle.check(member('b', { term: 2, role: 'leader', log: [1, 2], commit: 2 }));
  known.oracle.check(member('a', { term: 4, role: 'leader', log: [1, 2, 4] }));
  known.oracle.check(member('a', { term: 4, role: 'leader', log: [1, 2, 4], commit: 2 }));
  assert.equal(known.found, [], 'the leader of term 2 had committed it');
});

test('rejects logs with equal index and term but different data, or a different or greater previous term', () => {
  const bytes = newOracle();
  bytes.oracle.check(member('a', { log: [1] }));
  bytes.oracle.check(member('b', { log: [1], data: 'other' }));
  assert.equal(bytes.found, ['log matching']);
  const before = newOracle();
  before.oracle.check(member('a', { term: 3, log: [1, 3] }));
  before.oracle.check(member('b', { term: 3, log: [2, 3] }));
  assert.equal(before.found, ['log matching']);
  const falling = newOracle();
  falling.oracle.check(member('a', { term: 3, log: [3, 1] }));
  assert.equal(falling.found, ['log matching']);
});

test('rejects two different entries committed at one index', () => {
  const { oracle, found } = newOracle();
  oracle.check(member('a', { term: 2, log: [1], commit: 1 }));
  oracle.check(member('b', { term: 2, log: [2], commit: 1 }));
  assert.equal(found, ['state machine safety']);
});

test('rejects a decreasing term or commit index, and a commit index beyond the log', () => {
  const { oracle, found } = newOracle();
  oracle.check(member('a', { term: 3, log: [1, 1], commit: 2 }));
  oracle.check(member('a', { term: 2, log: [1, 1], commit: 1 }));
  oracle.check(member('b', { log: [1], commit: 2 }));
  assert.equal(found, ['terms never decrease', 'commit never decreases', 'applied <= commit <= last']);
});

test('after a restart the commit index may decrease, but not the term of a vote', () => {
  const { oracle, found } = newOracle();
  const log = member('a', {}).log;
  oracle.check(member('a', { term: 3, log: [1, 1], commit: 2 }));
  oracle.onRestart('a', disk(3, null));
  oracle.check(member('a', { term: 3, log: [1, 1] }));
  assert.equal(found, []);
  oracle.onSend(voteFrom('a', 'b', 3), log, disk(3, 'b'));
  oracle.onRestart('a', disk(2, null));
  assert.equal(found, ['terms never decrease']);
});

function voteFrom(from: string, to: string, term: number): Message {
  return { type: 'voteResponse', from, to, term, granted: true };
}

test('rejects two votes in one term, and a vote that is not on disk', () => {
  const { log } = member('a', {});
  const two = newOracle();
  two.oracle.onSend(voteFrom('a', 'b', 1), log, disk(1, 'b'));
  two.oracle.onSend(voteFrom('a', 'b', 1), log, disk(1, 'b'));
  two.oracle.onSend(voteFrom('a', 'c', 2), log, disk(2, 'c'));
  assert.equal(two.found, []);
  two.oracle.onSend(voteFrom('a', 'c', 1), log, disk(1, 'c'));
  assert.equal(two.found, ['one vote per term']);
  const early = newOracle();
  early.oracle.onSend(voteFrom('a', 'b', 1), log, disk(0, null));
  const request: Message = {
    type: 'voteRequest',
    from: 'c',
    to: 'a',
    term: 1,
    lastIndex: 0,
    lastTerm: 0,
    transfer: false,
  };
  early.oracle.onSend(request, log, disk(1, null));
  assert.equal(early.found, ['votes are durable', 'votes are durable']);
  early.oracle.onSend(
    { type: 'voteResponse', from: 'd', to: 'b', term: 1, granted: false },
    log,
    disk(0, null),
  );
  assert.is(early.found.length, 2);
});

test('rejects an acknowledged entry that is not on disk', () => {
  const accepted: Message = { type: 'appendAccepted', from: 'a', to: 'b', term: 2, match: 2 };
  const { log } = member('a', { term: 2, log: [1, 2] });
  for (const [on, expected] of [
    [disk(2, null, [1, 2]), []],
    [disk(2, null, [1]), ['acknowledged entries are durable']],
    [disk(2, null, [1, 1]), ['acknowledged entries are durable']],
    [disk(1, null, [1, 2]), ['acknowledged entries are durable']],
  ] as const) {
    const { oracle, found } = newOracle();
    oracle.onSend(accepted, log, on);
    assert.equal(found, expected);
  }
});

test('rejects an applied entry that is not committed, and members with different states', () => {
  const { oracle, found } = newOracle();
  const entry = makeEntry(1, 1, 'command', Buffer.from(''));
  oracle.onApplied('a', entry, 7);
  assert.equal(found, ['applied entries are committed']);
  oracle.check(member('a', { log: [1], commit: 1 }));
  oracle.onApplied('a', entry, 7);
  oracle.onApplied('b', entry, 7);
  assert.is(found.length, 1);
  oracle.onApplied('c', entry, 8);
  oracle.onApplied('c', makeEntry(1, 1, 'command', Buffer.from('other')), 7);
  assert.equal(found, ['applied entries are committed', 'equal states', 'applied entries are committed']);
});

test('rejects a read index below what was committed when the read started', () => {
  const { oracle, found } = newOracle();
  oracle.onReadConfirmed('a', 5, 5);
  assert.equal(found, []);
  oracle.onReadConfirmed('a', 4, 5);
  assert.equal(found, ['no stale reads']);
});

test.run();
