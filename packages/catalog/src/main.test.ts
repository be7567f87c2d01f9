/** Tests of the catalog process: start, stop and exit codes. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';

/** No process listens on this port. */
const REPLICAS = '1=http://127.0.0.1:9';

const MAIN = fileURLToPath(new URL('./main.js', import.meta.url));

test('starts without a reachable replica, and exits with 0 on SIGTERM', async () => {
  try {
    const { child, line } = await startCatalog('--replicas', REPLICAS);
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

test('exits with 64 if an option is missing or invalid', async () => {
  assert.is(await exitCode(), 64, 'no --replicas');
  const replicas = ['--replicas', REPLICAS];
  assert.is(await exitCode('--replicas', 'http://127.0.0.1:9'), 64, 'malformed --replicas');
  assert.is(await exitCode(...replicas, '--id', 'orders-1'), 64, 'not a catalog id');
  assert.is(await exitCode(...replicas, '--url', 'here'), 64, 'invalid --url');
  assert.is(await exitCode(...replicas, '--lease-ms', '500'), 64, 'unknown option');
  assert.is(await exitCode(...replicas, '--data', '/tmp/none'), 64, 'unknown option: no data folder');
  assert.is(await exitCode(...replicas, '--host', '0.0.0.0'), 64, 'no secret beyond loopback');
});

const children: ChildProcess[] = [];

/** Starts a catalog and waits until it is listening. Returns the log line that says so. */
async function startCatalog(
  ...flags: readonly string[]
): Promise<{ child: ChildProcess; line: Record<string, unknown> }> {
  const child = spawn(process.execPath, [MAIN, ...flags], { stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  for await (const text of createInterface({ input: child.stdout })) {
    const line = JSON.parse(text) as Record<string, unknown>;
    if (line['msg'] !== 'catalog is listening') continue;
    child.stdout.resume();
    return { child, line };
  }
  throw new Error('the catalog exited before it was listening');
}

async function exitCode(...flags: readonly string[]): Promise<number | null> {
  const child = spawn(process.execPath, [MAIN, ...flags], { stdio: 'ignore' });
  children.push(child);
  const [code] = (await once(child, 'exit')) as [number | null];
  return code;
}

test.run();
