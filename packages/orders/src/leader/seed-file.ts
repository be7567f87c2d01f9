/** The file with the stocks of a new cluster. */
import { readFile } from 'node:fs/promises';
import type { SeedStock } from '@trireme/domain';
import { parseSeed } from '@trireme/state-machine';

/** Thrown if a seed file cannot be read or is not valid; the process exits with code 64. */
export class SeedError extends Error {
  override readonly name = 'SeedError';
  readonly code = 'BAD_SEED';
}

/** @throws SeedError naming the file and the problem. */
export async function loadSeedFile(file: string): Promise<readonly SeedStock[]> {
  try {
    return parseSeed(await readFile(file, 'utf8'));
  } catch (error) {
    throw new SeedError(
      `cannot use seed file ${file}: ${error instanceof Error ? error.message : String(error)}`,
      {
        cause: error,
      },
    );
  }
}
