/** Each check of quorums rejects a violation, in simple and in joint configurations. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  makeEntry,
  NO_BASE,
  EMPTY_MEMBERSHIP,
  initialMembership,
  type Membership,
  type LogView,
} from '@trireme/raft';
import { parseChange } from '../../../dist/core/testing/messages.js';
import { changeMembership, leaveJoint, encodeMembership } from '../internals.js';
import type { DiskView } from './views.js';
import { QuorumChecker, isQuorum } from './quorums.js';

const GROUP = initialMembership(['a', 'b', 'c']);
const JOINT = changeMembership(GROUP, parseChange('-b -c +d +e'));

interface Fixture {
  readonly quorums: QuorumChecker;
  readonly found: string[];
  /** Last index on each member's disk. All entries are of term 1. */
  readonly ends: Map<string, number>;
}

function newQuorums(): Fixture {
  const found: string[] = [];
  const ends = new Map<string, number>();
  const diskOf = (id: string): DiskView => {
    const lastIndex = ends.get(id) ?? 0;
    const term = (index: number): number => (index <= lastIndex ? 1 : 0);
    return { hardState: { term: 1, vote: null }, base: { index: 0 }, lastIndex, term };
  };
  const group = { initial: GROUP, ids: ['a', 'b', 'c', 'd', 'e'], diskOf };
  return { quorums: new QuorumChecker((check) => found.push(check), group), found, ends };
}

function log(applied: number): LogView {
  return {
    base: NO_BASE,
    lastIndex: applied,
    stableIndex: applied,
    commit: applied,
    applied,
    term: () => 1,
    entries: () => [],
  };
}

/** Logs a configuration at `index` and commits it. */
function commit({ quorums }: Fixture, index: number, membership: Membership): void {
  quorums.onEntryLogged(makeEntry(index, 1, 'membership', encodeMembership(membership)));
  quorums.onCommitted(index, 1);
}

test('isQuorum: needs a majority of voters, in both halves of a joint configuration, without learners', () => {
  const by = (membership: Membership, ids: string): boolean => isQuorum(membership, (id) => ids.includes(id));
  assert.ok(by(GROUP, 'ab'));
  assert.not.ok(by(GROUP, 'a'));
  assert.not.ok(by(JOINT, 'ab'));
  assert.not.ok(by(JOINT, 'ade'));
  assert.ok(by(JOINT, 'abd'));
  assert.not.ok(by(changeMembership(GROUP, parseChange('?d')), 'ad'));
});

test('checkCommit: rejects a commit that is on too few disks', () => {
  const fixture = newQuorums();
  fixture.ends.set('a', 2).set('b', 2);
  fixture.quorums.checkCommit('a', log(0), 2, 1);
  assert.equal(fixture.found, []);
  fixture.quorums.checkCommit('a', log(0), 3, 1);
  assert.equal(fixture.found, ['commit by a quorum']);
  commit(fixture, 1, JOINT);
  fixture.quorums.checkCommit('a', log(0), 2, 1);
  assert.is(fixture.found.length, 1, 'the joint configuration is committed but not applied yet');
  fixture.quorums.checkCommit('a', log(1), 2, 1);
  assert.is(fixture.found.length, 2, 'd and e have nothing');
  fixture.ends.set('d', 2);
  fixture.quorums.checkCommit('a', log(1), 2, 1);
  assert.is(fixture.found.length, 2);
});

test('checkElection: rejects a leader with too few votes', () => {
  const fixture = newQuorums();
  const votes = (ids: string) => (voter: string) => (ids.includes(voter) ? 'a' : undefined);
  fixture.quorums.checkElection('a', log(0), 2, votes('b'));
  assert.equal(fixture.found, []);
  fixture.quorums.checkElection('a', log(0), 2, votes('de'));
  assert.equal(fixture.found, ['elected by a quorum']);
  commit(fixture, 1, JOINT);
  fixture.quorums.checkElection('a', log(1), 2, votes('de'));
  assert.is(fixture.found.length, 2, 'one half only');
  fixture.quorums.checkElection('a', log(1), 2, votes('bd'));
  assert.is(fixture.found.length, 2);
});

test('checkInForce: rejects a configuration that takes effect too early or too late; a new process has none', () => {
  const fixture = newQuorums();
  fixture.quorums.checkInForce('a', GROUP, 0);
  fixture.quorums.checkInForce('d', EMPTY_MEMBERSHIP, 0);
  commit(fixture, 3, JOINT);
  fixture.quorums.checkInForce('a', GROUP, 2);
  fixture.quorums.checkInForce('d', JOINT, 3);
  assert.equal(fixture.found, []);
  fixture.quorums.checkInForce('a', JOINT, 2);
  fixture.quorums.checkInForce('a', GROUP, 3);
  assert.equal(fixture.found, ['configuration in force', 'configuration in force']);
});

test('committed: rejects a configuration with a quorum disjoint from one of the previous configuration', () => {
  const fixture = newQuorums();
  commit(fixture, 1, JOINT);
  commit(fixture, 2, leaveJoint(JOINT));
  commit(fixture, 3, changeMembership(leaveJoint(JOINT), parseChange('+b')));
  assert.equal(fixture.found, []);
  commit(fixture, 4, initialMembership(['b', 'c', 'd']));
  assert.equal(fixture.found, ['quorums intersect']);
});

test('inUse: the latest configuration, those in force at a member, and those that may be committed', () => {
  const fixture = newQuorums();
  assert.equal(fixture.quorums.inUse([0]), [GROUP]);
  const logged = makeEntry(1, 1, 'membership', encodeMembership(JOINT));
  fixture.quorums.onEntryLogged(logged);
  assert.equal(fixture.quorums.inUse([0]), [GROUP, JOINT]);
  fixture.quorums.onCommitted(1, 2);
  assert.equal(fixture.quorums.inUse([0]), [GROUP], 'another entry was committed in its place');
  commit(fixture, 2, JOINT);
  commit(fixture, 3, leaveJoint(JOINT));
  assert.equal(fixture.quorums.inUse([2, 3]), [leaveJoint(JOINT), JOINT]);
  assert.is(fixture.quorums.changes, 2);
});

test.run();
