/** Small files of one line in a replica's folder. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** The line in a file, null if there is no such file. @throws the system's error. */
export async function readLine(folder: string, name: string): Promise<string | null> {
  try {
    return (await readFile(join(folder, name), 'utf8')).replace(/\n$/, '');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw error;
  }
}
