import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { npmScript, operatorCommand, shellLine } from './commands.js';

test('the operator’s command is a file that is there, and runs from any folder', () => {
  const command = operatorCommand('--help');
  assert.ok(existsSync(command.split(' ')[1] ?? ''), command);
  assert.match(execFileSync('sh', ['-c', command], { cwd: tmpdir(), encoding: 'utf8' }), /^Usage: trireme /);
});

test('a script’s arguments come behind --', () => {
  assert.match(npmScript('start', '--data', '/srv/t'), /^npm --prefix \/.* run start -- --data \/srv\/t$/);
  assert.match(npmScript('start'), / run start$/);
});

test('a shell splits a line into the words that it was made of', () => {
  const words = ['a b', "it's", '$HOME', '', '*', 'plain-1.2', '"', '\\', 'é\n'];
  const out = execFileSync('sh', ['-c', shellLine('printf', '%s|', ...words)], { encoding: 'utf8' });
  assert.is(out, words.map((word) => `${word}|`).join(''));
});

test.run();
