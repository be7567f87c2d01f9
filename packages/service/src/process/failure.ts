/** Exit codes and advice for errors of the operating system. */
import { EXIT } from './exit.js';

/** An error that an operator can resolve. */
export interface Failure {
  readonly exitCode: number;
  /** What to do, as a sentence without its full stop. */
  readonly advice: string;
}

/** LevelDB gives the system's error as text only. */
const IN_WORDS: readonly (readonly [RegExp, string])[] = [
  [/: Permission denied$/, 'EACCES'],
  [/: Read-only file system$/, 'EROFS'],
  [/: Not a directory$/, 'ENOTDIR'],
  [/: No space left on device$/, 'ENOSPC'],
  [/: Too many open files$/, 'EMFILE'],
  [/: Input\/output error$/, 'EIO'],
];

/** Null if neither the error nor one of its causes is the system's. */
export function failureOf(error: unknown): Failure | null {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    const failure = describe(codeOf(cause), cause);
    if (failure !== null) return failure;
  }
  return null;
}

function codeOf(error: Error): unknown {
  const said = IN_WORDS.find(([words]) => words.test(error.message))?.[1];
  return said ?? ('code' in error ? error.code : null);
}

/** The host name that was not found: this machine's or another's. */
function nameIn(error: Error): string {
  return 'hostname' in error && typeof error.hostname === 'string' ? ` ${error.hostname}` : '';
}

function describe(code: unknown, error: Error): Failure | null {
  const path = 'path' in error && typeof error.path === 'string' ? error.path : 'the path that is named';
  const isListening = 'syscall' in error && error.syscall === 'listen';
  switch (code) {
    case 'EADDRINUSE':
      return {
        exitCode: EXIT.unavailable,
        advice: 'another process listens there: stop it, or give another port',
      };
    case 'EADDRNOTAVAIL':
      return {
        exitCode: EXIT.usage,
        advice: 'give --host an address of this machine, such as 127.0.0.1, or 0.0.0.0 for all of them',
      };
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return {
        exitCode: EXIT.usage,
        advice: `correct the host name${nameIn(error)} where it is given (--host, or a URL), or give an IP address`,
      };
    case 'EACCES':
    case 'EPERM':
      if (isListening) {
        return { exitCode: EXIT.unavailable, advice: 'give a port from 1024: those below need privileges' };
      }
      return {
        exitCode: EXIT.cannotCreate,
        advice: `let the user of this process read and write ${path} (chown, chmod), or give another folder`,
      };
    case 'EROFS':
      return {
        exitCode: EXIT.cannotCreate,
        advice: `mount the file system of ${path} for writing, or give another folder`,
      };
    case 'EEXIST':
    case 'ENOTDIR':
    case 'EISDIR':
      return {
        exitCode: EXIT.cannotCreate,
        advice: `give a folder: there is a file at ${path}, or above it`,
      };
    case 'ENOSPC':
    case 'EDQUOT':
      return { exitCode: EXIT.full, advice: 'make room on the disk, and start it again: it loses nothing' };
    case 'EIO':
      return { exitCode: EXIT.full, advice: 'the disk fails: see the log of the kernel, and replace it' };
    case 'EMFILE':
    case 'ENFILE':
      return { exitCode: EXIT.unavailable, advice: 'allow more open files: ulimit -n, LimitNOFILE' };
    case 'BAD_OPTION':
      return {
        exitCode: EXIT.usage,
        advice: 'check the URLs and the --tls flags: https and certificates go together',
      };
    default:
      return null;
  }
}
