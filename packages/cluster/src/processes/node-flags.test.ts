import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { NODE_FLAGS } from './node-flags.js';

/** Node does not start with an unknown flag. */
async function starts(flags: readonly string[]): Promise<boolean> {
  return promisify(execFile)(process.execPath, [...flags, '--eval', '']).then(
    () => true,
    () => false,
  );
}

test('NODE_FLAGS are known to this Node', async () => {
  for (const flag of NODE_FLAGS) assert.is(await starts([flag]), true, flag);
  assert.is(await starts(NODE_FLAGS), true);
  assert.is(await starts(['--max-semi-space-size-of-no-v8=16']), false);
});

test.run();
