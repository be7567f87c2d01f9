import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { runClosedLoop } from './closed-loop.js';
import { startCluster } from './cluster.js';

test('runClosedLoop counts only proposals that the leader has applied', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'raft-bench-'));
  const cluster = await startCluster(folder);
  try {
    const before = cluster.leader.machine.applied;
    const load = { payloadBytes: 128, inFlight: 8, seconds: 0.2 };
    const { rate, latency } = await runClosedLoop(cluster.leader, load);
    assert.ok(latency.count > 0);
    assert.is(rate, latency.count / load.seconds);
    // The proposals in flight at the end are applied as well, but not counted.
    assert.is(cluster.leader.machine.applied - before, latency.count + load.inFlight);
  } finally {
    await cluster.stop();
    rmSync(folder, { recursive: true });
  }
});

test.run();
