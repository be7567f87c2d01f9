/** The life of a process: starts a service, stops it in order when asked to, and ends with a code that says why. */
import { writeSync } from 'node:fs';
import type { Log } from '../log.js';
import { messageOf } from '../rules/message.js';
import { UsageError } from '../rules/usage.js';
import { EXIT } from './exit.js';
import { failureOf } from './failure.js';

/** Something that runs until it is stopped. */
export interface RunningService {
  /** Resolves once everything is closed. */
  stop(): Promise<void>;
}

export interface RunOptions {
  readonly log: Log;
  /** Stops in order when standard input ends, so that no process outlives its supervisor. */
  readonly exitWithParent: boolean;
  /** From the first signal to the end, in milliseconds; 10 s unless set. */
  readonly stopMsMax?: number;
  /** The exit code for what went wrong. A `UsageError` is 64 without asking. */
  readonly exitCodeOf: (error: unknown) => number;
  /** How to come back from what went wrong, for its line in the log; null where there is nothing to say. */
  readonly adviceOf?: (error: unknown) => string | null;
  /**
   * Starts the service; `fatal` ends the process at once, for errors after which nothing may be acknowledged. A start that
   * waits for something gives up when `stopping` is aborted, by throwing its reason.
   */
  readonly start: (fatal: (error: unknown) => void, stopping: AbortSignal) => Promise<RunningService>;
}

const STOP_MS_MAX = 10_000;
const STANDARD_ERROR = 2;

/**
 * Runs a service until SIGTERM, SIGINT, SIGHUP (its terminal is gone), the end of standard input (where asked for) or an error, then exits: with 0
 * after an orderly stop, with 70 if that takes longer than `stopMsMax`, else with the code of the error. Further
 * signals change nothing: Ctrl-C reaches a whole group, and its supervisor's SIGTERM comes on top.
 */
export async function runProcess(o: RunOptions): Promise<void> {
  const fail = (error: unknown, what: string): never => {
    const exitCode = exitCodeOf(error, o);
    tellEnd(error, `${what}: ${messageOf(error)}`, exitCode, o);
    process.exit(exitCode);
  };
  process.on('uncaughtException', (error) => fail(error, 'uncaught exception'));
  process.on('unhandledRejection', (error) => fail(error, 'unhandled rejection'));
  const stopping = new AbortController();
  const asked = stopAsked(o).then(() => stopping.abort());
  try {
    const service = await o.start((error) => fail(error, 'fatal error'), stopping.signal);
    await asked;
    await service.stop();
  } catch (error) {
    if (!stopping.signal.aborted || error !== stopping.signal.reason) fail(error, 'service failed');
  }
  o.log.info('stopped');
  process.exit(EXIT.ok);
}

/** Resolves when the process is asked to stop; from then on the deadline runs, whatever the service does. */
async function stopAsked(o: RunOptions): Promise<void> {
  const reason = await new Promise<string>((resolve) => {
    process.on('SIGTERM', resolve);
    process.on('SIGINT', resolve);
    process.on('SIGHUP', resolve);
    if (o.exitWithParent) resolveWhenStdinEnds(resolve);
  });
  o.log.info({ reason }, 'stopping');
  const msMax = o.stopMsMax ?? STOP_MS_MAX;
  setTimeout(() => {
    o.log.fatal({ exitCode: EXIT.internal }, `not stopped within ${msMax} ms`);
    process.exit(EXIT.internal);
  }, msMax);
}

/**
 * Says why the process ends: in the log, and on standard error where that throws. Throws nothing itself: from a handler
 * of uncaught exceptions an error would end the process with a code that means nothing, and without its reason.
 */
function tellEnd(error: unknown, what: string, exitCode: number, o: RunOptions): void {
  try {
    const advice = adviceOf(error, o);
    o.log.fatal({ error, exitCode, advice }, what);
  } catch (logError) {
    try {
      writeSync(
        STANDARD_ERROR,
        `${what}; exit code ${exitCode}; it cannot be logged: ${messageOf(logError)}\n`,
      );
    } catch {
      // Nobody listens.
    }
  }
}

function adviceOf(error: unknown, o: RunOptions): string | undefined {
  try {
    if (error instanceof UsageError) return '--help lists the flags';
    return o.adviceOf?.(error) ?? failureOf(error)?.advice;
  } catch {
    return undefined;
  }
}

function exitCodeOf(error: unknown, o: RunOptions): number {
  if (error instanceof UsageError) return EXIT.usage;
  try {
    return o.exitCodeOf(error);
  } catch {
    return EXIT.internal;
  }
}

function resolveWhenStdinEnds(resolve: (reason: string) => void): void {
  const ended = (): void => resolve('the parent is gone');
  process.stdin.on('end', ended);
  process.stdin.on('close', ended);
  process.stdin.on('error', ended);
  process.stdin.resume();
}
