/** Which test files took longest, for the end of a test run. */

/** How long one test file took. */
export interface FileTime {
  readonly file: string;
  readonly tookMs: number;
}

const LINES_MAX = 15;

/** With fewer files, each one's own line says enough. */
const FILES_MIN = 2 * LINES_MAX;

/** @returns a heading and the slowest files, the slowest first; nothing if there are only a few files. */
export function slowestLines(times: readonly FileTime[]): string[] {
  if (times.length < FILES_MIN) return [];
  const slowest = [...times].sort((a, b) => b.tookMs - a.tookMs).slice(0, LINES_MAX);
  const lines = slowest.map(({ file, tookMs }) => `${(tookMs / 1000).toFixed(1).padStart(7)} s  ${file}`);
  return [`slowest of ${times.length} test files:`, ...lines];
}
