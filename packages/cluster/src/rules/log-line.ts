/** Makes a log line of a process readable: `WARN lost its leader term=4`. */

/** Characters of a readable line at most. */
export const READABLE_LENGTH_MAX = 2000;

/** Levels from which on a line tells why a process ended. */
const FAILURES: ReadonlySet<string> = new Set(['error', 'fatal']);

/** Fields that the prefix of the line, or its file, tell already. */
const KNOWN = new Set(['level', 'time', 'pid', 'hostname', 'service', 'id', 'msg']);

/** A line of a process's output. */
export interface LogLine {
  /** One readable line without control characters, at most `READABLE_LENGTH_MAX` characters. */
  readonly readable: string;
  /** What went wrong, if the line is an error's; null otherwise. */
  readonly failure: string | null;
}

/** Reads a JSON log line as the processes write it, with the level's name; any other line stays as it is. */
export function readLogLine(line: string): LogLine {
  const record = parseRecord(line);
  if (record === null) return { readable: bounded(line), failure: null };
  const level = textOf(record['level'] ?? 'info');
  const message = textOf(record['msg'] ?? '');
  const fields = Object.entries(record)
    .filter(([key]) => !KNOWN.has(key))
    .map(([key, value]) => `${key}=${fieldText(value)}`);
  const told = [message, ...fields].filter((part) => part !== '').join(' ');
  return {
    readable: bounded(`${level.toUpperCase()} ${told}`),
    failure: FAILURES.has(level) ? bounded(told) : null,
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
