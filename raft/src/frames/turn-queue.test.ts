/** The order of callbacks at the end of a turn. */
import { execFile } from 'node:child_process';
import { setImmediate } from 'node:timers/promises';
import { promisify } from 'node:util';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { deferWork, deferWrite } from './turn-queue.js';

test('work and writes run at the end of the turn, all work before all writes, including work added by work', async () => {
  const calls: string[] = [];
  deferWrite(() => calls.push('first write'));
  deferWork(() => {
    calls.push('first work');
    deferWrite(() => calls.push('second write'));
    deferWork(() => calls.push('work of work'));
  });
  deferWork(() => calls.push('second work'));
  assert.equal(calls, []);
  await setImmediate();
  assert.equal(calls, ['first work', 'second work', 'work of work', 'first write', 'second write']);
});

test('callbacks added by a write run in the next turn, each once', async () => {
  const calls: string[] = [];
  deferWrite(() => {
    calls.push('write');
    deferWork(() => calls.push('work'));
    deferWrite(() => calls.push('write of write'));
  });
  await setImmediate();
  assert.equal(calls, ['write']);
  await setImmediate();
  await setImmediate();
  assert.equal(calls, ['write', 'work', 'write of write']);
});

const THROWING = `
  const { deferWork, deferWrite } = await import(process.argv[1]);
  process.on('uncaughtException', ({ message }) => console.log('thrown: ' + message));
  deferWork(() => console.log('before'));
  deferWork(() => { throw new Error('broken'); });
  deferWork(() => console.log('after'));
  deferWrite(() => console.log('write'));
`;

test('an exception propagates, and the remaining callbacks run in the next turn', async () => {
  const url = new URL('./turn-queue.js', import.meta.url).href;
  const argv = ['--input-type=module', '--eval', THROWING, url];
  const { stdout } = await promisify(execFile)(process.execPath, argv);
  assert.equal(stdout.trim().split('\n'), ['before', 'thrown: broken', 'after', 'write']);
});

test.run();
