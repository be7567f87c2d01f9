/** The processes of a supervisor that was killed: they end by themselves when they notice, but not at once. */
import { setTimeout as delay } from 'node:timers/promises';
import type { ProcessEntry } from './cluster-file.js';
import { identityLives } from './process-identity.js';

const POLL_MS = 25;

/**
 * Waits until all have ended. One that was paused is let go on, so that it can notice; what still lives after
 * `graceMs` is killed. Only processes whose identity is the recorded one are touched.
 * @param processes that were started on this very folder (`processesOf`): a copy names those of the original
 */
export async function awaitOrphans(processes: readonly ProcessEntry[], graceMs: number): Promise<void> {
  const living = processes.filter(({ identity }) => identity !== null && identityLives(identity));
  for (const orphan of living) signal(orphan, 'SIGCONT');
  const until = performance.now() + graceMs;
  for (const orphan of living) {
    while (orphan.identity !== null && identityLives(orphan.identity)) {
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
