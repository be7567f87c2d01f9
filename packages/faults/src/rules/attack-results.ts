/** The allowed results of attacks, and a table of all results. */

/** One attack and its result. */
export interface AttackResult {
  readonly port: string;
  readonly kind: string;
  readonly name: string;
  /** Received HTTP status codes, in sequence. */
  readonly codes: readonly number[];
  /** Whether the server ended the connection. */
  readonly isDisconnected: boolean;
  readonly tookMs: number;
}

/** Answer to an accepted handshake; the connection must be closed after the attack that follows it. */
const SWITCHED = 101;
/** Not implemented, and HTTP version not supported: 5xx codes that are refusals, not failures. */
const REFUSALS: readonly number[] = [501, 505];

/** Checks that an attack was refused with a 4xx or disconnected. @returns the problem, or null */
export function checkAttack({ codes, isDisconnected }: AttackResult): string | null {
  if (!isDisconnected) return 'connection was left open';
  const odd = codes.find(
    (code) => !(code === SWITCHED || (code >= 400 && code < 500) || REFUSALS.includes(code)),
  );
  return odd === undefined ? null : `was answered ${odd}`;
}

/** A table of attacks by port and kind, with the answers to them. */
export function attackTable(results: readonly AttackResult[]): string {
  const groups = new Map<string, AttackResult[]>();
  for (const result of results) {
    const name = `${result.port}\t${result.kind}`;
    const group = groups.get(name);
    if (group === undefined) groups.set(name, [result]);
    else group.push(result);
  }
  const rows = [...groups].map(([name, group]) => {
    const [port = '', kind = ''] = name.split('\t');
    const slowest = Math.max(...group.map(({ tookMs }) => tookMs));
    return [port, kind, String(group.length), answersOf(group), (slowest / 1000).toFixed(1)];
  });
  const ports = [...new Set(results.map(({ port }) => port))];
  const sums = ports.map((port) => {
    const all = results.filter((result) => result.port === port);
    return [port, 'total', String(all.length), answersOf(all), ''];
  });
  const total = ['every port', 'total', String(results.length), answersOf(results), ''];
  return formatRows([['port', 'kind', 'requests', 'answers', 'slowest s'], ...rows, ...sums, total]);
}

/** Such as `400 x12, 413 x1, disconnected x3`. Of several answers on one connection, the last one counts. */
function answersOf(results: readonly AttackResult[]): string {
  const counts = new Map<string, number>();
  for (const { codes, isDisconnected } of results) {
    const last = codes.at(-1);
    const answer = !isDisconnected
      ? 'LEFT OPEN'
      : last === undefined || last === SWITCHED
        ? 'disconnected'
        : String(last);
    counts.set(answer, (counts.get(answer) ?? 0) + 1);
  }
  return [...counts]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([answer, count]) => `${answer} x${count}`)
    .join(', ');
}

const RIGHT: readonly number[] = [2, 4];

function formatRows(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, i) => Math.max(...rows.map((row) => (row[i] ?? '').length)));
  return rows
    .map((row) =>
      row
        .map((cell, i) => (RIGHT.includes(i) ? cell.padStart(widths[i] ?? 0) : cell.padEnd(widths[i] ?? 0)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
