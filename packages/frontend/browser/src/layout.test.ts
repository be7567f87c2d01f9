import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { curvePath, formatNumber, formatDuration, formatPercent, formatCount } from './format.js';
import { controlPointOf, boxClearance, layoutOf, linePath } from './group-layout.js';

test('figure, percent, whole and lasting format numbers for display', () => {
  assert.equal([0, 0.8449, 9.996, 12.34, 1234.5, null].map(formatNumber), [
    '0',
    '0.84',
    '10.00',
    '12.3',
    '1,235',
    '–',
  ]);
  assert.equal(
    [formatPercent(0.756), formatPercent(null), formatCount(1e6), formatCount(null)],
    ['76%', '–', '1,000,000', '–'],
  );
  assert.equal([440, 12_400, 200_000].map(formatDuration), ['0.4 s', '12 s', '3 min']);
});

test('curvePath ends at the right edge and leaves a gap for null', () => {
  const box = { width: 100, height: 12, points: 5, floor: 1 };
  assert.is(curvePath([], box), '');
  assert.is(curvePath([0, 2], box), 'M75.0 11.0L100.0 1.0');
  assert.is(curvePath([1, null, 1, 1], { ...box, floor: 2 }), 'M25.0 6.0M75.0 6.0L100.0 6.0');
  assert.is(
    curvePath([9, 9, 9, 0, 0, 0, 0, 0], box).match(/11\.0/g)?.length,
    5,
    'the oldest values are dropped',
  );
});

test('layoutOf keeps replicas and boxes inside the picture and apart', () => {
  for (const isNarrow of [true, false]) {
    for (let count = 1; count <= 7; count += 1) {
      const { width, height, replicas, radius, frontend, catalogs, middle } = layoutOf(count, isNarrow);
      assert.is(replicas.length, count);
      for (const [at, a] of replicas.entries()) {
        assert.ok(a.x > radius && a.x < width - radius && a.y > radius && a.y + radius + 24 < height);
        for (const b of replicas.slice(at + 1)) assert.ok(Math.hypot(a.x - b.x, a.y - b.y) > 2 * radius);
        for (const end of [frontend, catalogs]) {
          const bend = controlPointOf(end, a, { isNarrow, middle });
          assert.ok(boxClearance(end, bend) < Math.hypot(end.x - a.x, end.y - a.y) - radius);
        }
      }
    }
  }
});

test('bendOf keeps lines of a narrow picture clear of the term and of other replicas', () => {
  for (const count of [3, 4, 5]) {
    const { replicas, radius, frontend, catalogs, middle } = layoutOf(count, true);
    for (const end of [frontend, catalogs]) {
      for (const replica of replicas) {
        const bend = controlPointOf(end, replica, { isNarrow: true, middle });
        const isOpposite = (end.y - middle.y) * (replica.y - middle.y) < 0 && replica.x === end.x;
        for (let t = 0.1; t < 0.9 && isOpposite; t += 0.05) {
          const [a, b, c] = [(1 - t) ** 2, 2 * t * (1 - t), t ** 2];
          const x = a * end.x + b * bend.x + c * replica.x;
          const y = a * end.y + b * bend.y + c * replica.y;
          if (Math.abs(y - middle.y) < 10) assert.ok(x - middle.x > 22, 'clear of the term');
          for (const other of replicas.filter((one) => one !== replica && one.x !== end.x))
            assert.ok(Math.hypot(other.x - x, other.y - y) > radius, `${count} replicas`);
        }
      }
    }
  }
});

test('linePath keeps clear of both ends', () => {
  const clear = { from: 2, to: 3 };
  assert.is(linePath({ x: 0, y: 0 }, { x: 10, y: 0 }, clear), 'M2.0 0.0L7.0 0.0');
  assert.is(linePath({ x: 0, y: 0 }, { x: 10, y: 10 }, clear, { x: 10, y: 0 }), 'M2.0 0.0Q10.0 0.0 10.0 7.0');
});

test.run();
