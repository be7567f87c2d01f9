/** Formats a JSON log line of a process for the console: `WARN lost its leader term=4`. */

/** Maximum length of a readable line, in characters. */
export const READABLE_LENGTH_MAX = 2000;

const LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const;

export type LogLevel = (typeof LEVELS)[number];

/** Levels of the lines that may explain the end of a process. */
const FAILURES: ReadonlySet<LogLevel> = new Set<LogLevel>(['error', 'fatal']);

/** Fields that the line's prefix or its file already show. */
const OMITTED_FIELDS = new Set(['level', 'time', 'pid', 'hostname', 'service', 'id', 'msg']);

/** A line of a process's output. */
export interface FormattedLogLine {
  /** One readable line without control characters, at most `READABLE_LENGTH_MAX` characters. */
  readonly readable: string;
  /** Null if the line is not a log line, for example a stack trace. */
  readonly level: LogLevel | null;
  /** Message and fields of an error line; null for other levels. */
  readonly failure: string | null;
}

/** Formats a JSON log line of a process; any other line is only bounded. */
export function formatLogLine(line: string): FormattedLogLine {
  const record = parseRecord(line);
  if (record === null) return { readable: bounded(line), level: null, failure: null };
  const level = levelOf(record['level']);
  const message = textOf(record['msg'] ?? '');
  const fields = Object.entries(record)
    .filter(([key]) => !OMITTED_FIELDS.has(key))
    .map(([key, value]) => `${key}=${fieldText(value)}`);
  const text = [message, ...fields].filter((part) => part !== '').join(' ');
  return {
    readable: bounded(`${level.toUpperCase()} ${text}`),
    level,
    failure: FAILURES.has(level) ? bounded(text) : null,
  };
}

function levelOf(value: unknown): LogLevel {
  return LEVELS.find((level) => level === value) ?? 'info';
}

function parseRecord(line: string): Record<string, unknown> | null {
  if (!line.startsWith('{')) return null;
  try {
    return JSON.parse(line) as Record<string, unknown>;
  } catch {
    return null;
  }
}

function fieldText(value: unknown): string {
  if (typeof value === 'object' && value !== null && 'message' in value) {
    const code = 'code' in value ? ` (${textOf(value.code)})` : '';
    return JSON.stringify(textOf(value.message) + code);
  }
  const text = textOf(value);
  return typeof value === 'string' && /[\s"=]/.test(text) ? JSON.stringify(text) : text;
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function bounded(text: string): string {
  const plain = text.replace(/\p{Cc}/gu, ' ');
  return plain.length > READABLE_LENGTH_MAX ? `${plain.slice(0, READABLE_LENGTH_MAX - 6)} [cut]` : plain;
}
