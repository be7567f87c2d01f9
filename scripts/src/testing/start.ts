/** Tests of `npm start`: each has its own data folder and ports, and starts scripts of the repository. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { suite, type Test } from 'uvu';
import * as assert from 'uvu/assert';
import { findFreeBasePort } from '@trireme/cluster';
import { ROOT } from '../root.js';

/** A program that runs. */
export interface Started {
  readonly child: ChildProcess;
  output(): string;
  ended: Promise<number | null>;
}

/** The data folder and the programs of one test, which end with it. */
export interface StartContext {
  dataDir: string;
  port: number;
  running: Started[];
}

/** A suite in which each test has its own data folder and ports. */
export function startSuite(name: string): Test<StartContext> {
  const test = suite<StartContext>(name);
  test.before.each(async (context) => {
    context.dataDir = mkdtempSync(join(tmpdir(), 'trireme-e2e-'));
    context.port = await findFreeBasePort(3, 2);
    context.running = [];
  });
  test.after.each(async ({ running, dataDir }) => {
    for (const { child, ended } of running) {
      child.kill('SIGTERM');
      await ended;
    }
    rmSync(dataDir, { recursive: true });
  });
  return test;
}

/** Starts a script of the repository. */
export function run(script: string, ...args: string[]): Started {
  const child = spawn(process.execPath, [join(ROOT, script), ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => (output += text));
  }
  const ended = once(child, 'close').then(([code]) => code as number | null);
  return { child, output: () => output, ended };
}

/** Runs a script to its end, which must be a success. @returns its output */
export async function runToEnd(script: string, ...args: string[]): Promise<string> {
  const started = run(script, ...args);
  const code = await started.ended;
  assert.is(code, 0, `${script} ${args.join(' ')}: ${started.output()}`);
  return started.output();
}

/** Runs `npm start` without npm, with two front-ends, until both are ready. */
export async function startCluster(context: StartContext, ...args: string[]): Promise<Started> {
  const started = run(
    'scripts/dist/start.js',
    ...['--data', context.dataDir, '--port', String(context.port), '--frontends', '2', '--verbose', ...args],
  );
  context.running.push(started);
  while (!started.output().includes(`ready http://127.0.0.1:${context.port + 1}\n`)) {
    assert.is(started.child.exitCode, null, started.output());
    await delay(20);
  }
  return started;
}
