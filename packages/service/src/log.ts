/** The log of a process: JSON lines on standard output, each with the service's name and the process's id. */
import { writeSync } from 'node:fs';
import { pino } from 'pino';

export type Log = pino.Logger;

/** Levels in order of weight. */
export const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;

/**
 * What standard output does not take is dropped: a log that nobody reads any more must not hold the process. pino's
 * own destination does, for ever, when its reader is gone: `flushSync` of sonic-boom 4 repeats a write that fails
 * with EPIPE.
 */
const STANDARD_OUTPUT: pino.DestinationStream = {
  write: (line) => {
    const bytes = Buffer.from(line);
    try {
      for (let at = 0; at < bytes.length;) at += writeSync(1, bytes, at);
    } catch {
      return;
    }
  },
};

/**
 * Makes the log. Lines are written synchronously, so that none is lost when the process exits.
 * @param o.level one of `LOG_LEVELS`
 * @param o.context what every line carries as of when it is written, such as the term; nothing unless given. Where it
 *   throws, the line says so and is written all the same
 * @param destination where the lines go instead of standard output
 */
export function createLog(
  o: { service: string; id: string; level: string; context?: () => object },
  destination: pino.DestinationStream = STANDARD_OUTPUT,
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

/** What breaks a process must not keep it from saying so: a context may ask the very part that has failed. */
function soundly(context: () => object): () => object {
  return () => {
    try {
      return context();
    } catch (error) {
      return { contextError: error instanceof Error ? error.message : String(error) };
    }
  };
}
