/** Detection and summation of stalls. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { stalledBetween, type Stall } from '../rules/stalls.js';
import { StallDetector } from './stall-detector.js';

test('stalledBetween counts only the parts of stalls within the interval', () => {
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

test('StallDetector detects that its process was stopped, on the given clock', async () => {
  const watch = await StallDetector.start(() => performance.now());
  const before = performance.now();
  const pid = String(process.pid);
  // A child process stops this process and resumes it, because a stopped process cannot resume itself.
  const child = spawn('sh', ['-c', `sleep 0.2; kill -STOP ${pid}; sleep 0.2; kill -CONT ${pid}`]);
  await once(child, 'exit');
  const after = performance.now();
  const stalls = await watch.stop();
  assert.ok(stalledBetween(stalls, before, after) >= 150, JSON.stringify(stalls));
});

test.run();
