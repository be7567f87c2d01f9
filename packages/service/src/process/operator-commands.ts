/** Commands for messages to an operator. Each works from any folder, and none downloads a package. */
import { fileURLToPath } from 'node:url';

/** The root folder of this repository. */
const ROOT = fileURLToPath(new URL('../../../../', import.meta.url)).replace(/\/$/, '');

/** Text that needs no quotes in a shell. */
const PLAIN = /^[A-Za-z0-9_@%+=:,./-]+$/;

/**
 * The `trireme` command with its arguments, quoted for a shell.
 * @example triremeCommand('status', '--data', '/srv/t') // node /opt/trireme/packages/cli/bin/trireme.js status --data /srv/t
 */
export function triremeCommand(...args: readonly string[]): string {
  return shellLine('node', `${ROOT}/packages/cli/bin/trireme.js`, ...args);
}

/** An npm script of the repository with its arguments, quoted for a shell. */
export function npmScript(script: string, ...args: readonly string[]): string {
  return shellLine('npm', '--prefix', ROOT, 'run', script, ...(args.length === 0 ? [] : ['--', ...args]));
}

/** Quotes words, so that a POSIX shell splits the line into exactly these words. */
export function shellLine(...words: readonly string[]): string {
  return words.map((word) => (PLAIN.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`)).join(' ');
}
