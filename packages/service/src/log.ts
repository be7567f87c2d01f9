/** The log of a process: JSON lines on standard output, each with the name of the service and the id of the process. */
import { pino } from 'pino';
import type { LineOutput } from './output/line-output.js';
import { standardOutput } from './output/standard-output.js';
import { errorMessage } from './rules/error-message.js';

/** The log of a process, a pino logger: `log.info({ index }, 'message in lower case')`. */
export type Log = pino.Logger;

/** Levels in order of severity. */
export const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;

/**
 * Creates the log. It never blocks on its reader: lines that do not fit in the buffer are dropped, and a later line has
 * their number. When the process exits, the lines in the buffer are written first.
 * @param options.level one of `LOG_LEVELS`
 * @param options.context returns fields that are added to every line when it is written, such as the term. If it
 *   throws, the line is written with the error in the field `contextError`
 * @param destination destination of the lines instead of standard output
 */
export function createLog(
  options: { service: string; id: string; level: string; context?: () => object },
  destination: pino.DestinationStream = stdoutDestination(options),
): Log {
  const { service, id, level, context } = options;
  const loggerOptions: pino.LoggerOptions = {
    level,
    base: { service, id, pid: process.pid },
    timestamp: pino.stdTimeFunctions.isoTime,
    serializers: { error: pino.stdSerializers.err },
    formatters: { level: (label) => ({ level: label }) },
    redact: { paths: ['secret', '*.secret', 'token', '*.token'], censor: '[redacted]' },
  };
  if (context !== undefined) loggerOptions.mixin = withoutThrowing(context);
  return pino(loggerOptions, destination);
}

/** Standard output, opened at the first line. */
function stdoutDestination({ service, id }: { service: string; id: string }): pino.DestinationStream {
  let output: LineOutput | null = null;
  const describeLost = (lines: number): string =>
    JSON.stringify({
      level: 'warn',
      time: new Date().toISOString(),
      service,
      id,
      pid: process.pid,
      lines,
      msg: 'log lines dropped: standard output was not read or not writable',
    });
  return {
    write: (line) => {
      output ??= standardOutput(describeLost);
      output.write(line.trimEnd());
    },
  };
}

/** A context may read the part that has failed. It must not prevent the line that reports the failure. */
function withoutThrowing(context: () => object): () => object {
  return () => {
    try {
      return context();
    } catch (error) {
      return { contextError: errorMessage(error) };
    }
  };
}
