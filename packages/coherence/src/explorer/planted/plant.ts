/** A copy of the compiled package with one planted bug, in a temporary folder. */
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ExplorerMutation } from './bugs.js';

/** The folder of the package, relative to the compiled file. */
const PACKAGE = fileURLToPath(new URL('../../..', import.meta.url));

export interface Mutant {
  /** The compiled `main` of the explorer. */
  readonly main: string;
  /** Removes the copy. */
  dispose(): void;
}

/**
 * Applies the bug to a source.
 * @throws Error if the bug's text does not occur exactly once: the row is outdated
 */
function planted(source: string, { name, file, find, replace }: ExplorerMutation): string {
  const parts = source.split(find);
  if (parts.length !== 2) {
    const count = parts.length - 1;
    throw new Error(
      `planted bug "${name}": its text occurs ${count} times in ${file} instead of once; update the row`,
    );
  }
  return parts.join(replace);
}

/** Checks that the bug matches the compiled file. @throws Error if it does not */
export function checkMatchesOnce(bug: ExplorerMutation): void {
  planted(readFileSync(join(PACKAGE, 'dist', bug.file), 'utf8'), bug);
}

export function createMutant(bug: ExplorerMutation): Mutant {
  const root = mkdtempSync(join(tmpdir(), 'trireme-planted-'));
  const folder = join(root, 'coherence');
  for (const part of ['package.json', 'dist'])
    cpSync(join(PACKAGE, part), join(folder, part), { recursive: true });
  symlinkSync(join(PACKAGE, '../../node_modules'), join(root, 'node_modules'));
  const path = join(folder, 'dist', bug.file);
  writeFileSync(path, planted(readFileSync(path, 'utf8'), bug));
  return {
    main: join(folder, 'dist/explorer/main.js'),
    dispose: () => rmSync(root, { recursive: true, force: true }),
  };
}
