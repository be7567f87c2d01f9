/** Commands that a message tells an operator to run. Each works from any folder, and none fetches a package by its name. */
import { fileURLToPath } from 'node:url';

/** The repository that this program is part of. */
const ROOT = fileURLToPath(new URL('../../../../', import.meta.url)).replace(/\/$/, '');

/** Text that a shell reads as it is. */
const PLAIN = /^[A-Za-z0-9_@%+=:,./-]+$/;

/**
 * The operator's command with its arguments, as a shell takes it.
 * @example operatorCommand('status', '--data', '/srv/t') // node /opt/trireme/scripts/bin/trireme.js status --data /srv/t
 */
export function operatorCommand(...args: readonly string[]): string {
  return shellLine('node', `${ROOT}/scripts/bin/trireme.js`, ...args);
}

/** A script of the repository with its arguments, as a shell takes it. */
export function npmScript(script: string, ...args: readonly string[]): string {
  return shellLine('npm', '--prefix', ROOT, 'run', script, ...(args.length === 0 ? [] : ['--', ...args]));
}

/** A command line that a POSIX shell splits into exactly these words. */
export function shellLine(...words: readonly string[]): string {
  return words.map((word) => (PLAIN.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`)).join(' ');
}
