/** The entry points load no more than they need, and the README lists every error code. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { test } from 'uvu';
import * as assert from 'uvu/assert';

const SOURCE = fileURLToPath(new URL('../src/', import.meta.url));

/** Loads an entry point from a folder without node_modules, and returns which network modules of Node it loads. */
async function loadAlone(folder: string, entry: string): Promise<string> {
  const script = join(folder, 'load.mjs');
  // `moduleLoadList` names every built-in module that the process has loaded.
  await writeFile(
    script,
    `await import('./dist/${entry}.js');
    console.log(process.moduleLoadList.filter((name) => /^NativeModule (http|https|tls)$/.test(name)).join(' '));`,
  );
  return (await promisify(execFile)(process.execPath, [script])).stdout.trim();
}

test('the core, the driver and the suites load without dependencies and network modules, frames without dependencies', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'raft-alone-'));
  try {
    await cp(fileURLToPath(new URL('.', import.meta.url)), join(folder, 'dist'), { recursive: true });
    await writeFile(join(folder, 'package.json'), '{ "type": "module" }');
    assert.is(await loadAlone(folder, 'index'), '');
    assert.is(await loadAlone(folder, 'testing'), '');
    assert.match(await loadAlone(folder, 'frames/index'), 'NativeModule https');
    const missing = { level: 'level', http: 'msgpackr' };
    for (const [entry, dependency] of Object.entries(missing)) {
      const error = await loadAlone(folder, entry).catch(String);
      assert.match(error, `Cannot find package '${dependency}'`);
    }
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('the README lists exactly the error codes that exist', () => {
  const errors = readFileSync(`${SOURCE}core/errors.ts`, 'utf8');
  const readme = readFileSync(`${SOURCE}../README.md`, 'utf8');
  const codes = [...errors.matchAll(/^ {2}\| '([A-Z_]+)'/gm)].map(([, code]) => code);
  const listed = [...readme.matchAll(/^\| `([A-Z_]+)`/gm)].map(([, code]) => code);
  assert.ok(codes.length > 10);
  assert.equal(listed.sort(), codes.sort());
});

test.run();
