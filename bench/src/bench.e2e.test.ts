/** The benchmarks as a person calls them, as small as they go, on a real cluster. */
import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { test } from 'uvu';
import * as assert from 'uvu/assert';

const run = promisify(execFile);

const DIST = fileURLToPath(new URL('.', import.meta.url));
const RESULTS = join(DIST, '..', 'results');
const NAME = `test-${process.pid}`;

test.after.each(() => rmSync(join(RESULTS, NAME), { recursive: true, force: true }));

test('the sweep leaves a page, figures and plots, and nothing else', async () => {
  const { stdout } = await run(process.execPath, [
    ...[join(DIST, 'sweep.js'), '--name', NAME, '--clients', '2', '--lookups', '5', '--repetitions', '2'],
    '--no-cache-sweep',
  ]);
  assert.match(stdout, '| order read | 100% | off | 20 |');
  const files = readdirSync(join(RESULTS, NAME)).sort();
  assert.equal(files, [
    ...[`${NAME}-distribution.csv`, `${NAME}-distribution.png`, `${NAME}-distribution.svg`],
    ...[`${NAME}-latency.png`, `${NAME}-latency.svg`, `${NAME}-runs.csv`, `${NAME}.json`, `${NAME}.md`],
  ]);
  const page = readFileSync(join(RESULTS, NAME, `${NAME}.md`), 'utf8');
  assert.match(page, 'wrong answers: none');
  const rows = readFileSync(join(RESULTS, NAME, `${NAME}-runs.csv`), 'utf8')
    .trim()
    .split('\r\n');
  assert.is(rows.length, 1 + 6 * 2 * 2 * 3);
});

test('a long run tells throughput and memory of each process', async () => {
  const { stdout } = await run(process.execPath, [
    ...[join(DIST, 'soak.js'), '--name', NAME, '--orders', '1000'],
  ]);
  assert.match(stdout, '| one thousand |');
  for (const name of ['catalog-1', 'catalog-2', 'replica-1', 'replica-2', 'replica-3', 'frontend-1']) {
    assert.match(stdout, new RegExp(`\\| ${name} \\| \\d+ \\| \\d+ \\|`));
  }
  assert.ok(existsSync(join(RESULTS, NAME, `${NAME}-soak.svg`)));
});

test('without etcd the comparison ends at once and says how to get it', async () => {
  let told = '';
  await run(process.execPath, [join(DIST, 'peers.js'), '--name', NAME], { env: { PATH: '/nowhere' } }).catch(
    (error: unknown) => (told = (error as { stderr: string }).stderr),
  );
  assert.match(told, 'error: etcd');
  assert.match(told, 'apt-get install etcd-server');
  assert.not.ok(existsSync(join(RESULTS, NAME)));
});

test.run();
