/**
 * What a test file says of itself: uvu's totals, read from its output. A file that says nothing (no test, a forgotten
 * `.run()`, an early exit) counts as a failure, since uvu itself would let it pass.
 */

/** Counts of tests. */
export interface Totals {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** How a test process ended. */
export interface Ending {
  /** Exit code, null if a signal ended it. */
  readonly code: number | null;
  readonly signal: string | null;
  /** Whether it was ended because its time was over. */
  readonly timedOut: boolean;
  /** Whether it left processes behind that still held its output open. */
  readonly leftBehind: boolean;
}

/** The verdict on one test file. `problem` says what is wrong beside failed tests, null if nothing. */
export interface Verdict extends Totals {
  readonly problem: string | null;
}

const TOTALS = /^ {2}Total: +(\d+)\n {2}Passed: +(\d+)\n {2}Skipped: +(\d+)$/gm;

/** Reads uvu's last totals from plain output, null if there are none. */
export function parseTotals(output: string): Totals | null {
  const match = [...output.matchAll(TOTALS)].at(-1);
  if (match === undefined) return null;
  const [total, passed, skipped] = match.slice(1).map(Number);
  if (total === undefined || passed === undefined || skipped === undefined) return null;
  // A `before` hook that throws leaves tests neither passed nor failed, and exit code 0: what did not pass failed.
  return { passed, failed: total - passed, skipped };
}

/** Judges a test file by its output and its end. */
export function judge(output: string, ending: Ending): Verdict {
  const totals = parseTotals(output);
  const problem = problemOf(totals, ending);
  const counted = totals ?? { passed: 0, failed: 0, skipped: 0 };
  if (problem === null) return { ...counted, problem };
  return { ...counted, failed: counted.failed + 1, problem };
}

function problemOf(totals: Totals | null, ending: Ending): string | null {
  if (ending.timedOut)
    return totals === null ? 'did not end in time' : 'did not exit after its tests: a handle is open';
  if (ending.signal !== null) return `ended by ${ending.signal}`;
  if (totals === null) return `told no totals (exit code ${ending.code ?? '?'}): is .run() missing?`;
  if (totals.passed + totals.failed + totals.skipped === 0) return 'holds no test';
  if (ending.code !== 0 && totals.failed === 0) return `exit code ${ending.code ?? '?'}`;
  if (ending.leftBehind) return 'left processes running';
  return null;
}

/** Adds counts. */
export function addTotals(a: Totals, b: Totals): Totals {
  return { passed: a.passed + b.passed, failed: a.failed + b.failed, skipped: a.skipped + b.skipped };
}

/** The line that ends every run: `12 passed, 0 failed`, and `, 1 skipped` if any was. */
export function totalsLine(totals: Totals): string {
  const skipped = totals.skipped > 0 ? `, ${totals.skipped} skipped` : '';
  return `${totals.passed} passed, ${totals.failed} failed${skipped}`;
}

/** Reads the last such line from output, null if there is none. */
export function parseTotalsLine(output: string): Totals | null {
  const match = [...output.matchAll(/^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$/gm)].at(-1);
  if (match === undefined) return null;
  return { passed: Number(match[1]), failed: Number(match[2]), skipped: Number(match[3] ?? 0) };
}
