/** `npm run faults -- hosts` as a process: a short run, and the cleanup after a stop in the middle of a run. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { hostNetworkProblem } from '@trireme/cluster';

const PROGRAM = fileURLToPath(new URL('../main.js', import.meta.url));

async function run(args: readonly string[], stopAt?: RegExp): Promise<{ code: number | null; text: string }> {
  const argv = [PROGRAM, 'hosts', '--clients', '2', ...args];
  const child = spawn(process.execPath, argv, { stdio: ['ignore', 'pipe', 'pipe'] });
  let text = '';
  let isStopped = false;
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (more: string) => {
      text += more;
      if (isStopped || stopAt?.test(text) !== true) return;
      isStopped = true;
      child.kill('SIGTERM');
    });
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, text };
}

/** Folders of runs in the file system. */
function folders(): readonly string[] {
  return readdirSync(tmpdir()).filter((name) => name.startsWith('trireme-hosts-'));
}

const reason = hostNetworkProblem();
if (reason !== null) {
  console.log(`SKIPPED npm run faults -- hosts: ${reason}`);
  test.skip('npm run faults -- hosts', () => undefined);
} else {
  test('no request fails while the host of the leader is isolated, and books and stock are correct', async () => {
    const { code, text } = await run(['--seconds', '2', '--tls']);
    assert.is(code, 0, text);
    assert.match(text, /whose replica 3 leads/);
    assert.match(text, /through 2 front-ends, 0 requests failed/);
    assert.match(text, /order books of all replicas: identical/);
    assert.match(text, /: correct\n/);
  });

  test('a run that is stopped while the host is isolated removes everything', async () => {
    const before = folders();
    const { code, text } = await run(['--seconds', '60'], /isolating host three/);
    assert.is(code, 1, text);
    assert.match(text, /removed all processes, hosts and data/);
    assert.equal(folders(), before);
  });
}

test.run();
