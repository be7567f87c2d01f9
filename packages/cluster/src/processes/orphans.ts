/** Processes whose supervisor was killed. They notice it and end by themselves, but not at once. */
import { setTimeout as delay } from 'node:timers/promises';
import type { ProcessEntry } from '../data/cluster-file.js';
import { isProcessAlive } from './process-identity.js';

const POLL_MS = 25;

/**
 * Waits until all orphans have ended. Resumes paused ones so that they can notice, and kills those that still run after
 * `graceMs`. Signals only processes with the recorded identity.
 * @param processes those that were started on this folder (`processesOfLastRun`), not those in a copy of its `cluster.json`
 */
export async function awaitOrphansEnded(processes: readonly ProcessEntry[], graceMs: number): Promise<void> {
  const living = processes.filter(({ identity }) => identity !== null && isProcessAlive(identity));
  for (const orphan of living) signal(orphan, 'SIGCONT');
  const until = performance.now() + graceMs;
  for (const orphan of living) {
    while (orphan.identity !== null && isProcessAlive(orphan.identity)) {
      if (performance.now() > until) signal(orphan, 'SIGKILL');
      await delay(POLL_MS);
    }
  }
}

function signal({ pid }: ProcessEntry, name: NodeJS.Signals): void {
  if (pid === null) return;
  try {
    process.kill(pid, name);
  } catch {
    // It has just ended.
  }
}
