/** A copy of the compiled system and its simulator with one planted bug, in a temporary folder. */
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
import { applyMutation, type Mutant, type Mutation } from '@trireme/raft/sim';

/** The folder of the project, relative to the compiled file. */
const ROOT = fileURLToPath(new URL('../../../..', import.meta.url));

/** The compiled folders that a run needs, by package. */
const PARTS: readonly (readonly [folder: string, parts: readonly string[]])[] = [
  ['raft', ['dist', 'sim/dist']],
  ...[
    'catalog',
    'coherence',
    'domain',
    'faults',
    'frontend',
    'orders',
    'service',
    'state-machine',
    'system-sim',
  ].map((name) => [`packages/${name}`, ['dist']] as const),
];
const SCOPE = '@trireme';

/** Checks that the mutation matches the compiled file. @throws Error if its text does not occur exactly once */
export function checkMatchesOnce(mutation: Mutation): void {
  applyMutation(readFileSync(join(ROOT, mutation.file), 'utf8'), mutation);
}

/** Makes the copy. */
export function createMutant(mutation: Mutation): Mutant {
  const root = mkdtempSync(join(tmpdir(), 'trireme-planted-'));
  const modules = join(root, 'node_modules');
  mkdirSync(join(modules, SCOPE), { recursive: true });
  for (const name of readdirSync(join(ROOT, 'node_modules')))
    if (name !== SCOPE) symlinkSync(join(ROOT, 'node_modules', name), join(modules, name));
  for (const [folder, parts] of PARTS) {
    for (const part of ['package.json', ...parts]) {
      cpSync(join(ROOT, folder, part), join(root, folder, part), {
        recursive: true,
        filter: (path) => !/\.(d\.ts|map)$|\.test\.js$/.test(path),
      });
    }
    const name = folder.split('/').at(-1) ?? folder;
    symlinkSync(join(root, folder), join(modules, SCOPE, name));
  }
  const path = join(root, mutation.file);
  writeFileSync(path, applyMutation(readFileSync(path, 'utf8'), mutation));
  return {
    worker: join(root, 'packages/system-sim/dist/run-worker.js'),
    dispose: () => rmSync(root, { recursive: true, force: true }),
  };
}
