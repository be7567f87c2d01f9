import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { EventLoopShare } from './event-loop-share.js';

test('waitMs allows a burst after a pause, and then the share', () => {
  const share = new EventLoopShare();
  assert.is(share.waitMs(0), 0);
  for (let at = 0; at < 12; at += 2) share.record(at, at + 2);
  assert.is(share.waitMs(12), 0, 'a burst');
  share.record(12, 14);
  assert.is(share.waitMs(14), 6);
  assert.is(share.waitMs(20), 0);
  share.record(10_000, 10_002);
  assert.is(share.waitMs(10_002), 0, 'a burst again');
});

test('the duration that a single part counts for is limited', () => {
  const share = new EventLoopShare();
  share.record(0, 60_000);
  assert.is(share.waitMs(60_000), 0);
});

test('for random parts the work never exceeds its share and one burst', () => {
  const part = fc.record({
    pause: fc.double({ min: 0, max: 50, noNaN: true }),
    work: fc.double({ min: 0, max: 2, noNaN: true }),
  });
  fc.assert(
    fc.property(fc.array(part), (parts) => {
      const share = new EventLoopShare();
      let now = 0;
      let worked = 0;
      for (const { pause, work } of parts) {
        now += pause;
        now += share.waitMs(now);
        share.record(now, now + work);
        now += work;
        worked += work;
        assert.ok(worked <= 0.2 * now + 10 + 2 + 1e-6, `${worked} of ${now}`);
      }
    }),
  );
});

test.run();
