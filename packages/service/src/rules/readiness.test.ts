import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { isVerbose, firstProblem, verboseChecks } from './readiness.js';

const CHECKS = [
  { name: 'running', problem: null },
  { name: 'leader', problem: 'no leader is known' },
  { name: 'catalog', problem: 'no link' },
];

test('firstProblem returns the problem of the first condition that is not met', () => {
  assert.is(firstProblem(CHECKS), 'no leader is known');
  assert.is(firstProblem([{ name: 'running', problem: null }]), null);
  assert.is(firstProblem([]), null);
});

test('verboseChecks lists every condition, for a target with ?verbose', () => {
  assert.equal(verboseChecks(CHECKS.slice(0, 2)), {
    checks: [
      { name: 'running', ok: true, problem: null },
      { name: 'leader', ok: false, problem: 'no leader is known' },
    ],
  });
  for (const target of ['/readyz?verbose', '/readyz/?verbose=1', '/readyz?x&verbose']) {
    assert.ok(isVerbose(target), target);
  }
  for (const target of ['/readyz', '/readyz?', '/readyz?verboseness', '/verbose']) {
    assert.not.ok(isVerbose(target), target);
  }
});

test.run();
