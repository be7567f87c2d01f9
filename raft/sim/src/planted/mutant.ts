/** A copy of the compiled library and simulator with one planted bug, in a temporary folder. */
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Mutation } from './mutation.js';

/** The folder of the package, relative to the compiled file. */
const PACKAGE = fileURLToPath(new URL('../../..', import.meta.url));

export interface Mutant {
  /** Path of the compiled worker. */
  readonly worker: string;
  /** Removes the copy. */
  dispose(): void;
}

/**
 * Applies the mutation to a source.
 * @throws Error if the mutation's text does not occur exactly once: the row is outdated
 */
export function applyMutation(source: string, { name, file, find, replace }: Mutation): string {
  const parts = source.split(find);
  if (parts.length !== 2) {
    const count = parts.length - 1;
    throw new Error(
      `planted bug "${name}": its text occurs ${count} times in ${file} instead of once; update the row`,
    );
  }
  return parts.join(replace);
}

/** Checks that the mutation matches the compiled file. @throws Error as `mutate` does */
export function checkMatchesOnce(mutation: Mutation): void {
  applyMutation(readFileSync(join(PACKAGE, mutation.file), 'utf8'), mutation);
}

/** Makes the copy. */
export function createMutant(mutation: Mutation): Mutant {
  const root = mkdtempSync(join(tmpdir(), 'trireme-planted-'));
  const folder = join(root, 'raft');
  for (const part of ['package.json', 'dist', 'sim/dist']) {
    cpSync(join(PACKAGE, part), join(folder, part), { recursive: true });
  }
  symlinkSync(join(PACKAGE, '..', 'node_modules'), join(root, 'node_modules'));
  const path = join(folder, mutation.file);
  writeFileSync(path, applyMutation(readFileSync(path, 'utf8'), mutation));
  return {
    worker: join(folder, 'sim/dist/run/worker.js'),
    dispose: () => rmSync(root, { recursive: true, force: true }),
  };
}
