/** Which survivor loses least, and which ones do not belong together. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { compareSurvivors, type Survivor } from './survivors.js';

function survivor(id: string, more: Partial<Survivor> = {}): Survivor {
  const { lastIndex = 10, lastTerm = 2, applied = 8 } = more;
  return {
    data: `data/replica-${id}`,
    cluster: 'shop',
    id,
    lastIndex,
    lastTerm,
    applied,
    isSeeded: true,
    orders: 5,
    hash: 'h10',
    membership: { voters: ['1', '2', '3', '4', '5'], outgoing: [] },
    positions: new Map([[lastIndex, { term: lastTerm, hash: `h${lastIndex}` }]]),
    ...more,
  };
}

test('the survivor with the highest last term is the best one, then the one with the longest log', () => {
  const best = (...survivors: readonly Survivor[]): string | undefined =>
    compareSurvivors(survivors).best?.id;
  assert.is(best(), undefined);
  assert.is(best(survivor('1', { lastIndex: 20 }), survivor('2', { lastTerm: 3 })), '2');
  assert.is(best(survivor('1'), survivor('2', { lastIndex: 11 })), '2');
});

test('the missing voters are lost, and a majority in each configuration is one', () => {
  const two = compareSurvivors([survivor('1'), survivor('3')]);
  assert.equal([two.lost, two.isMajority], [['2', '4', '5'], false]);
  assert.is(compareSurvivors([survivor('1'), survivor('3'), survivor('5')]).isMajority, true);
  const membership = { voters: ['1'], outgoing: ['2', '3', '4'] };
  assert.is(compareSurvivors([survivor('1', { membership })]).isMajority, false);
  const learner = survivor('9.0a1b2c3d', { membership: { voters: ['1', '2', '3'], outgoing: [] } });
  assert.is(compareSurvivors([learner]).isMajority, false);
});

test('survivors of different clusters and copies of one member contradict each other', () => {
  const different = compareSurvivors([survivor('1'), survivor('2', { cluster: 'other' })]);
  assert.match(different.contradictions.join(), /belong to different clusters, shop and other/);
  const copies = compareSurvivors([survivor('1'), survivor('1', { data: 'copy' })]);
  assert.match(copies.contradictions.join(), /both data of member 1: one of them is a copy/);
});

test('books that differ after the same entry contradict each other, but not logs with different tails', () => {
  const at = (term: number, hash: string): Partial<Survivor> => ({
    positions: new Map([[10, { term, hash }]]),
  });
  const differ = compareSurvivors([survivor('1', at(2, 'a')), survivor('2', at(2, 'b'))]);
  assert.match(differ.contradictions.join(), /different order books at log index 10, with hash a and b/);
  assert.equal(compareSurvivors([survivor('1', at(2, 'a')), survivor('2', at(2, 'a'))]).contradictions, []);
  assert.equal(compareSurvivors([survivor('1', at(2, 'a')), survivor('2', at(3, 'b'))]).contradictions, []);
});

test.run();
