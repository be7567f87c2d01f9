/** Results as CSV and Markdown, and numbers as people read them. */

export type Cell = string | number | null;

/** A table whose rows all have the same columns. */
export interface Table {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly Cell[])[];
}

/** CSV by RFC 4180: CRLF, and quotes where a cell needs them; null is an empty cell. */
export function toCsv({ columns, rows }: Table): string {
  return [columns, ...rows].map((row) => `${row.map(csvCell).join(',')}\r\n`).join('');
}

function csvCell(cell: Cell): string {
  const text = cell === null ? '' : String(cell);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** A Markdown table: the first column to the left, the others to the right; null is a dash. */
export function toMarkdown({ columns, rows }: Table): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  const cellText = (cell: Cell): string => (cell === null ? '–' : String(cell).replaceAll('|', '\\|'));
  return [
    line(columns),
    line(columns.map((_, column) => (column === 0 ? ':--' : '--:'))),
    ...rows.map((row) => line(row.map(cellText))),
  ].join('\n');
}

/** A number to three significant digits, thousands set apart: `12,300`, `1.23`, `0.0123`. */
export function formatNumber(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  // Rounded before its digits are counted: 9.999 has as many as 10.0.
  const rounded = Number(value.toPrecision(3));
  const digits = rounded === 0 ? 0 : 2 - Math.floor(Math.log10(Math.abs(rounded)));
  const decimals = Math.min(Math.max(digits, 0), 6);
  return rounded.toLocaleString('en-US', {
    minimumFractionDigits: decimals,
    maximumFractionDigits: decimals,
  });
}

/** A mean with the half width of its interval: `1.23 ± 0.04`. */
export function formatEstimate({ mean, margin }: { mean: number; margin: number | null }): string {
  return margin === null ? formatNumber(mean) : `${formatNumber(mean)} ± ${formatNumber(margin)}`;
}
