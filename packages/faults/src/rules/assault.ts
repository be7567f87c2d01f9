/** What may become of an attack, and a table of what became of all of them. */

/** One attack and its end. */
export interface AttackResult {
  readonly port: string;
  readonly kind: string;
  readonly name: string;
  /** HTTP status codes that came, in order. */
  readonly codes: readonly number[];
  /** Whether the server ended the connection. */
  readonly isCut: boolean;
  readonly tookMs: number;
}

/** The upgrade of a handshake that was accepted: what came behind it has to be cut off. */
const SWITCHED = 101;
/** Not implemented, and a version that is not spoken: refusals of what was asked, not failures. */
const REFUSALS: readonly number[] = [501, 505];

/** Why an attack did not end as it should, null if it did: refused with its 4xx, or cut off. */
export function problemOfAttack({ codes, isCut }: AttackResult): string | null {
  if (!isCut) return 'was left open';
  const odd = codes.find(
    (code) => !(code === SWITCHED || (code >= 400 && code < 500) || REFUSALS.includes(code)),
  );
  return odd === undefined ? null : `was answered ${odd}`;
}

/** Requests by port and kind, with the answers that they got. */
export function assaultTable(results: readonly AttackResult[]): string {
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
    return [port, 'in all', String(all.length), answersOf(all), ''];
  });
  const total = ['every port', 'in all', String(results.length), answersOf(results), ''];
  return formatRows([['port', 'kind', 'requests', 'answers', 'slowest s'], ...rows, ...sums, total]);
}

/** Such as `400 x12, 413 x1, cut off x3`; of several answers on one connection, the last. */
function answersOf(results: readonly AttackResult[]): string {
  const counts = new Map<string, number>();
  for (const { codes, isCut } of results) {
    const last = codes.at(-1);
    const answer = !isCut ? 'LEFT OPEN' : last === undefined || last === SWITCHED ? 'cut off' : String(last);
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
