/** The configuration as a value: its encoding, its invariants, changes, and quorums. */
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { makeEntry, readEntry } from './entry.js';
import { changeMembership, leaveJoint, type MemberChange } from './membership-change.js';
import { decodeMembership, encodeMembership } from './membership-codec.js';
import {
  ADDRESS_BYTES_MAX,
  EMPTY_MEMBERSHIP,
  checkMembership,
  describeMembership,
  initialMembership,
  isJoint,
  isVoter,
  membersOf,
  votersOf,
  type Membership,
} from './membership.js';
import { electionResult, isQuorum, highestOfQuorum } from './quorum.js';
import { parseChange } from './testing/messages.js';

const codeOf = (code: string) => (error: unknown) => (error as { code: string }).code === code;

const IDS = ['a', 'b', 'c', 'd', 'e', 'f', 'g'];

/** A configuration that is not joint. */
const simple = fc
  .record({
    roles: fc.array(fc.constantFrom('voter', 'learner', 'none'), { minLength: 7, maxLength: 7 }),
    address: fc.string({ maxLength: 20 }),
  })
  .map(({ roles, address }): Membership => {
    const idsOf = (role: string): string[] => IDS.filter((_, position) => roles[position] === role);
    const [voters, learners] = [idsOf('voter'), idsOf('learner')];
    const addresses = new Map([...voters, ...learners].map((id) => [id, `${address}${id}`]));
    return { ...EMPTY_MEMBERSHIP, voters, learners, addresses };
  })
  .filter(({ voters }) => voters.length > 0);

const change = fc.uniqueArray(
  fc.record({ type: fc.constantFrom('addVoter', 'addLearner', 'remove'), id: fc.constantFrom(...IDS) }),
  { minLength: 1, maxLength: 5, selector: ({ id }) => id },
) as fc.Arbitrary<MemberChange[]>;

/** A configuration, a valid change, and the result. */
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

/** The configuration with its addresses as a sorted list, to compare. */
const comparable = ({ addresses, ...fields }: Membership): unknown => ({
  ...fields,
  addresses: [...addresses].toSorted(),
});

/** Ids and addresses of a careless or malicious caller. */
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

test('every accepted change gives a configuration that can be logged, and left again if it is joint', () => {
  let accepted = 0;
  const assertReadable = (membership: Membership): void =>
    assert.equal(comparable(decodeMembership(encodeMembership(membership))), comparable(membership));
  fc.assert(
    fc.property(simple, anyChange, (from, how) => {
      let to: Membership;
      try {
        to = changeMembership(from, how);
      } catch (error) {
        assert.ok(codeOf('BAD_MEMBERSHIP')(error), String(error));
        return;
      }
      accepted += 1;
      assertReadable(to);
      if (isJoint(to)) assertReadable(leaveJoint(to));
    }),
    { numRuns: 2000 },
  );
  assert.ok(accepted > 100, `only ${accepted} changes were accepted`);
});

test('decodeMembership restores an encoded configuration, and equal configurations have equal bytes', () => {
  fc.assert(
    fc.property(any, (membership) => {
      const data = encodeMembership(membership);
      const back = decodeMembership(readEntry(makeEntry(3, 1, 'membership', data).record).data);
      assert.equal(comparable(back), comparable(membership));
      assert.ok(encodeMembership(back).equals(data));
    }),
  );
});

test('decodeMembership rejects bytes that are not the encoding of a valid configuration', () => {
  const good = encodeMembership(
    changeMembership(initialMembership(['a', 'b', 'c']), parseChange('-b ?c +d')),
  );
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
  const entry = makeEntry(1, 1, 'membership', Buffer.from('not a configuration'));
  assert.throws(() => readEntry(entry.record), codeOf('LOG_DAMAGED'));
});

test('checkMembership rejects an invalid configuration with the reason', () => {
  const base = initialMembership(['a', 'b', 'c']);
  const address = new Map([...base.addresses, ['a', 'x'.repeat(ADDRESS_BYTES_MAX + 1)]]);
  const many = Array.from({ length: 16 }, (_, position) => `m${position}`);
  const cases: readonly [Partial<Membership>, RegExp][] = [
    [{ voters: [] }, /no voter is left/],
    [{ voters: many, addresses: new Map(many.map((id) => [id, ''])) }, /16 members exceed the limit of 15/],
    [{ voters: ['a', 'b', 'c d'] }, /"c d" is not a valid member id/],
    [{ addresses: address }, /address of a has 513 bytes, the limit is 512/],
    [{ addresses: new Map([['a', '']]) }, /addresses do not belong to exactly the members/],
    [
      { addresses: new Map([...base.addresses, ['z', '']]) },
      /addresses do not belong to exactly the members/,
    ],
    [{ learners: ['b'] }, /b is both a voter and a learner/],
    [{ voters: ['a', 'b'], outgoing: ['c'], learners: ['c'] }, /c is both a voter and a learner/],
    [{ learnersNext: ['b'] }, /b cannot become a learner/],
    [{ outgoing: ['a', 'b'], learnersNext: ['b'] }, /b cannot become a learner/],
  ];
  checkMembership(base, 'BAD_MEMBERSHIP');
  for (const [fields, reason] of cases) {
    assert.throws(() => checkMembership({ ...base, ...fields }, 'BAD_MEMBERSHIP'), reason);
    assert.throws(() => checkMembership({ ...base, ...fields }, 'BAD_MEMBERSHIP'), codeOf('BAD_MEMBERSHIP'));
  }
  assert.throws(() => initialMembership(['a', 'b', 'a']), codeOf('BAD_CONFIG'));
  assert.throws(() => encodeMembership(EMPTY_MEMBERSHIP), codeOf('INVARIANT'));
});

test('changeMembership gives the expected configuration', () => {
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
    assert.is(describeMembership(changeMembership(initialMembership(from.split(' ')), parseChange(how))), to);
  }
  const withLearner = changeMembership(initialMembership(['a', 'b']), parseChange('?c'));
  assert.is(describeMembership(changeMembership(withLearner, parseChange('+c'))), 'a b c', 'promotion');
  assert.is(describeMembership(changeMembership(withLearner, parseChange('-c'))), 'a b');
  assert.is(describeMembership(changeMembership(withLearner, parseChange('+c -a'))), 'b c & a b');
});

test('changeMembership keeps other addresses, those of outgoing voters included, until leaveJoint', () => {
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

test('changeMembership rejects a change without effect or with an invalid result', () => {
  const from = changeMembership(initialMembership(['a', 'b']), parseChange('?c'));
  const many = Array.from({ length: 13 }, (_, position) => `+m${position}`).join(' ');
  const cases: readonly [string, RegExp][] = [
    ['+a', /a is already a voter/],
    ['?c', /c is already a learner/],
    ['-z', /z is not a member/],
    ['+d -d', /named twice/],
    ['-a -b', /no voter is left/],
    [many, /members exceed the limit of 15/],
    ['+no/id', /is not a valid member id/],
  ];
  for (const [how, reason] of cases) {
    assert.throws(() => changeMembership(from, parseChange(how)), reason);
    assert.throws(() => changeMembership(from, parseChange(how)), codeOf('BAD_MEMBERSHIP'));
  }
  assert.throws(() => changeMembership(from, []), /the change is empty/);
  const joint = changeMembership(from, parseChange('-a +d'));
  assert.throws(() => changeMembership(joint, parseChange('+e')), codeOf('INVARIANT'));
  assert.throws(() => leaveJoint(from), codeOf('INVARIANT'));
});

test('6: a change has the requested result, through a joint configuration if more than one voter changes', () => {
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
  const assertOverlap = (one: Membership, other: Membership): void => {
    const others = quorums(other);
    for (const some of quorums(one)) {
      assert.ok(others.every((ids) => ids.some((id) => some.includes(id))));
    }
  };
  fc.assert(
    fc.property(step, ({ from, to }) => {
      assertOverlap(from, to);
      if (isJoint(to)) assertOverlap(to, leaveJoint(to));
    }),
    { numRuns: 200 },
  );
});

/** A naive majority. */
const isMajority = (ids: readonly string[], holds: (id: string) => boolean): boolean =>
  2 * ids.filter(holds).length > ids.length;

test('reachedByQuorum and electionState equal a naive count in both halves', () => {
  const values = fc.array(fc.nat(9), { minLength: 7, maxLength: 7 });
  const answers = fc.array(fc.constantFrom(true, false, undefined), { minLength: 7, maxLength: 7 });
  fc.assert(
    fc.property(any, values, answers, (membership, reached, given) => {
      const halves = isJoint(membership) ? [membership.voters, membership.outgoing] : [membership.voters];
      const at = <T>(list: readonly T[], id: string): T | undefined => list[IDS.indexOf(id)];
      let naive = 0;
      for (let value = 0; value <= 9; value += 1) {
        if (halves.every((half) => isMajority(half, (id) => (at(reached, id) ?? 0) >= value))) naive = value;
      }
      assert.is(
        highestOfQuorum(membership, (id) => at(reached, id) ?? 0),
        naive,
      );
      const votes = new Map(
        IDS.flatMap((id) => (at(given, id) === undefined ? [] : [[id, at(given, id) === true]])),
      );
      const isWon = halves.every((half) => isMajority(half, (id) => at(given, id) === true));
      const isOpen = halves.every((half) => isMajority(half, (id) => at(given, id) !== false));
      assert.is(electionResult(membership, votes), isWon ? 'won' : isOpen ? 'open' : 'lost');
    }),
  );
});

test('isVoter and membersOf of a joint configuration', () => {
  const joint = changeMembership(initialMembership(['a', 'b', 'c']), parseChange('-b ?c +d ?e'));
  assert.is(describeMembership(joint), 'a d & a b c + e then + c');
  assert.equal(
    IDS.filter((id) => isVoter(joint, id)),
    ['a', 'b', 'c', 'd'],
  );
  assert.equal(membersOf(joint), ['a', 'b', 'c', 'd', 'e']);
});

test.run();
