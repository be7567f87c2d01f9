import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Roster } from './roster.js';

const SEEDS = [1, 2, 3].map((n) => ({ id: `${n}`, url: `http://seed-${n}` }));
type IsLinked = (url: string) => boolean;
const all: IsLinked = () => true;
const none: IsLinked = () => false;
const urlsOf = (roster: Roster, isLinked = all): string[] =>
  roster
    .replicas(isLinked)
    .map(({ url }) => url)
    .toSorted();

test('before the group has said anything the list of the start counts', () => {
  assert.equal(new Roster(SEEDS).replicas(none), SEEDS);
});

test('the latest word of the group counts, from whomever it comes and in whichever order', () => {
  const roster = new Roster(SEEDS);
  assert.ok(roster.heard({ index: 7, items: [['4', 'http://four']] }));
  assert.not.ok(roster.heard({ index: 7, items: [['5', 'http://five']] }));
  assert.not.ok(roster.heard({ index: 0, items: [['1', 'http://seed-1']] }), 'one that lags');
  assert.not.ok(roster.heard({ index: 9, items: [] }), 'one that waits to be let in');
  assert.equal(urlsOf(roster), ['http://four']);
  assert.ok(roster.heard({ index: 9, items: [['5', 'http://five']] }));
  assert.equal(urlsOf(roster), ['http://five']);
});

test('a replica that came back is the same url under another id', () => {
  const roster = new Roster(SEEDS);
  roster.heard({
    index: 3,
    items: [
      ['1', 'http://seed-1'],
      ['2.5f0c9a31', 'http://seed-2'],
    ],
  });
  assert.equal(roster.replicas(none).find(({ url }) => url === 'http://seed-2')?.id, '2.5f0c9a31');
});

test('where the group leads nowhere the list of the start counts as well', () => {
  const unsaid = new Roster(SEEDS);
  unsaid.heard({
    index: 1,
    items: [
      ['1', 'http://seed-1'],
      ['4', null],
    ],
  });
  assert.equal(urlsOf(unsaid), ['http://seed-1', 'http://seed-2', 'http://seed-3']);
  const gone = new Roster(SEEDS);
  gone.heard({ index: 1, items: [['4', 'http://four']] });
  assert.equal(urlsOf(gone, none), ['http://four', 'http://seed-1', 'http://seed-2', 'http://seed-3']);
  assert.equal(
    urlsOf(gone, (url) => url === 'http://seed-1').length,
    4,
    'a link to who is not in it is not enough',
  );
});

test.run();
