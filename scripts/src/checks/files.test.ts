import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { isInSuite, testFiles, type TestSuite } from './files.js';
import { ROOT } from '../root.js';

const named = (source: string, suite: TestSuite): boolean => isInSuite({ source, compiled: '' }, suite);

test('unit tests and smoke tests are everyday tests, other end-to-end tests are long', () => {
  for (const source of ['raft/src/a.test.ts', 'scripts/src/a.smoke.e2e.test.ts']) {
    assert.ok(named(source, 'everyday') && named(source, 'all'));
    assert.not(named(source, 'long'));
  }
  assert.ok(named('raft/src/a.e2e.test.ts', 'long') && named('raft/src/a.e2e.test.ts', 'all'));
  assert.not(named('raft/src/a.e2e.test.ts', 'everyday'));
});

test('every test file of the project is in exactly one of the two suites', () => {
  const files = testFiles(ROOT, []);
  const everyday = files.filter((file) => isInSuite(file, 'everyday'));
  const long = files.filter((file) => isInSuite(file, 'long'));
  assert.ok(everyday.length > 200 && long.length > 10);
  assert.is(everyday.length + long.length, files.length);
});

test.run();
