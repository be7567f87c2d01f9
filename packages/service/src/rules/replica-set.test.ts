import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ReplicaSet } from './replica-set.js';

const SEEDS = [1, 2, 3].map((n) => ({ id: `${n}`, url: `http://seed-${n}` }));
type IsLinked = (url: string) => boolean;
const all: IsLinked = () => true;
const none: IsLinked = () => false;
const urlsOf = (set: ReplicaSet, isLinked = all): string[] =>
  set
    .replicas(isLinked)
    .map(({ url }) => url)
    .toSorted();

test('uses the start options before the group reports its members', () => {
  assert.equal(new ReplicaSet(SEEDS).replicas(none), SEEDS);
});

test('uses the membership with the highest index, in any order of arrival', () => {
  const set = new ReplicaSet(SEEDS);
  assert.ok(set.onMembership({ index: 7, items: [['4', 'http://four']] }));
  assert.not.ok(set.onMembership({ index: 7, items: [['5', 'http://five']] }));
  assert.not.ok(set.onMembership({ index: 0, items: [['1', 'http://seed-1']] }), 'from a lagging replica');
  assert.not.ok(set.onMembership({ index: 9, items: [] }), 'from a replica that is not a member yet');
  assert.equal(urlsOf(set), ['http://four']);
  assert.ok(set.onMembership({ index: 9, items: [['5', 'http://five']] }));
  assert.equal(urlsOf(set), ['http://five']);
});

test('uses the new id of a replica that rejoined at the same URL', () => {
  const set = new ReplicaSet(SEEDS);
  set.onMembership({
    index: 3,
    items: [
      ['1', 'http://seed-1'],
      ['2.5f0c9a31', 'http://seed-2'],
    ],
  });
  assert.equal(set.replicas(none).find(({ url }) => url === 'http://seed-2')?.id, '2.5f0c9a31');
});

test('also uses the start options if a member has no URL, or no member is linked', () => {
  const incomplete = new ReplicaSet(SEEDS);
  incomplete.onMembership({
    index: 1,
    items: [
      ['1', 'http://seed-1'],
      ['4', null],
    ],
  });
  assert.equal(urlsOf(incomplete), ['http://seed-1', 'http://seed-2', 'http://seed-3']);
  const unreachable = new ReplicaSet(SEEDS);
  unreachable.onMembership({ index: 1, items: [['4', 'http://four']] });
  assert.equal(urlsOf(unreachable, none), ['http://four', 'http://seed-1', 'http://seed-2', 'http://seed-3']);
  assert.equal(
    urlsOf(unreachable, (url) => url === 'http://seed-1').length,
    4,
    'a link to a replica that is not a member is not enough',
  );
});

test.run();
