/** A copy of compiled packages with one planted bug, in a temporary folder. */
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Mutation } from './mutation.js';

/** The folder of the repository, relative to the compiled file. */
const ROOT = fileURLToPath(new URL('../../../..', import.meta.url));
const SCOPE = '@trireme';

/** The packages to copy, as folders of the repository, and the compiled worker that runs seeds. */
export interface MutantParts {
  readonly packages: readonly string[];
  readonly worker: string;
}

const RAFT: MutantParts = { packages: ['raft', 'raft/sim'], worker: 'raft/sim/dist/run/worker.js' };

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

/** Checks that the mutation matches the compiled file. @throws Error as `applyMutation` does */
export function checkMatchesOnce(mutation: Mutation): void {
  applyMutation(readFileSync(join(ROOT, mutation.file), 'utf8'), mutation);
}

/** Makes the copy; of the library and its simulator unless other parts are given. */
export function createMutant(mutation: Mutation, { packages, worker }: MutantParts = RAFT): Mutant {
  const root = mkdtempSync(join(tmpdir(), 'trireme-planted-'));
  const modules = join(root, 'node_modules');
  mkdirSync(join(modules, SCOPE), { recursive: true });
  for (const name of readdirSync(join(ROOT, 'node_modules')))
    if (name !== SCOPE) symlinkSync(join(ROOT, 'node_modules', name), join(modules, name));
  for (const folder of packages) {
    for (const part of ['package.json', 'dist']) {
      cpSync(join(ROOT, folder, part), join(root, folder, part), {
        recursive: true,
        filter: (path) => !/\.(d\.ts|map)$|\.test\.js$/.test(path),
      });
    }
    const { name } = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8')) as { name: string };
    symlinkSync(join(root, folder), join(modules, name));
  }
  const path = join(root, mutation.file);
  writeFileSync(path, applyMutation(readFileSync(path, 'utf8'), mutation));
  return {
    worker: join(root, worker),
    dispose: () => rmSync(root, { recursive: true, force: true }),
  };
}
