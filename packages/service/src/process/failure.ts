/** Exit codes and advice for errors of the operating system. */
import { EXIT_CODE } from './exit.js';

/** An error that an operator can resolve. */
export interface SystemFailure {
  readonly exitCode: number;
  /** What the operator can do, as a sentence without a full stop. */
  readonly advice: string;
}

/** LevelDB reports errors of the system only as text. */
const CODE_OF_TEXT: readonly (readonly [RegExp, string])[] = [
  [/: Permission denied$/, 'EACCES'],
  [/: Read-only file system$/, 'EROFS'],
  [/: Not a directory$/, 'ENOTDIR'],
  [/: No space left on device$/, 'ENOSPC'],
  [/: Too many open files$/, 'EMFILE'],
  [/: Input\/output error$/, 'EIO'],
];

/** The failure behind an error; null if neither the error nor one of its causes is from the system. */
export function systemFailure(error: unknown): SystemFailure | null {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    const failure = describe(codeOf(cause), cause);
    if (failure !== null) return failure;
  }
  return null;
}

function codeOf(error: Error): unknown {
  const code = CODE_OF_TEXT.find(([text]) => text.test(error.message))?.[1];
  return code ?? ('code' in error ? error.code : null);
}

/** The host name that could not be resolved, with a space before it; empty if the error has none. */
function hostNameOf(error: Error): string {
  return 'hostname' in error && typeof error.hostname === 'string' ? ` ${error.hostname}` : '';
}

function describe(code: unknown, error: Error): SystemFailure | null {
  const path = 'path' in error && typeof error.path === 'string' ? error.path : 'the path in the message';
  const isListening = 'syscall' in error && error.syscall === 'listen';
  switch (code) {
    case 'EADDRINUSE':
      return {
        exitCode: EXIT_CODE.unavailable,
        advice: 'another process is listening on this port: stop it, or use another port',
      };
    case 'EADDRNOTAVAIL':
      return {
        exitCode: EXIT_CODE.usage,
        advice: 'set --host to an address of this machine, such as 127.0.0.1, or to 0.0.0.0 for all of them',
      };
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return {
        exitCode: EXIT_CODE.usage,
        advice: `correct the host name${hostNameOf(error)} in --host or in a URL, or use an IP address`,
      };
    case 'EACCES':
    case 'EPERM':
      if (isListening) {
        return {
          exitCode: EXIT_CODE.unavailable,
          advice: 'use a port of at least 1024: lower ports need privileges',
        };
      }
      return {
        exitCode: EXIT_CODE.cannotCreate,
        advice: `give the user of this process read and write access to ${path} (chown, chmod), or use another folder`,
      };
    case 'EROFS':
      return {
        exitCode: EXIT_CODE.cannotCreate,
        advice: `mount the file system of ${path} read-write, or use another folder`,
      };
    case 'EEXIST':
    case 'ENOTDIR':
    case 'EISDIR':
      return {
        exitCode: EXIT_CODE.cannotCreate,
        advice: `use another folder: ${path} or a parent of it is a file`,
      };
    case 'ENOSPC':
    case 'EDQUOT':
      return {
        exitCode: EXIT_CODE.full,
        advice: 'free space on the disk, then start again; no data is lost',
      };
    case 'EIO':
      return {
        exitCode: EXIT_CODE.full,
        advice: 'the disk reports I/O errors: check the kernel log, and replace the disk',
      };
    case 'EMFILE':
    case 'ENFILE':
      return {
        exitCode: EXIT_CODE.unavailable,
        advice: 'raise the limit of open files: ulimit -n, LimitNOFILE',
      };
    case 'BAD_OPTION':
      return {
        exitCode: EXIT_CODE.usage,
        advice: 'check the URLs and the --tls options: https with certificates, http without',
      };
    default:
      return null;
  }
}
