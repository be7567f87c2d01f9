/** The catalog as a process: what it says when it starts, and its exit codes. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';

/** Nobody listens there. */
const REPLICAS = '1=http://127.0.0.1:9';

const MAIN = fileURLToPath(new URL('./main.js', import.meta.url));

test('a catalog listens, lives without a replica, and stops when it is asked to', async () => {
  try {
    const { child, line } = await running('--replicas', REPLICAS);
    const url = `http://127.0.0.1:${String(line['port'])}`;
    assert.is(line['id'], 'catalog-1');
    assert.is((await fetch(`${url}/livez`)).status, 200);
    assert.is((await fetch(`${url}/readyz`)).status, 503);
    assert.is(await exitCode('--replicas', REPLICAS, '--port', String(line['port'])), 69, 'port taken');
    child.kill('SIGTERM');
    const [code] = (await once(child, 'exit')) as [number | null];
    assert.is(code, 0);
  } finally {
    for (const child of children.splice(0)) child.kill('SIGKILL');
  }
});

test('what cannot be run with ends the process with a code that says why', async () => {
  assert.is(await exitCode(), 64, 'no replicas');
  const replicas = ['--replicas', REPLICAS];
  assert.is(await exitCode('--replicas', 'http://127.0.0.1:9'), 64, 'no list of replicas');
  assert.is(await exitCode(...replicas, '--id', 'orders-1'), 64, 'no id of a catalog');
  assert.is(await exitCode(...replicas, '--url', 'here'), 64, 'no url');
  assert.is(await exitCode(...replicas, '--lease-ms', '500'), 64, 'leases have one length');
  assert.is(await exitCode(...replicas, '--data', '/tmp/none'), 64, 'a catalog has no data folder');
  assert.is(await exitCode(...replicas, '--host', '0.0.0.0'), 64, 'no secret');
});

const children: ChildProcess[] = [];

/** Starts a catalog and waits until it listens. Returns that line of its log. */
async function running(
  ...flags: readonly string[]
): Promise<{ child: ChildProcess; line: Record<string, unknown> }> {
  const child = spawn(process.execPath, [MAIN, ...flags], { stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  for await (const text of createInterface({ input: child.stdout })) {
    const line = JSON.parse(text) as Record<string, unknown>;
    if (line['msg'] !== 'catalog listens') continue;
    child.stdout.resume();
    return { child, line };
  }
  throw new Error('the catalog ended before it listened');
}

async function exitCode(...flags: readonly string[]): Promise<number | null> {
  const child = spawn(process.execPath, [MAIN, ...flags], { stdio: 'ignore' });
  children.push(child);
  const [code] = (await once(child, 'exit')) as [number | null];
  return code;
}

test.run();
