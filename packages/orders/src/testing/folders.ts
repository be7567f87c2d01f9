/** Temporary folders for tests. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Runs with a new folder, which is removed afterwards. */
export async function withFolder(run: (path: string) => Promise<void>): Promise<void> {
  const path = await mkdtemp(join(tmpdir(), 'trireme-orders-'));
  try {
    await run(path);
  } finally {
    await rm(path, { recursive: true, force: true });
  }
}
