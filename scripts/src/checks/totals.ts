/**
 * Reads uvu's totals from the output of a test file. A file without totals (no test, a forgotten `.run()`, an early
 * exit) counts as failed; uvu itself would let it pass.
 */

/** Counts of tests. */
export interface Totals {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** How a test process ended. */
export interface TestProcessEnd {
  /** Exit code; null if a signal ended the process. */
  readonly code: number | null;
  readonly signal: string | null;
  /** Whether it was killed at its time limit. */
  readonly timedOut: boolean;
  /** Whether it left processes running that kept its output open. */
  readonly leftBehind: boolean;
}

/** Verdict on one test file. `problem` says what is wrong besides failed tests; null if nothing is. */
export interface TestFileVerdict extends Totals {
  readonly problem: string | null;
}

const TOTALS = /^ {2}Total: +(\d+)\n {2}Passed: +(\d+)\n {2}Skipped: +(\d+)$/gm;

/** Reads uvu's last totals from plain output; null if there are none. */
export function parseTotals(output: string): Totals | null {
  const match = [...output.matchAll(TOTALS)].at(-1);
  if (match === undefined) return null;
  const [total, passed, skipped] = match.slice(1).map(Number);
  if (total === undefined || passed === undefined || skipped === undefined) return null;
  // A `before` hook that throws leaves tests neither passed nor failed, with exit code 0: count them as failed.
  return { passed, failed: total - passed, skipped };
}

/** Judges a test file by its output and how its process ended. */
export function judgeTestFile(output: string, ending: TestProcessEnd): TestFileVerdict {
  const totals = parseTotals(output);
  const problem = problemOf(totals, ending);
  const counted = totals ?? { passed: 0, failed: 0, skipped: 0 };
  if (problem === null) return { ...counted, problem };
  return { ...counted, failed: counted.failed + 1, problem };
}

function problemOf(totals: Totals | null, ending: TestProcessEnd): string | null {
  if (ending.timedOut)
    return totals === null ? 'timed out' : 'did not exit after its tests: it left a handle open';
  if (ending.signal !== null) return `killed by ${ending.signal}`;
  if (totals === null) return `printed no totals (exit code ${ending.code ?? '?'}): is .run() missing?`;
  if (totals.passed + totals.failed + totals.skipped === 0) return 'contains no test';
  if (ending.code !== 0 && totals.failed === 0) return `exit code ${ending.code ?? '?'}`;
  if (ending.leftBehind) return 'left processes running';
  return null;
}

/** Adds two counts. */
export function addTotals(a: Totals, b: Totals): Totals {
  return { passed: a.passed + b.passed, failed: a.failed + b.failed, skipped: a.skipped + b.skipped };
}

/** The last line of every run: `12 passed, 0 failed`, followed by `, 1 skipped` if any test was skipped. */
export function totalsLine(totals: Totals): string {
  const skipped = totals.skipped > 0 ? `, ${totals.skipped} skipped` : '';
  return `${totals.passed} passed, ${totals.failed} failed${skipped}`;
}

/** Reads the last such line from output; null if there is none. */
export function parseTotalsLine(output: string): Totals | null {
  const match = [...output.matchAll(/^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$/gm)].at(-1);
  if (match === undefined) return null;
  return { passed: Number(match[1]), failed: Number(match[2]), skipped: Number(match[3] ?? 0) };
}
