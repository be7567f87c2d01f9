/** A copy of this package, compiled, with one bug planted in it, in a folder of its own. */
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { PlantedBug } from './bugs.js';

/** The folder of the package, seen from the compiled file. */
const PACKAGE = fileURLToPath(new URL('../../..', import.meta.url));

export interface PlantedCopy {
  /** The compiled `main` of the explorer. */
  readonly main: string;
  /** Removes the copy. */
  dispose(): void;
}

/**
 * Replaces the text of the bug.
 * @throws Error if the text does not occur exactly once: the table is out of date
 */
function planted(source: string, { name, file, find, replace }: PlantedBug): string {
  const parts = source.split(find);
  if (parts.length !== 2) {
    throw new Error(`planted bug "${name}": its text occurs ${parts.length - 1} times in ${file}, not once`);
  }
  return parts.join(replace);
}

/** Checks that the bug fits what is compiled. @throws Error if it does not */
export function checkFits(bug: PlantedBug): void {
  planted(readFileSync(join(PACKAGE, 'dist', bug.file), 'utf8'), bug);
}

export function plant(bug: PlantedBug): PlantedCopy {
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
