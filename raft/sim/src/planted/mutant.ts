/** A copy of the compiled library and simulator with one bug planted in it, in a folder of its own. */
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Mutation } from './mutation.js';

/** The folder of the package, seen from the compiled file. */
const PACKAGE = fileURLToPath(new URL('../../..', import.meta.url));

export interface Mutant {
  /** Its compiled worker. */
  readonly worker: string;
  /** Removes the copy. */
  dispose(): void;
}

/**
 * Replaces the mutation's text.
 * @throws Error if the text does not occur exactly once: the table is out of date.
 */
export function mutate(source: string, { name, file, find, replace }: Mutation): string {
  const parts = source.split(find);
  if (parts.length !== 2) {
    throw new Error(`planted bug "${name}": its text occurs ${parts.length - 1} times in ${file}, not once`);
  }
  return parts.join(replace);
}

/** Checks that the mutation fits what is compiled. @throws Error as `mutate` does. */
export function checkFits(mutation: Mutation): void {
  mutate(readFileSync(join(PACKAGE, mutation.file), 'utf8'), mutation);
}

/** Makes the copy. */
export function plant(mutation: Mutation): Mutant {
  const root = mkdtempSync(join(tmpdir(), 'trireme-planted-'));
  const folder = join(root, 'raft');
  for (const part of ['package.json', 'dist', 'sim/dist']) {
    cpSync(join(PACKAGE, part), join(folder, part), { recursive: true });
  }
  symlinkSync(join(PACKAGE, '..', 'node_modules'), join(root, 'node_modules'));
  const path = join(folder, mutation.file);
  writeFileSync(path, mutate(readFileSync(path, 'utf8'), mutation));
  return {
    worker: join(folder, 'sim/dist/run/worker.js'),
    dispose: () => rmSync(root, { recursive: true, force: true }),
  };
}
