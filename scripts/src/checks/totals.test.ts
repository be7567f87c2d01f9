import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { addTotals, judge, parseTotals, parseTotalsLine, totalsLine } from './totals.js';

const FINE = { code: 0, signal: null, timedOut: false, leftBehind: false };
const said = (total: number, passed: number, skipped: number): string =>
  `  (${passed} / ${total})\n\n  Total:     ${total}\n  Passed:    ${passed}\n  Skipped:   ${skipped}\n  Duration:  1.00ms\n\n`;

test('totals are read from what uvu prints, the last ones where there are several', () => {
  assert.equal(parseTotals(said(3, 2, 1)), { passed: 2, failed: 1, skipped: 1 });
  assert.equal(parseTotals(said(1, 1, 0) + said(5, 5, 0)), { passed: 5, failed: 0, skipped: 0 });
  assert.is(parseTotals('nothing of the kind'), null);
});

test('a passing file has no problem', () => {
  assert.equal(judge(said(2, 2, 0), FINE), { passed: 2, failed: 0, skipped: 0, problem: null });
});

test('failed tests are counted once', () => {
  assert.equal(judge(said(3, 1, 0), { ...FINE, code: 1 }).failed, 2);
});

test('tests that a throwing before-hook kept from running have failed, though uvu exits 0', () => {
  assert.is(judge(said(4, 0, 0), FINE).failed, 4);
});

test('what uvu lets pass fails here', () => {
  const cases: [string, Parameters<typeof judge>[1], RegExp][] = [
    ['', FINE, /\.run\(\) missing/],
    [said(0, 0, 0), FINE, /no test/],
    [said(2, 2, 0), { ...FINE, code: 1 }, /exit code 1/],
    [said(2, 2, 0), { ...FINE, code: null, timedOut: true, signal: 'SIGKILL' }, /handle is open/],
    ['', { ...FINE, code: null, timedOut: true, signal: 'SIGKILL' }, /did not end in time/],
    [said(2, 2, 0), { ...FINE, code: null, signal: 'SIGSEGV' }, /SIGSEGV/],
    [said(2, 2, 0), { ...FINE, leftBehind: true }, /left processes/],
  ];
  for (const [output, ending, problem] of cases) {
    const verdict = judge(output, ending);
    assert.is(verdict.failed, 1);
    assert.match(verdict.problem ?? '', problem);
  }
});

test('the last line is written and read back', () => {
  const totals = addTotals({ passed: 1, failed: 2, skipped: 0 }, { passed: 3, failed: 0, skipped: 1 });
  assert.is(totalsLine(totals), '4 passed, 2 failed, 1 skipped');
  assert.equal(parseTotalsLine(`x\n9 passed, 9 failed\n${totalsLine(totals)}\n`), totals);
  assert.equal(parseTotalsLine('4 passed, 0 failed'), { passed: 4, failed: 0, skipped: 0 });
  assert.is(parseTotalsLine('passed'), null);
});

test.run();
