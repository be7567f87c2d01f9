/** Tells the process on a data folder from one on a copy of it: a token in the folder, which counts in that very folder only. */
import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { writeDurably } from '@trireme/service';
import { ownedLine, readOwned } from './line-file.js';

const INSTANCE_FILE = 'instance';
const TOKEN_BYTES = 8;

/**
 * The token of the folder, made if the folder is new or a copy. A folder whose disk was attached anew may pass for a copy:
 * other members then take it for the same member only once the links of its last process have closed.
 * @throws the system's error.
 */
export async function claimInstance(data: string): Promise<string> {
  await mkdir(data, { recursive: true });
  const owned = await readOwned(data, INSTANCE_FILE);
  if (owned?.isHere === true) return owned.value;
  const fresh = randomBytes(TOKEN_BYTES).toString('hex');
  await writeDurably(join(data, INSTANCE_FILE), `${ownedLine(data, fresh)}\n`);
  return fresh;
}
