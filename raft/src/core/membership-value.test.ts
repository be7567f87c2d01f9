/** The configuration as a value: its form in the log, its invariants, the way from one to the next, and its quorums. */
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { makeEntry, readEntry } from './entry.js';
import { changeMembership, leaveJoint, type MemberChange } from './membership-change.js';
import { decodeMembership, encodeMembership } from './membership-codec.js';
import {
  ADDRESS_BYTES_MAX,
  NO_MEMBERS,
  checkMembership,
  describeMembership,
  initialMembership,
  isJoint,
  isVoter,
  membersOf,
  votersOf,
  type Membership,
} from './membership.js';
import { electionState, isQuorum, reachedByQuorum } from './quorum.js';
import { changeOf } from './testing/messages.js';

const codeOf = (code: string) => (error: unknown) => (error as { code: string }).code === code;

const IDS = ['a', 'b', 'c', 'd', 'e', 'f', 'g'];

/** A configuration that is not joint. */
const simple = fc
  .record({
    roles: fc.array(fc.constantFrom('voter', 'learner', 'none'), { minLength: 7, maxLength: 7 }),
    address: fc.string({ maxLength: 20 }),
  })
  .map(({ roles, address }): Membership => {
    const having = (role: string): string[] => IDS.filter((_, place) => roles[place] === role);
    const [voters, learners] = [having('voter'), having('learner')];
    const addresses = new Map([...voters, ...learners].map((id) => [id, `${address}${id}`]));
    return { ...NO_MEMBERS, voters, learners, addresses };
  })
  .filter(({ voters }) => voters.length > 0);

const change = fc.uniqueArray(
  fc.record({ type: fc.constantFrom('addVoter', 'addLearner', 'remove'), id: fc.constantFrom(...IDS) }),
  { minLength: 1, maxLength: 5, selector: ({ id }) => id },
) as fc.Arbitrary<MemberChange[]>;

/** A configuration and a change that it takes. */
const step = fc
  .tuple(simple, change)
  .map(([from, how]) => {
    try {
      return { from, how, to: changeMembership(from, how) };
    } catch {
      return null;
    }
  })
  .filter((one) => one !== null);

const any = fc.oneof(
  simple,
  step.map(({ to }) => to),
);

const plain = ({ addresses, ...rest }: Membership): unknown => ({
  ...rest,
  addresses: [...addresses].toSorted(),
});

/** Changes as a careless or hostile caller could ask for them. */
const anyText = fc.oneof(
  fc.constantFrom('', 'a', 'é', '\ud83d', 'x'.repeat(64), 'x'.repeat(65)),
  fc.constantFrom(
    'y'.repeat(ADDRESS_BYTES_MAX),
    'y'.repeat(ADDRESS_BYTES_MAX + 1),
    'é'.repeat(ADDRESS_BYTES_MAX / 2 + 1),
  ),
  fc.string({ unit: 'binary', maxLength: 70 }),
  fc.array(fc.nat(0xffff), { maxLength: 10 }).map((units) => String.fromCharCode(...units)),
);
const anyChange = fc.array(
  fc.record(
    {
      type: fc.constantFrom('addVoter', 'addLearner', 'remove'),
      id: fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...IDS) }, { weight: 1, arbitrary: anyText }),
      address: anyText,
    },
    { requiredKeys: ['type', 'id'] },
  ),
  { maxLength: 5 },
) as fc.Arbitrary<MemberChange[]>;

test('whatever change is taken can be applied as it was asked for, and left again where it is joint', () => {
  let taken = 0;
  const assertReadable = (membership: Membership): void =>
    assert.equal(plain(decodeMembership(encodeMembership(membership))), plain(membership));
  fc.assert(
    fc.property(simple, anyChange, (from, how) => {
      let to: Membership;
      try {
        to = changeMembership(from, how);
      } catch (error) {
        assert.ok(codeOf('BAD_MEMBERSHIP')(error), String(error));
        return;
      }
      taken += 1;
      assertReadable(to);
      if (isJoint(to)) assertReadable(leaveJoint(to));
    }),
    { numRuns: 2000 },
  );
  assert.ok(taken > 100, `${taken} were taken`);
});

test('a configuration comes back from the log as it went in, and equal ones are equal bytes', () => {
  fc.assert(
    fc.property(any, (membership) => {
      const data = encodeMembership(membership);
      const back = decodeMembership(readEntry(makeEntry(3, 1, 'membership', data).record).data);
      assert.equal(plain(back), plain(membership));
      assert.ok(encodeMembership(back).equals(data));
    }),
  );
});

test('bytes that are no configuration in its one form are damage', () => {
  const good = encodeMembership(changeMembership(initialMembership(['a', 'b', 'c']), changeOf('-b ?c +d')));
  const bad = (how: (bytes: Buffer) => Buffer): void => {
    assert.throws(() => decodeMembership(how(Buffer.from(good))), codeOf('LOG_DAMAGED'));
  };
  const set = (at: number, value: number) => (bytes: Buffer) => bytes.fill(value, at, at + 1);
  decodeMembership(good);
  for (let length = 0; length < good.length; length += 1) bad((bytes) => bytes.subarray(0, length));
  bad((bytes) => Buffer.concat([bytes, Buffer.of(0)]));
  bad(set(0, 2));
  bad(set(2, 0));
  bad(set(2, 16));
  bad(set(2, 1 + 4));
  bad(set(4, 'z'.charCodeAt(0)));
  bad(set(4, '/'.charCodeAt(0)));
  const entry = makeEntry(1, 1, 'membership', Buffer.from('nothing of the kind'));
  assert.throws(() => readEntry(entry.record), codeOf('LOG_DAMAGED'));
});

test('what is no configuration is refused by its reason', () => {
  const base = initialMembership(['a', 'b', 'c']);
  const address = new Map([...base.addresses, ['a', 'x'.repeat(ADDRESS_BYTES_MAX + 1)]]);
  const many = Array.from({ length: 16 }, (_, place) => `m${place}`);
  const cases: readonly [Partial<Membership>, RegExp][] = [
    [{ voters: [] }, /no voter is left/],
    [{ voters: many, addresses: new Map(many.map((id) => [id, ''])) }, /16 members are more than 15/],
    [{ voters: ['a', 'b', 'c d'] }, /"c d" is not the id/],
    [{ addresses: address }, /address of a has 513 bytes/],
    [{ addresses: new Map([['a', '']]) }, /addresses are not those of the members/],
    [{ addresses: new Map([...base.addresses, ['z', '']]) }, /addresses are not those of the members/],
    [{ learners: ['b'] }, /b is both a voter and a learner/],
    [{ voters: ['a', 'b'], outgoing: ['c'], learners: ['c'] }, /c is both/],
    [{ learnersNext: ['b'] }, /b is to become a learner/],
    [{ outgoing: ['a', 'b'], learnersNext: ['b'] }, /b is to become a learner/],
  ];
  checkMembership(base, 'BAD_MEMBERSHIP');
  for (const [fields, reason] of cases) {
    assert.throws(() => checkMembership({ ...base, ...fields }, 'BAD_MEMBERSHIP'), reason);
    assert.throws(() => checkMembership({ ...base, ...fields }, 'BAD_MEMBERSHIP'), codeOf('BAD_MEMBERSHIP'));
  }
  assert.throws(() => initialMembership(['a', 'b', 'a']), codeOf('BAD_CONFIG'));
  assert.throws(() => encodeMembership(NO_MEMBERS), codeOf('INVARIANT'));
});

test('a change says what it leads to', () => {
  const cases: readonly [string, string, string][] = [
    ['a b c', '+d', 'a b c d'],
    ['a b c', '-c', 'a b'],
    ['a b c', '?d', 'a b c + d'],
    ['a b c', '?c', 'a b + c'],
    ['a b c', '?d ?e', 'a b c + d e'],
    ['a b c', '-c +d', 'a b d & a b c'],
    ['a b c', '?c +d', 'a b d & a b c then + c'],
    ['a b c', '+d +e', 'a b c d e & a b c'],
    ['a b c', '-a -b -c +d', 'd & a b c'],
    ['a b c', '-b ?d', 'a c + d'],
  ];
  for (const [from, how, to] of cases) {
    assert.is(describeMembership(changeMembership(initialMembership(from.split(' ')), changeOf(how))), to);
  }
  const withLearner = changeMembership(initialMembership(['a', 'b']), changeOf('?c'));
  assert.is(describeMembership(changeMembership(withLearner, changeOf('+c'))), 'a b c', 'promotion');
  assert.is(describeMembership(changeMembership(withLearner, changeOf('-c'))), 'a b');
  assert.is(describeMembership(changeMembership(withLearner, changeOf('+c -a'))), 'b c & a b');
});

test('a change keeps the addresses that it does not name, those of who is on the way out included', () => {
  const from = initialMembership(['a', 'b', 'c'], new Map([['c', 'at c']]));
  const joint = changeMembership(from, [
    { type: 'remove', id: 'c' },
    { type: 'addVoter', id: 'd', address: 'at d' },
  ]);
  assert.equal([...joint.addresses].toSorted(), [
    ['a', ''],
    ['b', ''],
    ['c', 'at c'],
    ['d', 'at d'],
  ]);
  assert.equal([...leaveJoint(joint).addresses].toSorted(), [
    ['a', ''],
    ['b', ''],
    ['d', 'at d'],
  ]);
  const moved = changeMembership(from, [{ type: 'addVoter', id: 'c', address: 'elsewhere' }]);
  assert.is(moved.addresses.get('c'), 'elsewhere');
  assert.is(isJoint(moved), false);
});

test('a change that is none, or leads nowhere, is refused', () => {
  const from = changeMembership(initialMembership(['a', 'b']), changeOf('?c'));
  const many = Array.from({ length: 13 }, (_, place) => `+m${place}`).join(' ');
  const cases: readonly [string, RegExp][] = [
    ['+a', /a is a voter already/],
    ['?c', /c is a learner already/],
    ['-z', /z is not a member/],
    ['+d -d', /named twice/],
    ['-a -b', /no voter is left/],
    [many, /more than 15/],
    ['+no/id', /is not the id/],
  ];
  for (const [how, reason] of cases) {
    assert.throws(() => changeMembership(from, changeOf(how)), reason);
    assert.throws(() => changeMembership(from, changeOf(how)), codeOf('BAD_MEMBERSHIP'));
  }
  assert.throws(() => changeMembership(from, []), /the change is empty/);
  const joint = changeMembership(from, changeOf('-a +d'));
  assert.throws(() => changeMembership(joint, changeOf('+e')), codeOf('INVARIANT'));
  assert.throws(() => leaveJoint(from), codeOf('INVARIANT'));
});

test('6: every change ends where its parts say, by way of a joint configuration where more than one voter moves', () => {
  fc.assert(
    fc.property(step, ({ from, how, to }) => {
      const role = (membership: Membership, id: string): string =>
        membership.voters.includes(id)
          ? 'addVoter'
          : membership.learners.includes(id)
            ? 'addLearner'
            : 'remove';
      const end = isJoint(to) ? leaveJoint(to) : to;
      for (const id of IDS) {
        const named = how.find((one) => one.id === id);
        assert.is(role(end, id), named?.type ?? role(from, id));
      }
      const moved = IDS.filter((id) => from.voters.includes(id) !== end.voters.includes(id)).length;
      assert.is(isJoint(to), moved > 1);
      if (isJoint(to)) assert.equal(to.outgoing, from.voters);
    }),
  );
});

const subsets = (ids: readonly string[]): string[][] =>
  ids.reduce<string[][]>((found, id) => [...found, ...found.map((one) => [...one, id])], [[]]);

test('6: every quorum of a configuration shares a voter with every quorum of the next one', () => {
  const quorums = (membership: Membership): string[][] =>
    subsets(votersOf(membership)).filter((some) => isQuorum(membership, (id) => some.includes(id)));
  const meet = (one: Membership, other: Membership): void => {
    const others = quorums(other);
    for (const some of quorums(one)) {
      assert.ok(others.every((ids) => ids.some((id) => some.includes(id))));
    }
  };
  fc.assert(
    fc.property(step, ({ from, to }) => {
      meet(from, to);
      if (isJoint(to)) meet(to, leaveJoint(to));
    }),
    { numRuns: 200 },
  );
});

/** A majority counted the plain way. */
const most = (ids: readonly string[], holds: (id: string) => boolean): boolean =>
  2 * ids.filter(holds).length > ids.length;

test('what a quorum has reached, and whether an election is over, is what a plain count in both halves says', () => {
  const values = fc.array(fc.nat(9), { minLength: 7, maxLength: 7 });
  const answers = fc.array(fc.constantFrom(true, false, undefined), { minLength: 7, maxLength: 7 });
  fc.assert(
    fc.property(any, values, answers, (membership, reached, given) => {
      const halves = isJoint(membership) ? [membership.voters, membership.outgoing] : [membership.voters];
      const at = <T>(list: readonly T[], id: string): T | undefined => list[IDS.indexOf(id)];
      let naive = 0;
      for (let value = 0; value <= 9; value += 1) {
        if (halves.every((half) => most(half, (id) => (at(reached, id) ?? 0) >= value))) naive = value;
      }
      assert.is(
        reachedByQuorum(membership, (id) => at(reached, id) ?? 0),
        naive,
      );
      const votes = new Map(
        IDS.flatMap((id) => (at(given, id) === undefined ? [] : [[id, at(given, id) === true]])),
      );
      const isWon = halves.every((half) => most(half, (id) => at(given, id) === true));
      const isOpen = halves.every((half) => most(half, (id) => at(given, id) !== false));
      assert.is(electionState(membership, votes), isWon ? 'won' : isOpen ? 'open' : 'lost');
    }),
  );
});

test('roles of a joint configuration', () => {
  const joint = changeMembership(initialMembership(['a', 'b', 'c']), changeOf('-b ?c +d ?e'));
  assert.is(describeMembership(joint), 'a d & a b c + e then + c');
  assert.equal(
    IDS.filter((id) => isVoter(joint, id)),
    ['a', 'b', 'c', 'd'],
  );
  assert.equal(membersOf(joint), ['a', 'b', 'c', 'd', 'e']);
});

test.run();
