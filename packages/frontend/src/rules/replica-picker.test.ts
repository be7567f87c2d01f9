import * as assert from 'uvu/assert';
import { test } from 'uvu';
import { ReplicaPicker } from './replica-picker.js';

test('pick returns null if no replica is connected', () => {
  assert.is(new ReplicaPicker().pick([]), null);
});

test('pick takes answering replicas in turn', () => {
  const picker = new ReplicaPicker();
  const picks = [1, 2, 3, 4, 5, 6].map(() => {
    const pick = picker.pick(['a', 'b', 'c']);
    if (pick !== null) picker.onMessage(pick);
    return pick;
  });
  for (const replica of ['a', 'b', 'c']) assert.is(picks.filter((pick) => pick === replica).length, 2);
});

test('pick skips a replica that owes an answer until it sends something', () => {
  const picker = new ReplicaPicker();
  const silent = picker.pick(['a', 'b']) ?? '';
  for (let n = 0; n < 5; n += 1) {
    const pick = picker.pick(['a', 'b']) ?? '';
    assert.is.not(pick, silent);
    picker.onMessage(pick);
  }
  picker.onMessage(silent);
  const picks = [1, 2].map(() => picker.pick(['a', 'b']));
  assert.ok(picks.includes(silent));
});

test.run();
