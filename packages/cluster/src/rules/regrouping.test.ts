import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  LAG_MAX,
  nextStep,
  parseGroup,
  type ChangePart,
  type Goal,
  type Group,
  type GroupMember,
  type Step,
} from './regrouping.js';

const test = suite('regrouping');
const AT = { peerUrl: 'http://127.0.0.1:8202', url: 'http://127.0.0.1:8192' };

function member(id: string, role: GroupMember['role'] = 'voter', match: number | null = 1_000): GroupMember {
  return { id, name: id.replace(/\..*/, ''), role, match, reachable: true, ...AT };
}

/** Led by the first of its members. */
function group(...members: readonly GroupMember[]): Group {
  const self = members[0]?.id ?? '';
  const head = { self, role: 'leader', term: 3, leader: self, commit: 1_000, lastIndex: 1_000, joint: false };
  return { ...head, members };
}

const REJOIN: Goal = { joins: { id: '2.aa', address: AT, mayLag: false }, leaves: ['2'] };

function change(...parts: readonly ChangePart[]): Step {
  return { kind: 'change', parts };
}

test('a replica comes back as a learner, waits until it has the log, and takes the old one’s place', () => {
  const before = [member('1'), member('2'), member('3')];
  assert.equal(nextStep(group(...before), REJOIN), change({ type: 'addLearner', id: '2.aa', ...AT }));
  const waits = nextStep(group(...before, member('2.aa', 'learner', null)), REJOIN);
  assert.equal(waits, { kind: 'wait', why: '2.aa lacks 1000 entries' });
  const silent = { ...member('2.aa', 'learner', 1_000), reachable: false };
  assert.equal(nextStep(group(...before, silent), REJOIN), {
    kind: 'wait',
    why: '2.aa does not answer the leader: start it',
  });
  const near = member('2.aa', 'learner', 1_000 - LAG_MAX);
  assert.equal(
    nextStep(group(...before, near), REJOIN),
    change({ type: 'remove', id: '2' }, { type: 'addVoter', id: '2.aa' }),
  );
  assert.equal(nextStep(group(member('1'), member('3'), member('2.aa')), REJOIN), { kind: 'done' });
});

test('whoever was begun anew before, and never came in, goes as well', () => {
  const members = [
    member('1'),
    member('2'),
    member('3'),
    member('2.00', 'learner'),
    member('2.aa', 'learner'),
  ];
  assert.equal(
    nextStep(group(...members), REJOIN),
    change({ type: 'remove', id: '2' }, { type: 'remove', id: '2.00' }, { type: 'addVoter', id: '2.aa' }),
  );
  assert.equal(
    nextStep(group(member('1'), member('3'), member('2.00'), member('2.aa')), REJOIN),
    change({ type: 'remove', id: '2.00' }),
  );
});

test('while a change is under way there is nothing to do but to wait', () => {
  const joint = { ...group(member('1'), member('2', 'leaving'), member('2.aa')), joint: true };
  assert.is(nextStep(joint, REJOIN).kind, 'wait');
});

test('a leader that is to go transfers leadership first, to the one whose log reaches furthest', () => {
  const goal: Goal = { joins: { id: '4', address: AT, mayLag: false }, leaves: ['1', '4'] };
  const voters = [member('1'), member('2', 'voter', 900), member('3', 'voter', 950)];
  assert.equal(nextStep(group(...voters, member('4', 'learner')), goal), { kind: 'transfer', to: '3' });
  assert.equal(nextStep(group(...voters), { joins: null, leaves: ['1'] }), { kind: 'transfer', to: '3' });
  assert.equal(
    nextStep(group(...voters), { joins: null, leaves: ['3'] }),
    change({ type: 'remove', id: '3' }),
  );
  const silent = { ...member('3', 'voter', 950), reachable: false };
  const two = group(member('1'), member('2', 'voter', 900), silent);
  assert.equal(nextStep(two, { joins: null, leaves: ['1'] }), { kind: 'transfer', to: '2' });
});

test('the only voter stays until the one that replaces it votes', () => {
  const goal: Goal = { joins: { id: '4', address: AT, mayLag: false }, leaves: ['1'] };
  assert.equal(
    nextStep(group(member('1'), member('4', 'learner')), goal),
    change({ type: 'addVoter', id: '4' }),
  );
  assert.equal(nextStep(group(member('1'), member('4', 'voter', null)), goal), { kind: 'transfer', to: '4' });
  assert.equal(nextStep(group(member('4'), member('1')), goal), change({ type: 'remove', id: '1' }));
  assert.is(nextStep(group(member('1')), { joins: null, leaves: ['1'] }).kind, 'impossible');
});

test('a member that is none cannot be promoted; one that votes is', () => {
  const promote = (id: string, mayLag = false): Goal => ({
    joins: { id, address: null, mayLag },
    leaves: [],
  });
  const lags = group(member('1'), member('2', 'learner', null));
  assert.is(nextStep(lags, promote('2')).kind, 'wait');
  assert.equal(nextStep(lags, promote('2', true)), change({ type: 'addVoter', id: '2' }));
  assert.is(nextStep(group(member('1')), promote('7')).kind, 'impossible');
  assert.equal(nextStep(group(member('1')), promote('1')), { kind: 'done' });
});

test('an answer of GET /members is read as it is; anything else is none', () => {
  const told = group(member('1'), { ...member('2', 'learner', null), url: null });
  const text = JSON.stringify({ ...told, index: 4 });
  assert.equal(parseGroup(JSON.parse(text)), told);
  const one = told.members[0];
  const bad = [
    null,
    {},
    { ...told, members: 3 },
    { ...told, self: 1 },
    { ...told, term: '1' },
    { ...told, leader: 1 },
    ...[
      null,
      { ...one, id: 1 },
      { ...one, role: 'king' },
      { ...one, match: 'x' },
      { ...one, reachable: 1 },
    ].map((item) => ({
      ...told,
      members: [item],
    })),
  ];
  for (const value of bad) assert.is(parseGroup(value), null, JSON.stringify(value));
});

test.run();
