/** Stalls are seen where there are some, and added up. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { stalledBetween, type Stall } from '../rules/stalls.js';
import { StallWatch } from './stall-watch.js';

test('of a stall counts what lies within the time that is asked about', () => {
  const stalls: Stall[] = [
    { fromMs: 100, toMs: 150 },
    { fromMs: 200, toMs: 230 },
  ];
  assert.equal(
    [
      [0, 90],
      [0, 300],
      [120, 210],
      [130, 140],
    ].map(([from = 0, to = 0]) => stalledBetween(stalls, from, to)),
    [0, 80, 40, 10],
  );
});

test('a process that is stopped as a whole has stood still, by the clock that it is told by', async () => {
  const watch = new StallWatch(() => performance.now());
  const before = performance.now();
  const pid = String(process.pid);
  // Stops this process, threads and all, and lets it go on: from outside, as it could not do the latter by itself.
  const child = spawn('sh', ['-c', `sleep 0.2; kill -STOP ${pid}; sleep 0.2; kill -CONT ${pid}`]);
  await once(child, 'exit');
  const after = performance.now();
  const stalls = await watch.stop();
  assert.ok(stalledBetween(stalls, before, after) >= 150, JSON.stringify(stalls));
});

test.run();
