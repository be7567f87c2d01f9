/**
 * A cluster of another checkout of this project, such as an older version, started with its own `npm start`.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { findFreeBasePort } from '@trireme/cluster';
import type { BenchSession } from './session.js';
import { writeSeed, type RunningSystem } from './trireme.js';

/** Includes the time of a build. */
const START_MS_MAX = 180_000;
const STOP_MS_MAX = 30_000;

/**
 * Starts the cluster with its defaults and an empty store, and waits until it is ready.
 * @param folder of the checkout, with its packages installed
 * @throws Error if the cluster exits or is not ready after 3 minutes
 */
export async function startOtherCheckout(
  session: BenchSession,
  folder: string,
  { stocks, cacheSize }: { readonly stocks: number; readonly cacheSize: number },
): Promise<RunningSystem> {
  const port = await findFreeBasePort();
  const flags = [
    ...['--port', String(port), '--data', join(session.folder, `before-${port}`)],
    ...['--seed-file', writeSeed(session, port, stocks), '--cache-size', String(cacheSize)],
  ];
  const child = spawn('npm', ['start', '--', ...flags], {
    cwd: resolve(folder),
    stdio: ['ignore', 'ignore', 'inherit'],
    // npm does not forward signals, so the whole process group is signalled.
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
      throw new Error(`the cluster in ${folder} did not become ready; run npm start there to see why`);
    await delay(200);
  }
  return { url, stop };
}

/** Signals all processes of the group. @returns whether there are any */
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
