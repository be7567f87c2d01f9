import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { assaultTable, problemOfAttack, type AttackResult } from './assault.js';

function result(over: Partial<AttackResult>): AttackResult {
  return { port: 'public', kind: 'two lengths', name: 'x', codes: [400], isCut: true, tookMs: 40, ...over };
}

test('an attack ends with a refusal, or is cut off', () => {
  for (const codes of [[], [400], [413, 400], [101], [101, 400], [501], [505], [401]]) {
    assert.is(problemOfAttack(result({ codes })), null, codes.join());
  }
  assert.is(problemOfAttack(result({ codes: [200] })), 'was answered 200');
  assert.is(problemOfAttack(result({ codes: [401, 500] })), 'was answered 500');
  assert.is(problemOfAttack(result({ codes: [101], isCut: false })), 'was left open');
});

test('the table counts requests and their answers by kind and port', () => {
  const text = assaultTable([
    result({}),
    result({ codes: [] }),
    result({ kind: 'slow', codes: [408], tookMs: 5_500 }),
    result({ port: 'peer', kind: 'bad frame', codes: [101] }),
    result({ port: 'peer', kind: 'bad frame', codes: [101], isCut: false }),
  ]);
  assert.equal(
    text.split('\n').map((line) => line.split(/ {2,}/)),
    [
      ['port', 'kind', 'requests', 'answers', 'slowest s'],
      ['public', 'two lengths', '2', '400 x1, cut off x1', '0.0'],
      ['public', 'slow', '1', '408 x1', '5.5'],
      ['peer', 'bad frame', '2', 'LEFT OPEN x1, cut off x1', '0.0'],
      ['public', 'in all', '3', '400 x1, 408 x1, cut off x1'],
      ['peer', 'in all', '2', 'LEFT OPEN x1, cut off x1'],
      ['every port', 'in all', '5', '400 x1, 408 x1, LEFT OPEN x1, cut off x2'],
    ],
  );
});

test.run();
