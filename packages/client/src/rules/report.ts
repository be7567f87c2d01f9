/** Formats the report of the shoppers. */

/** Request types, in the order of the report. */
export const REQUEST_TYPES = ['lookup', 'order', 'order read'] as const;

export type RequestType = (typeof REQUEST_TYPES)[number];

/** Latencies of one request type, in milliseconds, over all answered requests. */
export interface LatencySummary {
  readonly count: number;
  readonly mean: number;
  readonly p50: number;
  readonly p99: number;
}

export interface ShoppingReport {
  readonly latency: Readonly<Record<RequestType, LatencySummary>>;
  /** Number of failed requests by `request type: error status`. */
  readonly failures: ReadonlyMap<string, number>;
  /** Number of filled orders. */
  readonly filled: number;
  /** Number of orders that were rejected for insufficient stock; these are not failures. */
  readonly rejected: number;
  /** Differences between orders as placed and as read back, one line each. */
  readonly mismatches: readonly string[];
}

/** Maximum number of mismatches in the report; further ones are only counted. */
const MISMATCHES_SHOWN_MAX = 20;

/** Whether no request failed and every order was read back as it was placed. */
export function hasNoFailures(report: ShoppingReport): boolean {
  return report.failures.size === 0 && report.mismatches.length === 0;
}

/** Formats the report as a table with totals below, without a final line break. */
export function formatReport(report: ShoppingReport): string {
  const head = ['request', 'count', 'mean ms', 'p50 ms', 'p99 ms'];
  const rows = REQUEST_TYPES.map((type) => {
    const { count, mean, p50, p99 } = report.latency[type];
    return [type, String(count), ...[mean, p50, p99].map((ms) => (count === 0 ? '-' : ms.toFixed(2)))];
  });
  const failed = [...report.failures.values()].reduce((sum, count) => sum + count, 0);
  const { mismatches } = report;
  const more = mismatches.length - MISMATCHES_SHOWN_MAX;
  return [
    ...formatTable([head, ...rows]),
    '',
    `orders: ${report.filled} filled, ${report.rejected} rejected`,
    `failed requests: ${failed}`,
    ...[...report.failures].map(([what, count]) => `  ${what}: ${count}`),
    `mismatches: ${mismatches.length}`,
    ...mismatches.slice(0, MISMATCHES_SHOWN_MAX).map((line) => `  ${line}`),
    ...(more > 0 ? [`  and ${more} more`] : []),
  ].join('\n');
}

/** Aligns the first column to the left and the numbers to the right. */
function formatTable(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  return rows.map((row) =>
    row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join('  '),
  );
}
