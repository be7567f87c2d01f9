import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  CAUGHT_UP_LAG_MAX,
  nextMembershipStep,
  parseGroupState,
  type MembershipChange,
  type MembershipGoal,
  type GroupState,
  type GroupMember,
  type MembershipStep,
} from './membership-plan.js';

const test = suite('regrouping');
const AT = { peerUrl: 'http://127.0.0.1:8202', url: 'http://127.0.0.1:8192' };

function member(id: string, role: GroupMember['role'] = 'voter', match: number | null = 1_000): GroupMember {
  return { id, name: id.replace(/\..*/, ''), role, match, reachable: true, ...AT };
}

/** A group whose first member leads. */
function group(...members: readonly GroupMember[]): GroupState {
  const self = members[0]?.id ?? '';
  const head = { self, role: 'leader', term: 3, leader: self, commit: 1_000, lastIndex: 1_000, joint: false };
  return { ...head, members };
}

const REJOIN: MembershipGoal = { joins: { id: '2.aa', address: AT, mayLag: false }, leaves: ['2'] };

function change(...parts: readonly MembershipChange[]): MembershipStep {
  return { kind: 'change', parts };
}

test('rejoin adds a learner, waits until it has caught up, and replaces the old member', () => {
  const before = [member('1'), member('2'), member('3')];
  assert.equal(
    nextMembershipStep(group(...before), REJOIN),
    change({ type: 'addLearner', id: '2.aa', ...AT }),
  );
  const waits = nextMembershipStep(group(...before, member('2.aa', 'learner', null)), REJOIN);
  assert.equal(waits, { kind: 'wait', why: '2.aa lacks 1000 log entries' });
  const silent = { ...member('2.aa', 'learner', 1_000), reachable: false };
  assert.equal(nextMembershipStep(group(...before, silent), REJOIN), {
    kind: 'wait',
    why: '2.aa does not answer the leader: start it',
  });
  const near = member('2.aa', 'learner', 1_000 - CAUGHT_UP_LAG_MAX);
  assert.equal(
    nextMembershipStep(group(...before, near), REJOIN),
    change({ type: 'remove', id: '2' }, { type: 'addVoter', id: '2.aa' }),
  );
  assert.equal(nextMembershipStep(group(member('1'), member('3'), member('2.aa')), REJOIN), { kind: 'done' });
});

test('rejoin also removes members of earlier, incomplete rejoins', () => {
  const members = [
    member('1'),
    member('2'),
    member('3'),
    member('2.00', 'learner'),
    member('2.aa', 'learner'),
  ];
  assert.equal(
    nextMembershipStep(group(...members), REJOIN),
    change({ type: 'remove', id: '2' }, { type: 'remove', id: '2.00' }, { type: 'addVoter', id: '2.aa' }),
  );
  assert.equal(
    nextMembershipStep(group(member('1'), member('3'), member('2.00'), member('2.aa')), REJOIN),
    change({ type: 'remove', id: '2.00' }),
  );
});

test('waits while a membership change is in progress', () => {
  const joint = { ...group(member('1'), member('2', 'leaving'), member('2.aa')), joint: true };
  assert.is(nextMembershipStep(joint, REJOIN).kind, 'wait');
});

test('transfers leadership to the voter with the most complete log before the leader leaves', () => {
  const goal: MembershipGoal = { joins: { id: '4', address: AT, mayLag: false }, leaves: ['1', '4'] };
  const voters = [member('1'), member('2', 'voter', 900), member('3', 'voter', 950)];
  assert.equal(nextMembershipStep(group(...voters, member('4', 'learner')), goal), {
    kind: 'transfer',
    to: '3',
  });
  assert.equal(nextMembershipStep(group(...voters), { joins: null, leaves: ['1'] }), {
    kind: 'transfer',
    to: '3',
  });
  assert.equal(
    nextMembershipStep(group(...voters), { joins: null, leaves: ['3'] }),
    change({ type: 'remove', id: '3' }),
  );
  const silent = { ...member('3', 'voter', 950), reachable: false };
  const two = group(member('1'), member('2', 'voter', 900), silent);
  assert.equal(nextMembershipStep(two, { joins: null, leaves: ['1'] }), { kind: 'transfer', to: '2' });
});

test('removes the only voter only after its successor has become a voter', () => {
  const goal: MembershipGoal = { joins: { id: '4', address: AT, mayLag: false }, leaves: ['1'] };
  assert.equal(
    nextMembershipStep(group(member('1'), member('4', 'learner')), goal),
    change({ type: 'addVoter', id: '4' }),
  );
  assert.equal(nextMembershipStep(group(member('1'), member('4', 'voter', null)), goal), {
    kind: 'transfer',
    to: '4',
  });
  assert.equal(
    nextMembershipStep(group(member('4'), member('1')), goal),
    change({ type: 'remove', id: '1' }),
  );
  assert.is(nextMembershipStep(group(member('1')), { joins: null, leaves: ['1'] }).kind, 'impossible');
});

test('promotes a learner, but no unknown member; a voter is done', () => {
  const promote = (id: string, mayLag = false): MembershipGoal => ({
    joins: { id, address: null, mayLag },
    leaves: [],
  });
  const lags = group(member('1'), member('2', 'learner', null));
  assert.is(nextMembershipStep(lags, promote('2')).kind, 'wait');
  assert.equal(nextMembershipStep(lags, promote('2', true)), change({ type: 'addVoter', id: '2' }));
  assert.is(nextMembershipStep(group(member('1')), promote('7')).kind, 'impossible');
  assert.equal(nextMembershipStep(group(member('1')), promote('1')), { kind: 'done' });
});

test('parseGroupState reads an answer of GET /members, and returns null for an invalid one', () => {
  const expected = group(member('1'), { ...member('2', 'learner', null), url: null });
  const text = JSON.stringify({ ...expected, index: 4 });
  assert.equal(parseGroupState(JSON.parse(text)), expected);
  const one = expected.members[0];
  const bad = [
    null,
    {},
    { ...expected, members: 3 },
    { ...expected, self: 1 },
    { ...expected, term: '1' },
    { ...expected, leader: 1 },
    ...[
      null,
      { ...one, id: 1 },
      { ...one, role: 'king' },
      { ...one, match: 'x' },
      { ...one, reachable: 1 },
    ].map((item) => ({
      ...expected,
      members: [item],
    })),
  ];
  for (const value of bad) assert.is(parseGroupState(value), null, JSON.stringify(value));
});

test.run();
