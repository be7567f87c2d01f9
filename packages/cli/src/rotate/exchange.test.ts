import { secretFingerprint, type SecretLines } from '@trireme/service';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { exchangeSteps, hasLoaded, parseSecretReport } from './exchange.js';

const linesOf = (present: SecretLines): readonly SecretLines[] =>
  exchangeSteps(present, 'new').map(({ lines }) => lines);

test('at every step two adjacent contents of the file accept what the other presents', () => {
  for (const present of [['old'], ['a', 'b']] as const) {
    const contents = linesOf(present);
    for (const [i, lines] of contents.entries()) {
      const before = contents[i - 1] ?? present;
      assert.ok(lines.includes(before[0]), `${String(lines)} after ${String(before)}`);
      assert.ok(before.includes(lines[0]), `${String(before)} before ${String(lines)}`);
    }
    assert.equal(contents.at(-1), ['new']);
  }
});

test('an interrupted exchange is finished first, and ends with a secret that is newer than both', () => {
  assert.equal(linesOf(['old']), [['old', 'new'], ['new', 'old'], ['new']]);
  assert.equal(linesOf(['a', 'b']), [['a', 'b'], ['a'], ['a', 'new'], ['new', 'a'], ['new']]);
});

test('hasLoaded requires the same secrets in the same order', () => {
  const [a, b] = ['a', 'b'].map(secretFingerprint);
  const report = parseSecretReport({ credentials: { secret: { presents: a, accepts: [a, b] } } }, 'secret');
  assert.ok(hasLoaded(report, ['a', 'b']));
  for (const lines of [['a'], ['b', 'a'], ['b']] as const) assert.not(hasLoaded(report, lines));
  assert.not(hasLoaded(null, ['a']));
  for (const status of [null, {}, { credentials: {} }, { credentials: { secret: { presents: 1 } } }])
    assert.is(parseSecretReport(status, 'secret'), null);
});

test.run();
