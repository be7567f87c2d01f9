import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { npmScript, triremeCommand, shellLine } from './operator-commands.js';

test('triremeCommand names an existing file, and runs from any folder', () => {
  const command = triremeCommand('--help');
  assert.ok(existsSync(command.split(' ')[1] ?? ''), command);
  assert.match(execFileSync('sh', ['-c', command], { cwd: tmpdir(), encoding: 'utf8' }), /^Usage: trireme /);
});

test('npmScript puts the arguments after --', () => {
  assert.match(npmScript('start', '--data', '/srv/t'), /^npm --prefix \/.* run start -- --data \/srv\/t$/);
  assert.match(npmScript('start'), / run start$/);
});

test('a shell splits the result of shellLine into its words', () => {
  const words = ['a b', "it's", '$HOME', '', '*', 'plain-1.2', '"', '\\', 'é\n'];
  const out = execFileSync('sh', ['-c', shellLine('printf', '%s|', ...words)], { encoding: 'utf8' });
  assert.is(out, words.map((word) => `${word}|`).join(''));
});

test.run();
