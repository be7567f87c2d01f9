/** What the scripts' command lines have in common. */
import { realpathSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { CommanderError, InvalidArgumentError, type Command } from 'commander';
import { ClusterError, parseTarget, type ClusterErrorCode } from '@trireme/cluster';
import { EXIT, failureOf, messageOf } from '@trireme/service';

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

/** Parser of `2`, `replica-2`, `catalog-1` or `frontend-1`, as the name of a process. */
export function processName(text: string): string {
  const target = parseTarget(text);
  if (target?.kind === 'process') return target.name;
  throw new InvalidArgumentError('It must be a process, such as 2, catalog-1 or frontend-1.');
}

/** Runs a script: what it throws becomes a line on standard error, with what to do where that is known, and an exit code. */
export async function runScript(command: Command): Promise<void> {
  try {
    await command.exitOverride().parseAsync();
  } catch (error) {
    process.exitCode = endOf(error);
  }
}

const CLUSTER_EXIT: Readonly<Record<ClusterErrorCode, number>> = {
  BAD_OPTION: EXIT.usage,
  NOT_OURS: EXIT.usage,
  COPIED_FOLDER: EXIT.usage,
  PORT_TAKEN: EXIT.unavailable,
  ALREADY_RUNNING: EXIT.unavailable,
  NOT_READY: EXIT.unavailable,
  STORAGE_FAILED: EXIT.cannotCreate,
  DAMAGED_FILE: EXIT.damaged,
  BAD_PROCESS: 1,
  NO_HOSTS: 1,
};

/** Tells an error of a script and gives its exit code: those of every process, and 1 where none of them fits. */
export function endOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  const known = error instanceof ClusterError ? CLUSTER_EXIT[error.code] : 1;
  // A cluster's own words say what to do; why a disk refuses is in the system's.
  const isSaid = error instanceof ClusterError && error.code !== 'STORAGE_FAILED';
  const failure = isSaid ? null : failureOf(error);
  const message = messageOf(error);
  console.error(`error: ${message}${failure === null ? '' : `: ${failure.advice}`}`);
  return failure?.exitCode ?? known;
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
