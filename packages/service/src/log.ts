/** The log of a process: JSON lines on standard output, each with the service's name and the process's id. */
import { pino } from 'pino';

export type Log = pino.Logger;

/** Levels in order of weight. */
export const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;

/**
 * Makes the log. Lines are written synchronously, so that none is lost when the process exits.
 * @param o.level one of `LOG_LEVELS`
 */
export function createLog(o: { service: string; id: string; level: string }): Log {
  return pino({
    level: o.level,
    base: { service: o.service, id: o.id, pid: process.pid },
    timestamp: pino.stdTimeFunctions.isoTime,
    serializers: { error: pino.stdSerializers.err },
    formatters: { level: (label) => ({ level: label }) },
    redact: { paths: ['secret', '*.secret', 'token', '*.token'], censor: '[redacted]' },
  });
}
