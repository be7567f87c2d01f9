/** Runs a service as a process: starts it, stops it in order on request, and exits with a meaningful code. */
import { writeSync } from 'node:fs';
import type { Log } from '../log.js';
import { errorMessage } from '../rules/error-message.js';
import { UsageError } from '../rules/usage-error.js';
import { EXIT_CODE } from './exit.js';
import { systemFailure } from './failure.js';

/** A service that runs until it is stopped. */
export interface RunningService {
  /** Resolves when everything is closed. */
  stop(): Promise<void>;
}

/** Options of `runProcess`. */
export interface RunOptions {
  readonly log: Log;
  /** Stops in order when standard input ends, so that the process does not outlive its supervisor. */
  readonly exitWithParent: boolean;
  /** Time limit of an orderly stop, from the first signal, in milliseconds (default 10 s). */
  readonly stopTimeoutMs?: number | undefined;
  /** The exit code for an error. Not called for a `UsageError`, which is 64. */
  readonly exitCodeOf: (error: unknown) => number;
  /** Advice for an error, for its log line: how to recover. Null if there is none. */
  readonly adviceOf?: (error: unknown) => string | null;
  /**
   * Starts the service. `fatal` exits at once, for errors after which the service must not acknowledge anything. If the
   * start waits for something, it must throw the reason of `stopping` when that is aborted.
   */
  readonly start: (fatal: (error: unknown) => void, stopping: AbortSignal) => Promise<RunningService>;
}

const STOP_MS_MAX = 10_000;
const STANDARD_ERROR = 2;

/**
 * Runs a service until SIGTERM, SIGINT, SIGHUP, the end of standard input (with `exitWithParent`) or an error. Then it
 * exits: with 0 after an orderly stop, with 70 if that takes longer than `stopMsMax`, otherwise with the error's code.
 * Further signals have no effect, because Ctrl-C signals a whole process group and the supervisor adds a SIGTERM.
 */
export async function runProcess(options: RunOptions): Promise<void> {
  const fail = (error: unknown, what: string): never => {
    const exitCode = exitCodeOf(error, options);
    reportFailure(error, `${what}: ${errorMessage(error)}`, exitCode, options);
    process.exit(exitCode);
  };
  process.on('uncaughtException', (error) => fail(error, 'uncaught exception'));
  process.on('unhandledRejection', (error) => fail(error, 'unhandled rejection'));
  const stopping = new AbortController();
  const stopRequested = waitForStop(options).then(() => stopping.abort());
  try {
    const service = await options.start((error) => fail(error, 'fatal error'), stopping.signal);
    await stopRequested;
    await service.stop();
  } catch (error) {
    if (!stopping.signal.aborted || error !== stopping.signal.reason) fail(error, 'service failed');
  }
  options.log.info('stopped');
  process.exit(EXIT_CODE.ok);
}

/** Resolves when the process is asked to stop. From then on the deadline runs, whatever the service does. */
async function waitForStop({ log, exitWithParent, stopTimeoutMs }: RunOptions): Promise<void> {
  const reason = await new Promise<string>((resolve) => {
    process.on('SIGTERM', resolve);
    process.on('SIGINT', resolve);
    process.on('SIGHUP', resolve);
    if (exitWithParent) resolveWhenStdinEnds(resolve);
  });
  log.info({ reason }, 'stopping');
  const msMax = stopTimeoutMs ?? STOP_MS_MAX;
  setTimeout(() => {
    log.fatal({ exitCode: EXIT_CODE.internal }, `did not stop within ${msMax} ms`);
    process.exit(EXIT_CODE.internal);
  }, msMax);
}

/**
 * Reports why the process exits: in the log, or on standard error if the log throws. It must not throw: in a handler of
 * uncaught exceptions that would end the process with another code and without the reason.
 */
function reportFailure(error: unknown, what: string, exitCode: number, options: RunOptions): void {
  try {
    const advice = adviceOf(error, options);
    options.log.fatal({ error, exitCode, advice }, what);
  } catch (logError) {
    try {
      writeSync(
        STANDARD_ERROR,
        `${what}; exit code ${exitCode}; cannot write the log: ${errorMessage(logError)}\n`,
      );
    } catch {
      // Standard error is closed as well.
    }
  }
}

function adviceOf(error: unknown, options: RunOptions): string | undefined {
  try {
    if (error instanceof UsageError) return 'see --help for the options';
    return options.adviceOf?.(error) ?? systemFailure(error)?.advice;
  } catch {
    return undefined;
  }
}

function exitCodeOf(error: unknown, options: RunOptions): number {
  if (error instanceof UsageError) return EXIT_CODE.usage;
  try {
    return options.exitCodeOf(error);
  } catch {
    return EXIT_CODE.internal;
  }
}

function resolveWhenStdinEnds(resolve: (reason: string) => void): void {
  const onEnd = (): void => resolve('standard input ended');
  process.stdin.on('end', onEnd);
  process.stdin.on('close', onEnd);
  process.stdin.on('error', onEnd);
  process.stdin.resume();
}
