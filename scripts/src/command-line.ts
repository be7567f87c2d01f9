/** What the scripts' command lines have in common. */
import { realpathSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { InvalidArgumentError, type Command } from 'commander';
import { parseTarget } from '@trireme/cluster';

/** Data folder unless `--data` names another; both are taken from where npm is called. */
export const DATA_DEFAULT = 'data';

/** Parser of an option that is a number of seconds, 0 to 3600. */
export function seconds(text: string): number {
  const value = Number(text);
  if (/^\d+(\.\d+)?$/.test(text) && value <= 3600) return value;
  throw new InvalidArgumentError('It must be a number of seconds from 0 to 3600.');
}

/** Parser of `2` or `replica-2`, as the name of a replica. */
export function replicaName(text: string): string {
  const target = parseTarget(text);
  if (target?.kind === 'process' && target.name.startsWith('replica-')) return target.name;
  throw new InvalidArgumentError('It must be a replica, such as 2.');
}

/** Parser of `2`, `replica-2`, `catalog` or `frontend-1`, as the name of a process. */
export function processName(text: string): string {
  const target = parseTarget(text);
  if (target?.kind === 'process') return target.name;
  throw new InvalidArgumentError('It must be a process, such as 2, catalog or frontend-1.');
}

/** Runs a script: what it throws becomes one line on standard error and exit code 1. */
export async function runScript(command: Command): Promise<void> {
  try {
    await command.parseAsync();
  } catch (error) {
    console.error(`error: ${error instanceof Error ? error.message : String(error)}`);
    process.exitCode = 1;
  }
}

/** Absolute path of a file or folder that the user named: relative to where the command, or npm, was called. */
export function userPath(path: string): string {
  return resolve(callersFolder(), path);
}

/** npm runs a script in the folder of its package, and tells where it was called itself. */
function callersFolder(): string {
  const { INIT_CWD: caller, npm_package_json: manifest } = process.env;
  if (caller === undefined || manifest === undefined) return process.cwd();
  return isFolder(dirname(manifest), process.cwd()) ? caller : process.cwd();
}

function isFolder(path: string, folder: string): boolean {
  try {
    return realpathSync(path) === folder;
  } catch {
    return false;
  }
}
