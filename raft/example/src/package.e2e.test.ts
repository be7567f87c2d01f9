/** Packs the library as for publication, installs it into an empty folder, and runs the example on it. */
import { execFile } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { test } from 'uvu';
import * as assert from 'uvu/assert';

const LIBRARY = fileURLToPath(new URL('../..', import.meta.url));
const EXAMPLE = fileURLToPath(new URL('key-value.js', import.meta.url));
const NPM_MS_MAX = 180_000;

/** Errors of npm without a network. */
const UNREACHABLE = /\b(ENOTCACHED|ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ENETUNREACH|ETIMEDOUT)\b/;

const run = promisify(execFile);

async function npm(cwd: string, ...argv: string[]): Promise<string> {
  return (await run('npm', argv, { cwd, timeout: NPM_MS_MAX })).stdout;
}

const IMPORTS = `
import * as raft from '@trireme/raft';
import * as frames from '@trireme/raft/frames';
console.log(typeof raft.RaftNode, typeof raft.RaftCore, typeof frames.FrameConnection);
await import('@trireme/raft/dist/node.js').catch(({ code }) => console.log(code));
`;

test('the packed library contains no tests, installs into an empty folder and works there', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'raft-package-'));
  try {
    const packed = await npm(LIBRARY, 'pack', '--json', '--pack-destination', folder);
    const [archive] = JSON.parse(packed) as { filename: string; files: { path: string }[] }[];
    const files = archive?.files.map(({ path }) => path) ?? [];
    for (const file of ['dist/index.js', 'dist/index.d.ts', 'dist/testing.js', 'README.md', 'LICENSE']) {
      assert.ok(files.includes(file), `${file} is not packed`);
    }
    assert.equal(
      files.filter((file) => /\.test\.|\/testing\/|tsbuildinfo|^(sim|bench|example)\//.test(file)),
      [],
    );

    const home = join(folder, 'home');
    await mkdir(home);
    await writeFile(join(home, 'package.json'), '{ "private": true, "type": "module" }\n');
    const flags = ['--prefer-offline', '--no-audit', '--no-fund', '--fetch-retries=1'];
    try {
      await npm(home, 'install', ...flags, join(folder, archive?.filename ?? ''));
    } catch (error) {
      if (!UNREACHABLE.test(String(error))) throw error;
      console.log(
        'SKIPPED the installation: the dependencies are not in the npm cache, and no registry is reachable',
      );
      return;
    }
    await writeFile(join(home, 'imports.js'), IMPORTS);
    const imports = await run(process.execPath, ['imports.js'], { cwd: home });
    assert.is(imports.stdout.trim(), 'function function function\nERR_PACKAGE_PATH_NOT_EXPORTED');
    await copyFile(EXAMPLE, join(home, 'key-value.js'));
    const example = await run(process.execPath, ['key-value.js'], { cwd: home, timeout: 60_000 });
    assert.is(example.stderr, '');
    assert.match(example.stdout, /^leader stopped, ship: trireme oars: 170$/m);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

test.run();
