/** The Node that the machine has by itself, beside the one that `npm ci` puts in front of it for npm's commands. */
import { existsSync } from 'node:fs';
import { delimiter, join, sep } from 'node:path';

const OF_NPM = `${sep}node_modules${sep}`;

/**
 * @param path as the variable PATH has it
 * @returns the program's path, null if there is none but that of `npm ci`
 */
export function ownNode(path: string): string | null {
  const programs = path
    .split(delimiter)
    .filter((folder) => folder !== '' && !`${folder}${sep}`.includes(OF_NPM))
    .map((folder) => join(folder, 'node'));
  return programs.find((program) => existsSync(program)) ?? null;
}
