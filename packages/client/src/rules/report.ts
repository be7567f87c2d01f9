/** The shoppers' report as text. */

/** Request types in the order in which they are told. */
export const REQUEST_TYPES = ['lookup', 'order', 'order read'] as const;

export type RequestType = (typeof REQUEST_TYPES)[number];

/** Latencies of one request type, in milliseconds, over all answered requests. */
export interface Latency {
  readonly count: number;
  readonly mean: number;
  readonly p50: number;
  readonly p99: number;
}

export interface Report {
  readonly latency: Readonly<Record<RequestType, Latency>>;
  /** Failed requests by `request type: status word`. */
  readonly failures: ReadonlyMap<string, number>;
  /** Orders that were filled. */
  readonly filled: number;
  /** Orders that were refused for want of stock, which is an answer and no failure. */
  readonly rejected: number;
  /** What was not as it was told, one line each. */
  readonly mismatches: readonly string[];
}

/** Mismatches that are told one by one; of the others the number. */
const MISMATCHES_TOLD_MAX = 20;

/** Whether every request was answered and every order is as it was placed. */
export function isClean(report: Report): boolean {
  return report.failures.size === 0 && report.mismatches.length === 0;
}

/** The table and what is below it, without an end of line. */
export function formatReport(report: Report): string {
  const head = ['request', 'count', 'mean ms', 'p50 ms', 'p99 ms'];
  const rows = REQUEST_TYPES.map((type) => {
    const { count, mean, p50, p99 } = report.latency[type];
    return [type, String(count), ...[mean, p50, p99].map((ms) => (count === 0 ? '-' : ms.toFixed(2)))];
  });
  const failed = [...report.failures.values()].reduce((sum, count) => sum + count, 0);
  const { mismatches } = report;
  const more = mismatches.length - MISMATCHES_TOLD_MAX;
  return [
    ...formatTable([head, ...rows]),
    '',
    `orders: ${report.filled} filled, ${report.rejected} rejected`,
    `failed requests: ${failed}`,
    ...[...report.failures].map(([what, count]) => `  ${what}: ${count}`),
    `mismatches: ${mismatches.length}`,
    ...mismatches.slice(0, MISMATCHES_TOLD_MAX).map((line) => `  ${line}`),
    ...(more > 0 ? [`  and ${more} more`] : []),
  ].join('\n');
}

/** Aligns columns: the first to the left, numbers to the right. */
function formatTable(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  return rows.map((row) =>
    row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join('  '),
  );
}
