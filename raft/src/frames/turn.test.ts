/** The order of what is due at the end of a turn. */
import { execFile } from 'node:child_process';
import { setImmediate } from 'node:timers/promises';
import { promisify } from 'node:util';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { workAtTurnEnd, writeAtTurnEnd } from './turn.js';

test('nothing is called at once; work comes before writes, also work that work adds, each in its order', async () => {
  const calls: string[] = [];
  writeAtTurnEnd(() => calls.push('first write'));
  workAtTurnEnd(() => {
    calls.push('first work');
    writeAtTurnEnd(() => calls.push('second write'));
    workAtTurnEnd(() => calls.push('work of work'));
  });
  workAtTurnEnd(() => calls.push('second work'));
  assert.equal(calls, []);
  await setImmediate();
  assert.equal(calls, ['first work', 'second work', 'work of work', 'first write', 'second write']);
});

test('what a write adds waits for the next turn, and each is called once', async () => {
  const calls: string[] = [];
  writeAtTurnEnd(() => {
    calls.push('write');
    workAtTurnEnd(() => calls.push('work'));
    writeAtTurnEnd(() => calls.push('write of write'));
  });
  await setImmediate();
  assert.equal(calls, ['write']);
  await setImmediate();
  await setImmediate();
  assert.equal(calls, ['write', 'work', 'write of write']);
});

const THROWING = `
  const { workAtTurnEnd, writeAtTurnEnd } = await import(process.argv[1]);
  process.on('uncaughtException', ({ message }) => console.log('thrown: ' + message));
  workAtTurnEnd(() => console.log('before'));
  workAtTurnEnd(() => { throw new Error('broken'); });
  workAtTurnEnd(() => console.log('after'));
  writeAtTurnEnd(() => console.log('write'));
`;

test('what is thrown goes through, and the rest is done in the next turn', async () => {
  const url = new URL('./turn.js', import.meta.url).href;
  const argv = ['--input-type=module', '--eval', THROWING, url];
  const { stdout } = await promisify(execFile)(process.execPath, argv);
  assert.equal(stdout.trim().split('\n'), ['before', 'thrown: broken', 'after', 'write']);
});

test.run();
