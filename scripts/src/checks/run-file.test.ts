import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ROOT } from '../root.js';
import { runTestFile, type FileRun } from './run-file.js';

const folder = mkdtempSync(join(tmpdir(), 'trireme-run-file-'));
const uvu = join(ROOT, 'node_modules/uvu/dist/index.mjs');

async function run(code: string, timeoutMs = 60_000): Promise<FileRun> {
  const file = join(folder, 'case.mjs');
  writeFileSync(file, `import { test } from ${JSON.stringify(uvu)};\n${code}`);
  return runTestFile({ root: folder, file, timeoutMs, signal: new AbortController().signal });
}

test('a passing file passes', async () => {
  const { verdict } = await run(`test('fine', () => {}); test.run();`);
  assert.equal(verdict, { passed: 1, failed: 0, skipped: 0, problem: null });
});

test('a failing file fails, and its output is kept', async () => {
  const { verdict, output } = await run(`test('bad', () => { throw new Error('told'); }); test.run();`);
  assert.is(verdict.failed, 1);
  assert.match(output, /told/);
});

test('a forgotten run fails', async () => {
  const { verdict } = await run(`test('never', () => {});`);
  assert.match(verdict.problem ?? '', /\.run\(\)/);
});

test('a file that does not exit is killed with what it started, and fails', async () => {
  const { verdict, output, tookMs } = await run(
    `import { spawn } from 'node:child_process';
     const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
     console.log('child ' + child.pid);
     test('fine', () => {}); test.run(); setInterval(() => {}, 1000);`,
    1500,
  );
  assert.match(verdict.problem ?? '', /handle is open/);
  assert.ok(tookMs < 30_000);
  const pid = Number(/child (\d+)/.exec(output)?.[1]);
  assert.ok(pid > 0);
  await untilGone(pid);
});

test('a file that leaves a process behind fails, and the process is ended', async () => {
  const { verdict } = await run(
    `import { spawn } from 'node:child_process';
     spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'inherit' }).unref();
     test('fine', () => {}); test.run();`,
  );
  assert.match(verdict.problem ?? '', /left processes/);
});

async function untilGone(pid: number): Promise<void> {
  for (;;) {
    try {
      process.kill(pid, 0);
    } catch {
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

test.after(() => rmSync(folder, { recursive: true }));

test.run();
