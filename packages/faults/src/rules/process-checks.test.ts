/** Checks of running processes, and each violation of them. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { checkExits, checkStatuses, type StatusSample } from './process-checks.js';

const sample = (process: string, change: Partial<StatusSample> = {}): StatusSample => {
  return { process, atMs: 1, role: 'follower', term: 1, applied: 5, hash: 'a', ...change };
};

test('checkStatuses accepts one leader per term and equal hashes', () => {
  const samples = [sample('r1', { role: 'leader' }), sample('r2'), sample('r2', { role: 'leader', term: 2 })];
  assert.equal(checkStatuses(samples).problems, []);
});

test('checkStatuses reports two leaders of one term', () => {
  const samples = [sample('r1', { role: 'leader' }), sample('r2', { role: 'leader' })];
  assert.equal(checkStatuses(samples).problems, ['r1 and r2 both led term 1']);
});

test('checkStatuses reports two hashes at one applied index', () => {
  const samples = [sample('r1'), sample('r2', { hash: 'b', applied: 6 }), sample('r1', { applied: 6 })];
  assert.equal(checkStatuses(samples).problems, ['at applied index 6, r2 and r1 had different hashes']);
});

test('checkExits reports a process that exits unexpectedly', () => {
  const end = { process: 'r1', atMs: 12.3, how: 'exit code 70', reason: 'it broke' };
  assert.equal(checkExits([end], new Set()).problems, ['r1 exited (exit code 70) at 12 ms: it broke']);
  assert.match(checkExits([{ ...end, reason: null }], new Set()).problems[0] ?? '', /no reason given/);
  assert.equal(checkExits([end], new Set(['r1'])).problems, []);
});

test.run();
