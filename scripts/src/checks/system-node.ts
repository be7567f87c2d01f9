/** Finds the machine's own Node, as opposed to the one that `npm ci` installs for npm's commands. */
import { existsSync } from 'node:fs';
import { delimiter, join, sep } from 'node:path';

const NODE_MODULES = `${sep}node_modules${sep}`;

/**
 * @param path value of the PATH variable
 * @returns path of the program; null if PATH has only the one of `npm ci`, or none
 */
export function findSystemNode(path: string): string | null {
  const programs = path
    .split(delimiter)
    .filter((folder) => folder !== '' && !`${folder}${sep}`.includes(NODE_MODULES))
    .map((folder) => join(folder, 'node'));
  return programs.find((program) => existsSync(program)) ?? null;
}
