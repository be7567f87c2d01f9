/** Selects where the next leader crashes, with a file in the data folder that `crashing-replica.ts` reads. */
import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The steps of an order's path at which a leader can crash, in sequence. */
export const CRASH_STEPS = ['logged', 'replicated', 'decided', 'sent', 'revoked', 'answered'] as const;

export type CrashStep = (typeof CRASH_STEPS)[number];

/** Program of a replica that kills itself at a selected step. */
export const CRASHING_REPLICA = fileURLToPath(new URL('./crashing-replica.js', import.meta.url));

/** Path for the `TRIREME_CRASH_FILE` of such a replica. The file disappears when a leader has crashed. */
export const crashFile = (dataDir: string): string => join(dataDir, 'crash-at');

/** Makes the first leader that reaches `step` with an order crash. */
export function crashLeaderAt(dataDir: string, step: CrashStep): void {
  const file = crashFile(dataDir);
  writeFileSync(`${file}.new`, step);
  renameSync(`${file}.new`, file);
}
