/** A cluster of another checkout of this project, such as one of the version before, run by its own `npm start`. */
import { spawn, type ChildProcess } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { findFreeBasePort } from '@trireme/cluster';
import { targetOf, type Target } from '../load/connection.js';
import type { Session } from './session.js';
import { seedOf } from './trireme.js';

/** It may have to build first. */
const START_MS_MAX = 180_000;
const STOP_MS_MAX = 30_000;

export interface OtherCluster {
  readonly target: Target;
  readonly url: string;
  readonly stop: () => Promise<void>;
}

/**
 * Starts it with its defaults and an empty store, and waits until it takes orders.
 * @param folder of the checkout, with its packages installed
 */
export async function startOtherCheckout(
  session: Session,
  folder: string,
  { stocks, cacheSize }: { readonly stocks: number; readonly cacheSize: number },
): Promise<OtherCluster> {
  const port = await findFreeBasePort();
  const seedFile = join(session.folder, `seed-${port}.json`);
  writeFileSync(seedFile, JSON.stringify(seedOf(stocks)));
  const flags = [
    '--port',
    String(port),
    '--data',
    join(session.folder, `before-${port}`),
    '--seed-file',
    seedFile,
  ];
  const child = spawn('npm', ['start', '--', ...flags, '--cache-size', String(cacheSize)], {
    cwd: resolve(folder),
    stdio: ['ignore', 'ignore', 'inherit'],
    // A group of its own: npm passes no signal on to what it runs.
    detached: true,
  });
  const stop = session.defer(async () => {
    signalGroup(child, 'SIGTERM');
    const deadline = performance.now() + STOP_MS_MAX;
    while (signalGroup(child, 0) && performance.now() < deadline) await delay(50);
    signalGroup(child, 'SIGKILL');
  });
  const url = `http://127.0.0.1:${port}`;
  const deadline = performance.now() + START_MS_MAX;
  while (!(await isReady(url))) {
    if (child.exitCode !== null || performance.now() > deadline)
      throw new Error(`the cluster of ${folder} does not become ready: try npm start there`);
    await delay(200);
  }
  return { target: targetOf(url), url, stop };
}

/** Returns whether any process of the group was there to get it. */
function signalGroup({ pid }: ChildProcess, signal: NodeJS.Signals | 0): boolean {
  if (pid === undefined) return false;
  try {
    return process.kill(-pid, signal);
  } catch {
    return false;
  }
}

async function isReady(url: string): Promise<boolean> {
  try {
    const { ok } = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(1000) });
    return ok;
  } catch {
    return false;
  }
}
