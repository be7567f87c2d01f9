/** The examples run, and the README shows them as they are. */
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { logStorageConformance } from '@trireme/raft/testing';
import { MemoryStorage, newDisk } from './memory-storage.js';

async function run(example: string): Promise<readonly string[]> {
  const file = fileURLToPath(new URL(`${example}.js`, import.meta.url));
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [file], { timeout: 60_000 });
  assert.is(stderr, '');
  return stdout.trim().split('\n');
}

const sourceOf = async (example: string): Promise<string> =>
  readFile(new URL(`../src/${example}.ts`, import.meta.url), 'utf8');
const README = await readFile(new URL('../../README.md', import.meta.url), 'utf8');

test('the key-value store writes, reads, and reads again after its leader was stopped', async () => {
  assert.equal(await run('key-value'), [
    'ship: trireme oars: 170',
    'leader stopped, ship: trireme oars: 170',
  ]);
});

test('cores that are driven by hand elect a leader and apply what it logs', async () => {
  assert.equal(await run('core-loop'), [
    'a leader is elected',
    'a applied: row, ram, board',
    'b applied: row, ram, board',
    'c applied: row, ram, board',
  ]);
});

test('the README contains the key-value store, which has at most 60 lines', async () => {
  const source = await sourceOf('key-value');
  assert.ok(source.trimEnd().split('\n').length <= 60);
  assert.ok(README.includes(`\`\`\`ts\n${source}\`\`\``));
});

test('the README contains the loop around a core and the suite of a storage', async () => {
  const [, loop = ''] = /^(\/\*\* Does the work.*?\n\}\n)/ms.exec(await sourceOf('core-loop')) ?? [];
  assert.ok(loop.length > 0 && README.includes(loop));
  const [, suite = ''] = /^(import \{ test \}.*)/ms.exec(await sourceOf('storage-conformance')) ?? [];
  assert.ok(suite.length > 0 && README.includes(suite));
});

logStorageConformance({
  test,
  makeFixture: async () => {
    const disk = newDisk();
    const open = async () => Promise.resolve(new MemoryStorage(disk));
    return Promise.resolve({ open, dispose: async () => Promise.resolve() });
  },
});

test.run();
