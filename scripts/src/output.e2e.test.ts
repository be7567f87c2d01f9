/** A supervisor whose output is not read keeps running, and orders are filled. Uses real processes. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { findFreeBasePort, readClusterFile } from '@trireme/cluster';
import { ROOT } from './root.js';

/** Enough debug log lines to fill every pipe. */
const ORDERS = 600;
const CLIENTS = 20;

interface Context {
  dataDir: string;
  port: number;
  child: ChildProcess | null;
}

const test = suite<Context>('unread output');

test.before.each(async (context) => {
  context.dataDir = mkdtempSync(join(tmpdir(), 'trireme-output-'));
  context.port = await findFreeBasePort();
  context.child = null;
});

test.after.each(({ dataDir, child }) => {
  child?.kill('SIGKILL');
  rmSync(dataDir, { recursive: true, force: true, maxRetries: 20, retryDelay: 500 });
});

async function startReady(
  context: Context,
  ...args: string[]
): Promise<{ child: ChildProcess; output: () => string }> {
  const { dataDir, port } = context;
  const child = spawn(
    process.execPath,
    [join(ROOT, 'scripts/dist/start.js'), '--data', dataDir, '--port', String(port), '--verbose', ...args],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  context.child = child;
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  while (!output.includes('ready http')) {
    assert.is(child.exitCode, null, output);
    await delay(20);
  }
  return { child, output: () => output };
}

async function placeOrder(port: number, requestId: string): Promise<number> {
  const response = await fetch(`http://127.0.0.1:${port}/orders`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-request-id': requestId },
    body: '{"name":"AAPL","type":"sell","quantity":1}',
  });
  await response.arrayBuffer();
  return response.status;
}

/** Places orders; each must be filled. */
async function order({ port }: Context): Promise<void> {
  const statuses = new Set<number>();
  const client = async (): Promise<void> => {
    for (let i = 0; i < ORDERS / CLIENTS; i++) statuses.add(await placeOrder(port, `logged-${i}`));
  };
  await Promise.all(Array.from({ length: CLIENTS }, client));
  assert.equal([...statuses], [200]);
}

test('orders are filled while the console, then also the supervisor, reads no output', async (context) => {
  const { child, output } = await startReady(context, '--log-level', 'debug');
  child.stdout?.pause();
  await order(context);
  child.kill('SIGSTOP');
  await order(context);
  child.kill('SIGCONT');
  child.stdout?.resume();
  // Once the console reads again, it receives the buffered lines.
  while (!/\[frontend-1\] DEBUG command answered/.test(output())) await delay(20);
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  assert.equal(await exited, [0, null]);
});

test('a supervisor without a console notices that a process was killed, and stops in order', async (context) => {
  const { child } = await startReady(context);
  child.stdout?.destroy();
  const frontend = (): number | null =>
    readClusterFile(context.dataDir)?.processes.find(({ id }) => id === 'frontend-1')?.pid ?? null;
  process.kill(frontend() ?? 0, 'SIGKILL');
  while (frontend() !== null) await delay(20);
  assert.is(child.exitCode, null);
  const pids = (readClusterFile(context.dataDir)?.processes ?? []).map(({ pid }) => pid);
  assert.is(pids.filter((pid) => pid !== null).length, 5);
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  assert.equal(await exited, [0, null]);
  assert.ok(readClusterFile(context.dataDir)?.processes.every(({ pid }) => pid === null));
});

test.run();
