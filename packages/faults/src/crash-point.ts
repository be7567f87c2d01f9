/** Where and how the next leader is told to die: by a file in the data folder that `crashing-replica.ts` watches. */
import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { CrashStep } from './crash-steps.js';

/** A replica that kills itself where it is told to. */
export const CRASHING_REPLICA = fileURLToPath(new URL('./crashing-replica.js', import.meta.url));

/** The file that such a replica's `TRIREME_CRASH_FILE` names; it is gone once a leader has died. */
export const crashFile = (dataDir: string): string => join(dataDir, 'crash-at');

/** The first leader that comes to `step` with an order dies. */
export function dieAt(dataDir: string, step: CrashStep): void {
  const file = crashFile(dataDir);
  writeFileSync(`${file}.new`, step);
  renameSync(`${file}.new`, file);
}
