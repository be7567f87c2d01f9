/** Each check rejects what it is there for, and accepts a cluster that does everything right. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { makeEntry } from '#raft/core/entry.js';
import { NO_BASE } from '#raft/core/log.js';
import type { Message, Role } from '#raft/core/types.js';
import { Oracle } from './oracle.js';
import type { DiskView, Subject } from './views.js';

const NO_SEQUEL = {
  placed: () => undefined,
  committed: () => undefined,
  checkCommit: () => undefined,
  checkElection: () => undefined,
};

/** An oracle, and the names of the checks that found something. */
function watch(): { oracle: Oracle; found: string[] } {
  const found: string[] = [];
  return { oracle: new Oracle((check) => found.push(check), NO_SEQUEL), found };
}

interface Shape {
  readonly term?: number;
  readonly role?: Role;
  /** The log as the terms of its entries; `data` tells entries of the same place apart. */
  readonly log?: readonly number[];
  readonly data?: string;
  readonly commit?: number;
}

function member(
  id: string,
  { term = 1, role = 'follower', log = [], data = '', commit = 0 }: Shape,
): Subject {
  const entries = log.map((of, place) => makeEntry(place + 1, of, 'command', Buffer.from(data)));
  return {
    id,
    role,
    term,
    leadsNow: () => (role === 'leader' ? term : 0),
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

test('a leader that replicates and commits is accepted, also when another follows it', () => {
  const { oracle, found } = watch();
  oracle.look(member('a', { role: 'leader', log: [1] }));
  oracle.look(member('b', { log: [1] }));
  oracle.look(member('a', { role: 'leader', log: [1, 1], commit: 1 }));
  oracle.look(member('b', { log: [1, 1], commit: 1 }));
  oracle.look(member('b', { term: 2, role: 'leader', log: [1, 1, 2], commit: 1 }));
  oracle.look(member('c', { term: 2, log: [1, 1, 2], commit: 1 }));
  oracle.look(member('b', { term: 2, role: 'leader', log: [1, 1, 2], commit: 3 }));
  assert.equal(found, []);
  assert.is(oracle.committed, 3);
  assert.is(oracle.elections, 2);
});

test('two leaders in a term', () => {
  const { oracle, found } = watch();
  oracle.look(member('a', { role: 'leader' }));
  oracle.look(member('b', { role: 'leader' }));
  assert.equal(found, ['one leader a term']);
});

test('a leader without a committed entry: missing, or another one in its place', () => {
  for (const log of [[1], [1, 2]]) {
    const { oracle, found } = watch();
    oracle.look(member('a', { role: 'leader', log: [1, 1], commit: 2 }));
    oracle.look(member('b', { term: 3, role: 'leader', log }));
    assert.equal(found, ['leader completeness']);
  }
});

test('a leader of a term that was left behind need not have what was committed since, be it of an earlier term', () => {
  const late = (term: number): readonly string[] => {
    const { oracle, found } = watch();
    oracle.look(member('a', { term: 4, role: 'leader', log: [1, 2, 4] }));
    oracle.look(member('a', { term: 4, role: 'leader', log: [1, 2, 4], commit: 3 }));
    oracle.look(member('b', { term, role: 'leader', log: [1, 1] }));
    return found;
  };
  assert.equal(late(3), []);
  assert.equal(late(5), ['leader completeness']);
});

test('a leader that commits an entry of an earlier term by counting', () => {
  const { oracle, found } = watch();
  oracle.look(member('a', { term: 4, role: 'leader', log: [1, 2, 4] }));
  oracle.look(member('a', { term: 4, role: 'leader', log: [1, 2, 4], commit: 2 }));
  assert.equal(found, ['commit of the own term']);
  const deposed = watch();
  deposed.oracle.look(member('a', { term: 4, role: 'leader', log: [1, 2, 4] }));
  const silent = {
    ...member('a', { term: 4, role: 'leader', log: [1, 2, 4], commit: 2 }),
    leadsNow: () => 0,
  };
  deposed.oracle.look(silent);
  assert.equal(deposed.found, [], 'it has stepped down, and has not told yet');
  const told = watch();
  told.oracle.look(member('b', { term: 2, role: 'leader', log: [1, 2], commit: 2 }));
  told.oracle.look(member('a', { term: 4, role: 'leader', log: [1, 2, 4] }));
  told.oracle.look(member('a', { term: 4, role: 'leader', log: [1, 2, 4], commit: 2 }));
  assert.equal(told.found, [], 'a leader of term 2 had committed it');
});

test('logs that agree at a place, and not in what it holds or follows', () => {
  const bytes = watch();
  bytes.oracle.look(member('a', { log: [1] }));
  bytes.oracle.look(member('b', { log: [1], data: 'other' }));
  assert.equal(bytes.found, ['log matching']);
  const before = watch();
  before.oracle.look(member('a', { term: 3, log: [1, 3] }));
  before.oracle.look(member('b', { term: 3, log: [2, 3] }));
  assert.equal(before.found, ['log matching']);
  const falling = watch();
  falling.oracle.look(member('a', { term: 3, log: [3, 1] }));
  assert.equal(falling.found, ['log matching']);
});

test('another entry committed at an index', () => {
  const { oracle, found } = watch();
  oracle.look(member('a', { term: 2, log: [1], commit: 1 }));
  oracle.look(member('b', { term: 2, log: [2], commit: 1 }));
  assert.equal(found, ['state machine safety']);
});

test('a term, a commit index that falls; a commit beyond the log', () => {
  const { oracle, found } = watch();
  oracle.look(member('a', { term: 3, log: [1, 1], commit: 2 }));
  oracle.look(member('a', { term: 2, log: [1, 1], commit: 1 }));
  oracle.look(member('b', { log: [1], commit: 2 }));
  assert.equal(found, ['terms never go back', 'commit never goes back', 'applied <= commit <= last']);
});

test('after a restart the commit index may start anew, the term in which was voted may not', () => {
  const { oracle, found } = watch();
  const log = member('a', {}).log;
  oracle.look(member('a', { term: 3, log: [1, 1], commit: 2 }));
  oracle.restarted('a', disk(3, null));
  oracle.look(member('a', { term: 3, log: [1, 1] }));
  assert.equal(found, []);
  oracle.sent(voteFrom('a', 'b', 3), log, disk(3, 'b'));
  oracle.restarted('a', disk(2, null));
  assert.equal(found, ['terms never go back']);
});

function voteFrom(from: string, to: string, term: number): Message {
  return { type: 'voteResponse', from, to, term, granted: true };
}

test('votes: two in a term, and one that is not on disk', () => {
  const { log } = member('a', {});
  const two = watch();
  two.oracle.sent(voteFrom('a', 'b', 1), log, disk(1, 'b'));
  two.oracle.sent(voteFrom('a', 'b', 1), log, disk(1, 'b'));
  two.oracle.sent(voteFrom('a', 'c', 2), log, disk(2, 'c'));
  assert.equal(two.found, []);
  two.oracle.sent(voteFrom('a', 'c', 1), log, disk(1, 'c'));
  assert.equal(two.found, ['one vote a term']);
  const early = watch();
  early.oracle.sent(voteFrom('a', 'b', 1), log, disk(0, null));
  const request: Message = {
    type: 'voteRequest',
    from: 'c',
    to: 'a',
    term: 1,
    lastIndex: 0,
    lastTerm: 0,
    transfer: false,
  };
  early.oracle.sent(request, log, disk(1, null));
  assert.equal(early.found, ['votes are durable', 'votes are durable']);
  early.oracle.sent(
    { type: 'voteResponse', from: 'd', to: 'b', term: 1, granted: false },
    log,
    disk(0, null),
  );
  assert.is(early.found.length, 2);
});

test('an acknowledged entry that is not on disk, or another one there', () => {
  const accepted: Message = { type: 'appendAccepted', from: 'a', to: 'b', term: 2, match: 2 };
  const { log } = member('a', { term: 2, log: [1, 2] });
  for (const [on, expected] of [
    [disk(2, null, [1, 2]), []],
    [disk(2, null, [1]), ['acknowledged is durable']],
    [disk(2, null, [1, 1]), ['acknowledged is durable']],
    [disk(1, null, [1, 2]), ['acknowledged is durable']],
  ] as const) {
    const { oracle, found } = watch();
    oracle.sent(accepted, log, on);
    assert.equal(found, expected);
  }
});

test('an entry applied that is not committed, and books that differ', () => {
  const { oracle, found } = watch();
  const entry = makeEntry(1, 1, 'command', Buffer.from(''));
  oracle.applied('a', entry, 7);
  assert.equal(found, ['applied is committed']);
  oracle.look(member('a', { log: [1], commit: 1 }));
  oracle.applied('a', entry, 7);
  oracle.applied('b', entry, 7);
  assert.is(found.length, 1);
  oracle.applied('c', entry, 8);
  oracle.applied('c', makeEntry(1, 1, 'command', Buffer.from('other')), 7);
  assert.equal(found, ['applied is committed', 'equal books', 'applied is committed']);
});

test('a read below what was committed when it was asked for', () => {
  const { oracle, found } = watch();
  oracle.readGranted('a', 5, 5);
  assert.equal(found, []);
  oracle.readGranted('a', 4, 5);
  assert.equal(found, ['reads see what was committed']);
});

test.run();
