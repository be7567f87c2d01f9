/** The log of a process: JSON lines on standard output, each with the service's name and the process's id. */
import { pino } from 'pino';
import type { LineOutput } from './output/line-output.js';
import { standardOutput } from './output/standard-output.js';
import { messageOf } from './rules/message.js';

export type Log = pino.Logger;

/** Levels in order of weight. */
export const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;

/**
 * Makes the log. It never waits for whoever reads it: what finds no room in a buffer is left out, and a line says how many.
 * What still waits when the process exits is written then.
 * @param o.level one of `LOG_LEVELS`
 * @param o.context what every line carries as of when it is written, such as the term; nothing unless given. Where it
 *   throws, the line says so and is written all the same
 * @param destination where the lines go instead of standard output
 */
export function createLog(
  o: { service: string; id: string; level: string; context?: () => object },
  destination: pino.DestinationStream = lineByLine(o),
): Log {
  const options: pino.LoggerOptions = {
    level: o.level,
    base: { service: o.service, id: o.id, pid: process.pid },
    timestamp: pino.stdTimeFunctions.isoTime,
    serializers: { error: pino.stdSerializers.err },
    formatters: { level: (label) => ({ level: label }) },
    ...(o.context === undefined ? {} : { mixin: soundly(o.context) }),
    redact: { paths: ['secret', '*.secret', 'token', '*.token'], censor: '[redacted]' },
  };
  return pino(options, destination);
}

/** Standard output, opened by the first line. */
function lineByLine({ service, id }: { service: string; id: string }): pino.DestinationStream {
  let output: LineOutput | null = null;
  const describeLost = (lines: number): string =>
    JSON.stringify({
      ...{ level: 'warn', time: new Date().toISOString(), service, id, pid: process.pid, lines },
      msg: 'log lines were left out: standard output was not read, or could not be written',
    });
  return {
    write: (line) => {
      output ??= standardOutput(describeLost);
      output.write(line.trimEnd());
    },
  };
}

/** What breaks a process must not keep it from saying so: a context may ask the very part that has failed. */
function soundly(context: () => object): () => object {
  return () => {
    try {
      return context();
    } catch (error) {
      return { contextError: messageOf(error) };
    }
  };
}
