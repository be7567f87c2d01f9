/** The instance id of a data folder, which tells the process on it from one on a copy of it. */
import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { writeDurably } from '@trireme/service';
import { formatOwnedLine, readOwnedLine } from './line-file.js';

const INSTANCE_FILE = 'instance';
const TOKEN_BYTES = 8;

/**
 * Returns the instance id of the folder; creates one if the folder is new or a copy. A folder whose disk was
 * attached again may look like a copy: the other members then accept the replica only once the links of its
 * last process have closed.
 * @throws the system's error.
 */
export async function ensureInstanceId(data: string): Promise<string> {
  await mkdir(data, { recursive: true });
  const owned = await readOwnedLine(data, INSTANCE_FILE);
  if (owned?.belongsHere === true) return owned.value;
  const fresh = randomBytes(TOKEN_BYTES).toString('hex');
  await writeDurably(join(data, INSTANCE_FILE), `${formatOwnedLine(data, fresh)}\n`);
  return fresh;
}
