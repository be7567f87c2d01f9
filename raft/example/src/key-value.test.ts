import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { test } from 'uvu';
import * as assert from 'uvu/assert';

const EXAMPLE = fileURLToPath(new URL('key-value.js', import.meta.url));

test('the example writes, reads, and reads again after its leader was stopped', async () => {
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [EXAMPLE], { timeout: 60_000 });
  assert.is(stderr, '');
  assert.equal(stdout.trim().split('\n'), [
    'ship: trireme oars: 170',
    'leader stopped, ship: trireme oars: 170',
  ]);
});

test('the README contains the example, which has at most 60 lines', async () => {
  const source = await readFile(new URL('../src/key-value.ts', import.meta.url), 'utf8');
  const readme = await readFile(new URL('../../README.md', import.meta.url), 'utf8');
  assert.ok(source.trimEnd().split('\n').length <= 60);
  assert.ok(readme.includes(`\`\`\`ts\n${source}\`\`\``));
});

test.run();
