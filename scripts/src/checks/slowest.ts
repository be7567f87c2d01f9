/** Lists the slowest test files at the end of a test run. */

/** Duration of one test file. */
export interface FileTime {
  readonly file: string;
  readonly tookMs: number;
}

const LINES_MAX = 15;

/** A run of fewer files has no list. */
const FILES_MIN = 2 * LINES_MAX;

/** @returns a heading and the slowest files, slowest first; nothing for a run of only a few files. */
export function slowestLines(times: readonly FileTime[]): string[] {
  if (times.length < FILES_MIN) return [];
  const slowest = [...times].sort((a, b) => b.tookMs - a.tookMs).slice(0, LINES_MAX);
  const lines = slowest.map(({ file, tookMs }) => `${(tookMs / 1000).toFixed(1).padStart(7)} s  ${file}`);
  return [`slowest of ${times.length} test files:`, ...lines];
}
