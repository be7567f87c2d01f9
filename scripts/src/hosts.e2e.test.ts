/** `npm run hosts` as a process, for seconds: it does what it says, and leaves nothing behind when it is stopped midway. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { whyNoHosts } from '@trireme/cluster';
import { ROOT } from './root.js';

async function run(args: readonly string[], stopAt?: RegExp): Promise<{ code: number | null; text: string }> {
  const argv = [join(ROOT, 'scripts/dist/hosts.js'), '--clients', '2', ...args];
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

/** What a run would leave behind in the file system. */
function folders(): readonly string[] {
  return readdirSync(tmpdir()).filter((name) => name.startsWith('trireme-hosts-'));
}

const reason = whyNoHosts();
if (reason !== null) {
  console.log(`SKIPPED three hosts: ${reason}`);
  test.skip('three hosts', () => undefined);
} else {
  test('the host that leads is cut off: no request fails, and books and stock are right', async () => {
    const { code, text } = await run(['--seconds', '2', '--tls']);
    assert.is(code, 0, text);
    assert.match(text, /where 3 leads/);
    assert.match(text, /through 2 front-ends, 0 requests failed/);
    assert.match(text, /books of all replicas: identical/);
    assert.match(text, /: right\n/);
  });

  test('stopped while the host is cut off, it removes everything', async () => {
    const before = folders();
    const { code, text } = await run(['--seconds', '60'], /cutting host three off/);
    assert.is(code, 1, text);
    assert.match(text, /processes, hosts and data are removed/);
    assert.equal(folders(), before);
  });
}

test.run();
