/** Parts that the command lines of `trireme` and of the npm scripts share: paths, errors and exit codes. */
import { realpathSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { CommanderError, type Command } from 'commander';
import { ClusterError, type ClusterErrorCode } from '@trireme/cluster';
import { EXIT_CODE, systemFailure, errorMessage } from '@trireme/service';

/** Default of `--data`, relative to the folder in which npm was called. */
export const DATA_DEFAULT = 'data';

/** Runs a script. Prints an error as one line on standard error, with advice if known, and sets the exit code. */
export async function runScript(command: Command, args = process.argv.slice(2)): Promise<void> {
  try {
    await command.exitOverride().parseAsync(args, { from: 'user' });
  } catch (error) {
    process.exitCode = reportError(error);
  }
}

const CLUSTER_EXIT: Readonly<Record<ClusterErrorCode, number>> = {
  BAD_OPTION: EXIT_CODE.usage,
  NOT_OURS: EXIT_CODE.usage,
  COPIED_FOLDER: EXIT_CODE.usage,
  PORT_TAKEN: EXIT_CODE.unavailable,
  ALREADY_RUNNING: EXIT_CODE.unavailable,
  NOT_READY: EXIT_CODE.unavailable,
  STORAGE_FAILED: EXIT_CODE.cannotCreate,
  DAMAGED_FILE: EXIT_CODE.damaged,
  BAD_PROCESS: 1,
  NO_HOSTS: 1,
};

/** Prints an error of a script and returns its exit code: one of `EXIT_CODE`, or 1 if none of them fits. */
export function reportError(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT_CODE.ok : EXIT_CODE.usage;
  const known = error instanceof ClusterError ? CLUSTER_EXIT[error.code] : 1;
  // A ClusterError's message already says what to do, except for errors of the disk.
  const hasAdvice = error instanceof ClusterError && error.code !== 'STORAGE_FAILED';
  const failure = hasAdvice ? null : systemFailure(error);
  const message = errorMessage(error);
  console.error(`error: ${message}${failure === null ? '' : `: ${failure.advice}`}`);
  return failure?.exitCode ?? known;
}

/** Absolute path of a file or folder that the user named, relative to the folder in which npm or the command ran. */
export function resolveUserPath(path: string): string {
  return resolve(callersFolder(), path);
}

/** npm runs a script in the folder of its package, and passes the folder in which npm itself was called in INIT_CWD. */
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
