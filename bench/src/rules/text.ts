/** Formats results as CSV and Markdown, and numbers for people. */

export type Cell = string | number | null;

/** A table whose rows all have the same columns. */
export interface Table {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly Cell[])[];
}

/** CSV by RFC 4180: CRLF line ends, and quotes where a cell needs them; null becomes an empty cell. */
export function toCsv({ columns, rows }: Table): string {
  return [columns, ...rows].map((row) => `${row.map(csvCell).join(',')}\r\n`).join('');
}

function csvCell(cell: Cell): string {
  const text = cell === null ? '' : String(cell);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** A Markdown table: the first column left-aligned, the others right-aligned; null becomes a dash. */
export function toMarkdown({ columns, rows }: Table): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  const cellText = (cell: Cell): string => (cell === null ? '–' : String(cell).replaceAll('|', '\\|'));
  return [
    line(columns),
    line(columns.map((_, column) => (column === 0 ? ':--' : '--:'))),
    ...rows.map((row) => line(row.map(cellText))),
  ].join('\n');
}

/** A number with three significant digits and thousands separators: `12,300`, `1.23`, `0.0123`. */
export function formatNumber(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  // Rounds before it counts digits: 9.999 becomes 10.0.
  const rounded = Number(value.toPrecision(3));
  const digits = rounded === 0 ? 0 : 2 - Math.floor(Math.log10(Math.abs(rounded)));
  const decimals = Math.min(Math.max(digits, 0), 6);
  return rounded.toLocaleString('en-US', {
    minimumFractionDigits: decimals,
    maximumFractionDigits: decimals,
  });
}

/** A mean with half the width of its confidence interval: `1.23 ± 0.04`. */
export function formatEstimate({ mean, margin }: { mean: number; margin: number | null }): string {
  return margin === null ? formatNumber(mean) : `${formatNumber(mean)} ± ${formatNumber(margin)}`;
}

/** What every page says about its run. */
export interface PageHead {
  readonly machine: string;
  /** The command that repeats the run. */
  readonly command: string;
}

export function describeRun({ machine, command }: PageHead): string {
  return `- Machine: ${machine}\n- Repeat with: \`${command}\``;
}
