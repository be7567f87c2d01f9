import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ROOT } from '../root.js';
import { runTestFile, type TestFileResult } from './run-file.js';

const folder = mkdtempSync(join(tmpdir(), 'trireme-run-file-'));
const uvu = join(ROOT, 'node_modules/uvu/dist/index.mjs');

async function run(code: string, timeoutMs = 60_000): Promise<TestFileResult> {
  const file = join(folder, 'case.mjs');
  writeFileSync(file, `import { test } from ${JSON.stringify(uvu)};\n${code}`);
  return runTestFile({ root: folder, file, timeoutMs, signal: new AbortController().signal });
}

test('runTestFile passes a file whose tests pass', async () => {
  const { verdict } = await run(`test('fine', () => {}); test.run();`);
  assert.equal(verdict, { passed: 1, failed: 0, skipped: 0, problem: null });
});

test('runTestFile fails a file whose test fails, and keeps its output', async () => {
  const { verdict, output } = await run(`test('bad', () => { throw new Error('reason'); }); test.run();`);
  assert.is(verdict.failed, 1);
  assert.match(output, /reason/);
});

test('runTestFile fails a file without a call of run', async () => {
  const { verdict } = await run(`test('never', () => {});`);
  assert.match(verdict.problem ?? '', /\.run\(\)/);
});

test('runTestFile kills a file that does not exit together with its children, and fails it', async () => {
  const { verdict, output, tookMs } = await run(
    `import { spawn } from 'node:child_process';
     const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
     console.log('child ' + child.pid);
     test('fine', () => {}); test.run(); setInterval(() => {}, 1000);`,
    1500,
  );
  assert.match(verdict.problem ?? '', /left a handle open/);
  assert.ok(tookMs < 30_000);
  const pid = Number(/child (\d+)/.exec(output)?.[1]);
  assert.ok(pid > 0);
  await untilEnded(pid);
});

test('runTestFile kills a process that a file leaves running, and fails the file', async () => {
  const { verdict } = await run(
    `import { spawn } from 'node:child_process';
     spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'inherit' }).unref();
     test('fine', () => {}); test.run();`,
  );
  assert.match(verdict.problem ?? '', /left processes/);
});

async function untilEnded(pid: number): Promise<void> {
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
