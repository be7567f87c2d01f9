import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { attackTable, checkAttack, type AttackResult } from './attack-results.js';

function result(over: Partial<AttackResult>): AttackResult {
  return {
    port: 'public',
    kind: 'two lengths',
    name: 'x',
    codes: [400],
    isDisconnected: true,
    tookMs: 40,
    ...over,
  };
}

test('checkAttack accepts a refusal or a disconnect, and nothing else', () => {
  for (const codes of [[], [400], [413, 400], [101], [101, 400], [501], [505], [401]]) {
    assert.is(checkAttack(result({ codes })), null, codes.join());
  }
  assert.is(checkAttack(result({ codes: [200] })), 'was answered 200');
  assert.is(checkAttack(result({ codes: [401, 500] })), 'was answered 500');
  assert.is(checkAttack(result({ codes: [101], isDisconnected: false })), 'connection was left open');
});

test('attackTable counts attacks and answers by port and kind', () => {
  const text = attackTable([
    result({}),
    result({ codes: [] }),
    result({ kind: 'slow', codes: [408], tookMs: 5_500 }),
    result({ port: 'peer', kind: 'bad frame', codes: [101] }),
    result({ port: 'peer', kind: 'bad frame', codes: [101], isDisconnected: false }),
  ]);
  assert.equal(
    text.split('\n').map((line) => line.split(/ {2,}/)),
    [
      ['port', 'kind', 'requests', 'answers', 'slowest s'],
      ['public', 'two lengths', '2', '400 x1, disconnected x1', '0.0'],
      ['public', 'slow', '1', '408 x1', '5.5'],
      ['peer', 'bad frame', '2', 'LEFT OPEN x1, disconnected x1', '0.0'],
      ['public', 'total', '3', '400 x1, 408 x1, disconnected x1'],
      ['peer', 'total', '2', 'LEFT OPEN x1, disconnected x1'],
      ['every port', 'total', '5', '400 x1, 408 x1, LEFT OPEN x1, disconnected x2'],
    ],
  );
});

test.run();
