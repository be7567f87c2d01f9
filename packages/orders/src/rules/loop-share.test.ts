import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { LoopShare } from './loop-share.js';

test('work after a pause is done at once, and then waits for its share', () => {
  const share = new LoopShare();
  assert.is(share.waitMs(0), 0);
  for (let at = 0; at < 12; at += 2) share.spent(at, at + 2);
  assert.is(share.waitMs(12), 0, 'a burst');
  share.spent(12, 14);
  assert.is(share.waitMs(14), 6);
  assert.is(share.waitMs(20), 0);
  share.spent(10_000, 10_002);
  assert.is(share.waitMs(10_002), 0, 'a burst again');
});

test('a part during which the machine stood still counts as a long one, not for all that time', () => {
  const share = new LoopShare();
  share.spent(0, 60_000);
  assert.is(share.waitMs(60_000), 0);
});

test('over any time it takes its share and one burst at most, however the work is cut', () => {
  const part = fc.record({
    pause: fc.double({ min: 0, max: 50, noNaN: true }),
    work: fc.double({ min: 0, max: 2, noNaN: true }),
  });
  fc.assert(
    fc.property(fc.array(part), (parts) => {
      const share = new LoopShare();
      let now = 0;
      let worked = 0;
      for (const { pause, work } of parts) {
        now += pause;
        now += share.waitMs(now);
        share.spent(now, now + work);
        now += work;
        worked += work;
        assert.ok(worked <= 0.2 * now + 10 + 2 + 1e-6, `${worked} of ${now}`);
      }
    }),
  );
});

test.run();
