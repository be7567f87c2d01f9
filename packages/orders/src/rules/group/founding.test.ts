/** When a group may be founded. */
import { FormatError } from '@trireme/domain';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  decideFounding,
  formatFounders,
  parseFounders,
  parseFoundingAnswer,
  type FoundingAnswer,
} from './founding.js';

const SELF = { name: '2', instance: 'two', founders: ['1', '2', '3'], rejoin: 'trireme members rejoin 2' };
const EMPTY_1: FoundingAnswer = { state: 'empty', name: '1', instance: 'one', founders: '1,2,3' };
const EMPTY_3: FoundingAnswer = { state: 'empty', name: '3', instance: 'three', founders: '1,2,3' };
const ALL = '1=one,2=two,3=three';

const decide = (
  one: FoundingAnswer | string,
  three: FoundingAnswer | string,
): ReturnType<typeof decideFounding> =>
  decideFounding(
    SELF,
    new Map([
      ['1', one],
      ['3', three],
    ]),
  );

test('decideFounding founds a group once all replicas are empty', () => {
  const step = decide(EMPTY_1, EMPTY_3);
  assert.ok(step.step === 'found');
  assert.is(formatFounders(step.founders), ALL);
});

test('decideFounding waits for a replica that does not answer, despite a majority', () => {
  assert.equal(decide(EMPTY_1, 'ECONNREFUSED'), { step: 'wait', missing: new Map([['3', 'ECONNREFUSED']]) });
});

test('decideFounding founds a group of one without asking', () => {
  const step = decideFounding({ ...SELF, name: '1', instance: 'one', founders: ['1'] }, new Map());
  assert.equal(step, { step: 'found', founders: new Map([['1', 'one']]) });
});

test('decideFounding of a late replica joins the group founded with its folder, and no other', () => {
  const founded = decide({ state: 'member', name: '1', id: '1', founders: ALL }, 'ECONNREFUSED');
  assert.ok(founded.step === 'found');
  assert.is(formatFounders(founded.founders), ALL, 'as the other founders stored it');
  for (const founders of ['1=one,2=wiped,3=three', '1,2,3', '1=one,3=three', '']) {
    const refused = decide(EMPTY_1, { state: 'member', name: '3', id: '3.5f0c9a31', founders });
    assert.ok(refused.step === 'exists', founders);
    assert.match(refused.reason, /replica 3 already runs as member 3\.5f0c9a31/);
    assert.match(refused.reason, /--bootstrap/);
    assert.match(refused.reason, /add it to the group: trireme members rejoin 2$/);
  }
  const both = decide(
    { state: 'member', name: '1', id: '1', founders: ALL },
    { state: 'member', name: '3', id: '3', founders: '1,2,3' },
  );
  assert.is(both.step, 'exists', 'one member of another group is enough');
});

test('decideFounding refuses replicas with different founders', () => {
  const refused = decide({ ...EMPTY_1, founders: '1,2,3,4,5' }, EMPTY_3);
  assert.ok(refused.step === 'refuse');
  assert.match(refused.reason, /replica 1 .* 1,2,3,4,5, .* 1,2,3;.*--peers/);
});

test('decideFounding refuses the answer of another replica than the one asked', () => {
  for (const answer of [
    { ...EMPTY_3, name: '1' },
    { state: 'member', name: '1', id: '1', founders: ALL },
  ] as const) {
    const refused = decide(EMPTY_1, answer);
    assert.ok(refused.step === 'refuse');
    assert.match(refused.reason, /replica 1 answers at the address that --peers gives to replica 3/);
  }
  assert.is(decide(EMPTY_1, { ...EMPTY_3, name: '2' }).step, 'refuse', 'not even its own');
});

test('decideFounding waits for a replica that was started without the flag', () => {
  const step = decide(EMPTY_1, { state: 'waiting', name: '3', id: '3.5f0c9a31' });
  assert.ok(step.step === 'wait');
  assert.match(step.missing.get('3') ?? '', /without --bootstrap.* member 3\.5f0c9a31.* start it again with/);
});

test('formatFounders round-trips with and without instance ids', () => {
  for (const line of [ALL, '1,2,3', '1=one,2']) assert.is(formatFounders(parseFounders(line)), line);
});

test('parseFoundingAnswer rejects malformed answers', () => {
  const member = { state: 'member', name: '1', id: '1', founders: '' } as const;
  const waiting = { state: 'waiting', name: '1', id: '1.5f0c9a31' } as const;
  assert.equal(parseFoundingAnswer({ ...waiting, more: 1 }), waiting);
  assert.equal(parseFoundingAnswer({ ...member, more: 1 }), member);
  assert.equal(parseFoundingAnswer(EMPTY_1), EMPTY_1);
  for (const bad of [
    null,
    [],
    {},
    { state: 'member', name: '1', id: 1, founders: '' },
    { state: 'member', id: '1', founders: '' },
    { state: 'waiting', name: '1' },
    { state: 'empty', name: '1', instance: 'x' },
  ])
    assert.throws(
      () => parseFoundingAnswer(bad),
      (error: unknown) => error instanceof FormatError,
    );
});

test.run();
