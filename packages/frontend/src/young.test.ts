import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { YOUNG_FLAG } from './young.js';

/** As an option of the command an unknown flag is an error, unlike where a running process sets it. */
async function accepts(flag: string): Promise<boolean> {
  return promisify(execFile)(process.execPath, [flag, '--eval', '']).then(
    () => true,
    () => false,
  );
}

test('this Node knows the flag that keeps objects young', async () => {
  assert.is(await accepts(YOUNG_FLAG), true);
  assert.is(await accepts(`${YOUNG_FLAG}-of-no-v8`), false);
});

test.run();
