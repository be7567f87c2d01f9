/** Combining several fault environments of one process. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { combineEnvironments } from './fault-environment.js';

test('combineEnvironments joins preloaded libraries and variables, and nests wrappers', () => {
  const slow = { env: { LD_PRELOAD: '/slow.so', SLOW: '1' } };
  const wrong = { env: { LD_PRELOAD: '/wrong.so', WRONG: '2' }, wrapper: ['nice'] };
  assert.equal(combineEnvironments([slow, wrong, { wrapper: ['strace', '-f'] }]), {
    env: { LD_PRELOAD: '/slow.so:/wrong.so', SLOW: '1', WRONG: '2' },
    wrapper: ['nice', 'strace', '-f'],
  });
});

test('combineEnvironments without preloaded libraries sets no LD_PRELOAD', () => {
  assert.equal(combineEnvironments([{ env: { SLOW: '1' } }]), { env: { SLOW: '1' }, wrapper: [] });
  assert.equal(combineEnvironments([]), { env: {}, wrapper: [] });
});

test.run();
