/** Runs the benchmark commands, with minimal sizes, on a real cluster. */
import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { test } from 'uvu';
import * as assert from 'uvu/assert';

const run = promisify(execFile);

const MAIN = fileURLToPath(new URL('main.js', import.meta.url));
const RESULTS = fileURLToPath(new URL('../results', import.meta.url));
const NAME = `test-${process.pid}`;

test.after.each(() => rmSync(join(RESULTS, NAME), { recursive: true, force: true }));

test('--help lists the benchmarks, each with a line', async () => {
  const { stdout } = await run(process.execPath, [MAIN, '--help']);
  for (const name of ['peers', 'sweep', 'load', 'soak', 'restart', 'cost', 'raft']) {
    assert.match(stdout, new RegExp(`^  ${name} .*\\w`, 'm'));
  }
});

test('sweep writes a page, figures and plots, and no other file', async () => {
  const { stdout } = await run(process.execPath, [
    MAIN,
    'sweep',
    '--name',
    NAME,
    '--clients',
    '2',
    '--lookups',
    '5',
    '--repetitions',
    '2',
    '--no-cache-sweep',
  ]);
  assert.match(stdout, '| order read | 100% | off | 20 |');
  const files = readdirSync(join(RESULTS, NAME)).sort();
  assert.equal(files, [
    `${NAME}-distribution.csv`,
    `${NAME}-distribution.png`,
    `${NAME}-distribution.svg`,
    `${NAME}-latency.png`,
    `${NAME}-latency.svg`,
    `${NAME}-runs.csv`,
    `${NAME}.json`,
    `${NAME}.md`,
  ]);
  const page = readFileSync(join(RESULTS, NAME, `${NAME}.md`), 'utf8');
  assert.match(page, 'wrong answers: none');
  const rows = readFileSync(join(RESULTS, NAME, `${NAME}-runs.csv`), 'utf8')
    .trim()
    .split('\r\n');
  assert.is(rows.length, 1 + 6 * 2 * 2 * 3);
});

test('soak reports throughput, and memory of each process', async () => {
  const { stdout } = await run(process.execPath, [MAIN, 'soak', '--name', NAME, '--orders', '1000']);
  assert.match(stdout, '| one thousand orders |');
  for (const name of ['catalog-1', 'catalog-2', 'replica-1', 'replica-2', 'replica-3', 'frontend-1']) {
    assert.match(stdout, new RegExp(`\\| ${name} \\| \\d+ \\| \\d+ \\|`));
  }
  assert.ok(existsSync(join(RESULTS, NAME, `${NAME}-soak.svg`)));
});

test('peers without etcd exits at once and says how to install it', async () => {
  let stderr = '';
  await run(process.execPath, [MAIN, 'peers', '--name', NAME], { env: { PATH: '/nowhere' } }).catch(
    (error: unknown) => (stderr = (error as { stderr: string }).stderr),
  );
  assert.match(stderr, 'error: etcd');
  assert.match(stderr, 'apt-get install etcd-server');
  assert.not.ok(existsSync(join(RESULTS, NAME)));
});

test.run();
