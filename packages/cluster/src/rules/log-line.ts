/** Makes a log line of a process readable: `WARN lost its leader term=4`. */

/** Characters of a readable line at most. */
export const READABLE_LENGTH_MAX = 2000;

const LEVELS: Readonly<Record<number, string>> = {
  10: 'TRACE',
  20: 'DEBUG',
  30: 'INFO',
  40: 'WARN',
  50: 'ERROR',
  60: 'FATAL',
};

/** From this level on a line tells why a process ended. */
const LEVEL_ERROR = 50;

/** Fields that the prefix of the line, or its file, tell already. */
const KNOWN = new Set(['level', 'time', 'pid', 'hostname', 'service', 'id', 'msg']);

/** A line of a process's output. */
export interface LogLine {
  /** One readable line without control characters, at most `READABLE_LENGTH_MAX` characters. */
  readonly readable: string;
  /** What went wrong, if the line is an error's; null otherwise. */
  readonly failure: string | null;
}

/** Reads a JSON log line as pino writes it; any other line stays as it is. */
export function readLogLine(line: string): LogLine {
  const record = parseRecord(line);
  if (record === null) return { readable: bounded(line), failure: null };
  const level = typeof record['level'] === 'number' ? record['level'] : 30;
  const message = textOf(record['msg'] ?? '');
  const fields = Object.entries(record)
    .filter(([key]) => !KNOWN.has(key))
    .map(([key, value]) => `${key}=${fieldText(value)}`);
  const told = [message, ...fields].filter((part) => part !== '').join(' ');
  return {
    readable: bounded(`${LEVELS[level] ?? `LEVEL${level}`} ${told}`),
    failure: level >= LEVEL_ERROR ? bounded(told) : null,
  };
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
