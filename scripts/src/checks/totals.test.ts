import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { addTotals, judgeTestFile, parseTotals, parseTotalsLine, totalsLine } from './totals.js';

const FINE = { code: 0, signal: null, timedOut: false, leftBehind: false };
const uvuOutput = (total: number, passed: number, skipped: number): string =>
  `  (${passed} / ${total})\n\n  Total:     ${total}\n  Passed:    ${passed}\n  Skipped:   ${skipped}\n  Duration:  1.00ms\n\n`;

test('parseTotals reads the last totals of uvu', () => {
  assert.equal(parseTotals(uvuOutput(3, 2, 1)), { passed: 2, failed: 1, skipped: 1 });
  assert.equal(parseTotals(uvuOutput(1, 1, 0) + uvuOutput(5, 5, 0)), { passed: 5, failed: 0, skipped: 0 });
  assert.is(parseTotals('nothing of the kind'), null);
});

test('judgeTestFile finds no problem in a passing file', () => {
  assert.equal(judgeTestFile(uvuOutput(2, 2, 0), FINE), { passed: 2, failed: 0, skipped: 0, problem: null });
});

test('judgeTestFile counts failed tests once', () => {
  assert.equal(judgeTestFile(uvuOutput(3, 1, 0), { ...FINE, code: 1 }).failed, 2);
});

test('judgeTestFile fails tests that did not run because a before hook threw', () => {
  assert.is(judgeTestFile(uvuOutput(4, 0, 0), FINE).failed, 4);
});

test('judgeTestFile fails files that uvu would pass', () => {
  const cases: [string, Parameters<typeof judgeTestFile>[1], RegExp][] = [
    ['', FINE, /\.run\(\) missing/],
    [uvuOutput(0, 0, 0), FINE, /no test/],
    [uvuOutput(2, 2, 0), { ...FINE, code: 1 }, /exit code 1/],
    [uvuOutput(2, 2, 0), { ...FINE, code: null, timedOut: true, signal: 'SIGKILL' }, /left a handle open/],
    ['', { ...FINE, code: null, timedOut: true, signal: 'SIGKILL' }, /timed out/],
    [uvuOutput(2, 2, 0), { ...FINE, code: null, signal: 'SIGSEGV' }, /SIGSEGV/],
    [uvuOutput(2, 2, 0), { ...FINE, leftBehind: true }, /left processes/],
  ];
  for (const [output, ending, problem] of cases) {
    const verdict = judgeTestFile(output, ending);
    assert.is(verdict.failed, 1);
    assert.match(verdict.problem ?? '', problem);
  }
});

test('parseTotalsLine reads the last line that totalsLine wrote', () => {
  const totals = addTotals({ passed: 1, failed: 2, skipped: 0 }, { passed: 3, failed: 0, skipped: 1 });
  assert.is(totalsLine(totals), '4 passed, 2 failed, 1 skipped');
  assert.equal(parseTotalsLine(`x\n9 passed, 9 failed\n${totalsLine(totals)}\n`), totals);
  assert.equal(parseTotalsLine('4 passed, 0 failed'), { passed: 4, failed: 0, skipped: 0 });
  assert.is(parseTotalsLine('passed'), null);
});

test.run();
