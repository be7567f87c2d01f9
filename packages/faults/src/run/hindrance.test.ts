/** Hindrances that come together: none of them takes another one's place. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { together } from './hindrance.js';

test('libraries are all preloaded, other variables are joined, and wrappers run one in the other', () => {
  const slow = { env: { LD_PRELOAD: '/slow.so', SLOW: '1' } };
  const wrong = { env: { LD_PRELOAD: '/wrong.so', WRONG: '2' }, wrapper: ['nice'] };
  assert.equal(together([slow, wrong, { wrapper: ['strace', '-f'] }]), {
    env: { LD_PRELOAD: '/slow.so:/wrong.so', SLOW: '1', WRONG: '2' },
    wrapper: ['nice', 'strace', '-f'],
  });
});

test('where nothing is preloaded there is no such variable', () => {
  assert.equal(together([{ env: { SLOW: '1' } }]), { env: { SLOW: '1' }, wrapper: [] });
  assert.equal(together([]), { env: {}, wrapper: [] });
});

test.run();
