/** Each check of who decides rejects what it is there for, by one configuration and by two at a time. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { makeEntry } from '#raft/core/entry.js';
import { NO_BASE } from '#raft/core/log.js';
import { changeMembership, leaveJoint } from '#raft/core/membership-change.js';
import { encodeMembership } from '#raft/core/membership-codec.js';
import { NO_MEMBERS, initialMembership, type Membership } from '#raft/core/membership.js';
import { changeOf } from '#raft/core/testing/messages.js';
import type { LogView } from '#raft/options.js';
import type { DiskView } from './views.js';
import { Quorums, decides } from './quorums.js';

const GROUP = initialMembership(['a', 'b', 'c']);
const JOINT = changeMembership(GROUP, changeOf('-b -c +d +e'));

interface Rig {
  readonly quorums: Quorums;
  readonly found: string[];
  /** Where each member's disk ends; all that is there is of term 1. */
  readonly ends: Map<string, number>;
}

function watch(): Rig {
  const found: string[] = [];
  const ends = new Map<string, number>();
  const diskOf = (id: string): DiskView => {
    const lastIndex = ends.get(id) ?? 0;
    const term = (index: number): number => (index <= lastIndex ? 1 : 0);
    return { hardState: { term: 1, vote: null }, base: { index: 0 }, lastIndex, term };
  };
  const group = { initial: GROUP, ids: ['a', 'b', 'c', 'd', 'e'], diskOf };
  return { quorums: new Quorums((check) => found.push(check), group), found, ends };
}

function log(applied: number): LogView {
  return {
    ...{ base: NO_BASE, lastIndex: applied, stableIndex: applied, commit: applied, applied },
    term: () => 1,
    entries: () => [],
  };
}

/** A configuration is logged at `index`, and committed. */
function commit({ quorums }: Rig, index: number, membership: Membership): void {
  quorums.placed(makeEntry(index, 1, 'membership', encodeMembership(membership)));
  quorums.committed(index, 1);
}

test('a majority of the voters decides, of both halves while there are two; learners do not', () => {
  const by = (membership: Membership, ids: string): boolean => decides(membership, (id) => ids.includes(id));
  assert.ok(by(GROUP, 'ab'));
  assert.not.ok(by(GROUP, 'a'));
  assert.not.ok(by(JOINT, 'ab'));
  assert.not.ok(by(JOINT, 'ade'));
  assert.ok(by(JOINT, 'abd'));
  assert.not.ok(by(changeMembership(GROUP, changeOf('?d')), 'ad'));
});

test('a commit that is on too few disks', () => {
  const rig = watch();
  rig.ends.set('a', 2).set('b', 2);
  rig.quorums.checkCommit('a', log(0), 2, 1);
  assert.equal(rig.found, []);
  rig.quorums.checkCommit('a', log(0), 3, 1);
  assert.equal(rig.found, ['commit by a quorum']);
  commit(rig, 1, JOINT);
  rig.quorums.checkCommit('a', log(0), 2, 1);
  assert.is(rig.found.length, 1, 'it is committed, and applied by no one yet');
  rig.quorums.checkCommit('a', log(1), 2, 1);
  assert.is(rig.found.length, 2, 'd and e have nothing');
  rig.ends.set('d', 2);
  rig.quorums.checkCommit('a', log(1), 2, 1);
  assert.is(rig.found.length, 2);
});

test('a leader that too few voted for', () => {
  const rig = watch();
  const votes = (ids: string) => (voter: string) => (ids.includes(voter) ? 'a' : undefined);
  rig.quorums.checkElection('a', log(0), 2, votes('b'));
  assert.equal(rig.found, []);
  rig.quorums.checkElection('a', log(0), 2, votes('de'));
  assert.equal(rig.found, ['elected by a quorum']);
  commit(rig, 1, JOINT);
  rig.quorums.checkElection('a', log(1), 2, votes('de'));
  assert.is(rig.found.length, 2, 'one half only');
  rig.quorums.checkElection('a', log(1), 2, votes('bd'));
  assert.is(rig.found.length, 2);
});

test('a member that goes by a configuration too early, or too late; one that waits to be let in has none', () => {
  const rig = watch();
  rig.quorums.checkInForce('a', GROUP, 0);
  rig.quorums.checkInForce('d', NO_MEMBERS, 0);
  commit(rig, 3, JOINT);
  rig.quorums.checkInForce('a', GROUP, 2);
  rig.quorums.checkInForce('d', JOINT, 3);
  assert.equal(rig.found, []);
  rig.quorums.checkInForce('a', JOINT, 2);
  rig.quorums.checkInForce('a', GROUP, 3);
  assert.equal(rig.found, ['configuration in force', 'configuration in force']);
});

test('a configuration with quorums apart from those of the one before', () => {
  const rig = watch();
  commit(rig, 1, JOINT);
  commit(rig, 2, leaveJoint(JOINT));
  commit(rig, 3, changeMembership(leaveJoint(JOINT), changeOf('+b')));
  assert.equal(rig.found, []);
  commit(rig, 4, initialMembership(['b', 'c', 'd']));
  assert.equal(rig.found, ['no two quorums apart']);
});

test('in use are the last configuration, those that someone has come to, and those that may yet be committed', () => {
  const rig = watch();
  assert.equal(rig.quorums.inUse([0]), [GROUP]);
  const logged = makeEntry(1, 1, 'membership', encodeMembership(JOINT));
  rig.quorums.placed(logged);
  assert.equal(rig.quorums.inUse([0]), [GROUP, JOINT]);
  rig.quorums.committed(1, 2);
  assert.equal(rig.quorums.inUse([0]), [GROUP], 'another entry was committed in its place');
  commit(rig, 2, JOINT);
  commit(rig, 3, leaveJoint(JOINT));
  assert.equal(rig.quorums.inUse([2, 3]), [leaveJoint(JOINT), JOINT]);
  assert.is(rig.quorums.changes, 2);
});

test.run();
