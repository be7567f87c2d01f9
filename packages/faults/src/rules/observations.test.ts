/** What must hold of running processes, and each way of breaking it. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { checkEnds, checkStatuses, type StatusSample } from './observations.js';

const sample = (process: string, change: Partial<StatusSample> = {}): StatusSample => {
  return { process, atMs: 1, role: 'follower', term: 1, applied: 5, hash: 'a', ...change };
};

test('one leader a term and equal hashes pass', () => {
  const samples = [sample('r1', { role: 'leader' }), sample('r2'), sample('r2', { role: 'leader', term: 2 })];
  assert.equal(checkStatuses(samples).problems, []);
});

test('two leaders of one term are named', () => {
  const samples = [sample('r1', { role: 'leader' }), sample('r2', { role: 'leader' })];
  assert.equal(checkStatuses(samples).problems, ['r1 and r2 both led term 1']);
});

test('two hashes at one applied index are named', () => {
  const samples = [sample('r1'), sample('r2', { hash: 'b', applied: 6 }), sample('r1', { applied: 6 })];
  assert.equal(checkStatuses(samples).problems, ['at applied index 6, r2 and r1 had different hashes']);
});

test('a process that ends unasked is named, unless it was made unfit', () => {
  const end = { process: 'r1', atMs: 12.3, how: 'exit code 70', reason: 'it broke' };
  assert.equal(checkEnds([end], new Set()).problems, ['r1 ended (exit code 70) at 12 ms: it broke']);
  assert.match(checkEnds([{ ...end, reason: null }], new Set()).problems[0] ?? '', /no reason/);
  assert.equal(checkEnds([end], new Set(['r1'])).problems, []);
});

test.run();
