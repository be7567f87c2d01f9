/** Signals to npm's process alone, as systemd, a container or CI sends them: npm and all its processes must end. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { findFreeBasePort, readClusterFile } from '@trireme/cluster';
import { ROOT } from './root.js';

/** Time limit from the signal to the end of the last process, in milliseconds. */
const STOP_MS_MAX = 15_000;

interface Started {
  readonly npm: ChildProcess;
  readonly output: () => string;
  /** Resolves once npm and all processes that share its output have ended. */
  readonly closed: Promise<unknown>;
}

const test = suite<{ dataDir: string; started: Started[] }>('npm');

test.before.each((context) => {
  context.dataDir = mkdtempSync(join(tmpdir(), 'trireme-npm-'));
  context.started = [];
});

test.after.each(async ({ dataDir, started }) => {
  for (const { npm, closed } of started) {
    // npm has its own process group: if the test has failed, kill the whole group.
    if (npm.pid !== undefined && npm.stdout?.closed === false) process.kill(-npm.pid, 'SIGKILL');
    await closed;
  }
  rmSync(dataDir, { recursive: true });
});

function npm(args: readonly string[], env: Readonly<Record<string, string>> = {}): Started {
  // No coverage for these processes: that of the compiler alone would take as long as the test.
  const child = spawn('npm', args, {
    cwd: ROOT,
    env: { ...process.env, NODE_V8_COVERAGE: undefined, npm_config_loglevel: 'notice', ...env },
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (output += text));
  return { npm: child, output: () => output, closed: once(child, 'close') };
}

async function until(started: Started, isDone: () => boolean): Promise<void> {
  while (!isDone()) {
    assert.is(started.npm.exitCode, null, started.output());
    await delay(20);
  }
}

async function closesInTime({ closed, output }: Started): Promise<void> {
  const late = delay(STOP_MS_MAX, 'late', { ref: false });
  assert.is.not(await Promise.race([closed, late]), 'late', output());
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** Whether a descendant of npm has the word in its command line. */
function runs({ npm: { pid = 0 } }: Started, word: string): boolean {
  const below = (parent: string): string[] =>
    readOrNothing(`/proc/${parent}/task/${parent}/children`)
      .split(' ')
      .filter((child) => child !== '')
      .flatMap((child) => [child, ...below(child)]);
  return below(String(pid)).some((child) => readOrNothing(`/proc/${child}/cmdline`).includes(word));
}

function readOrNothing(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

for (const signal of ['SIGINT', 'SIGKILL'] as const) {
  test(`${signal} to npm alone stops the whole cluster, in order`, async ({ dataDir, started }) => {
    const port = await findFreeBasePort();
    const start = npm(['start', '--', '--data', dataDir, '--port', String(port), '--verbose']);
    started.push(start);
    await until(start, () => start.output().includes(`ready http://127.0.0.1:${port}\n`));
    const pids = (readClusterFile(dataDir)?.processes ?? []).map(({ pid }) => pid ?? 0);
    assert.is(pids.filter(isAlive).length, 6);
    start.npm.kill(signal);
    await closesInTime(start);
    assert.equal(pids.filter(isAlive), []);
    assert.match(start.output(), /\[frontend-1\] INFO stopped[^]*\[catalog-1\] INFO stopped/);
  });
}

const SCREEN_LINES_MAX = 12;

test('npm start prints each process, the leader, the URL, where the logs are and how to stop', async (context) => {
  const { dataDir, started } = context;
  const port = await findFreeBasePort();
  const start = npm(['start', '--silent', '--', '--data', dataDir, '--port', String(port)]);
  started.push(start);
  await until(start, () => start.output().includes('press Ctrl-C to stop\n'));
  const lines = start.output().trimEnd().split('\n');
  assert.ok(lines.length <= SCREEN_LINES_MAX, start.output());
  assert.match(
    start.output(),
    /catalog-1 +http[^]*catalog-2 +http[^]*replica-1 +http[^]*replica-3 +http[^]*frontend-1 +http[^]*leader is replica-\d/,
  );
  assert.match(start.output(), new RegExp(`ready http://127.0.0.1:${port}\nlogs are in \\S+logs; --verbose`));
  assert.not.match(start.output(), /\b(?:INFO|WARN)\b/);
  start.npm.kill('SIGINT');
  await closesInTime(start);
});

const BUILDS = [
  ['SIGTERM', '/bin/sh'],
  ['SIGINT', '/bin/bash'],
] as const;

for (const [signal, shell] of BUILDS) {
  const name = `${signal} during the build starts nothing (${shell})`;
  if (!existsSync(shell) || !existsSync('/proc/self/task')) {
    test.skip(`${name}: ${shell} or /proc is missing`);
    continue;
  }
  test(name, async ({ dataDir, started }) => {
    const port = await findFreeBasePort();
    const start = npm(['start', '--', '--data', join(dataDir, 'data'), '--port', String(port)], {
      npm_config_script_shell: shell,
    });
    started.push(start);
    await until(start, () => runs(start, 'typescript'));
    start.npm.kill(signal);
    await closesInTime(start);
    assert.not.ok(existsSync(join(dataDir, 'data')), start.output());
  });
}

test('npm run faults also ends with npm', async ({ dataDir, started }) => {
  const faults = npm(['run', 'faults', '--', '--only', 'drift apart', '--results', dataDir]);
  started.push(faults);
  await until(faults, () => faults.output().includes('... '));
  faults.npm.kill('SIGTERM');
  await closesInTime(faults);
});

test('no script runs a shell between npm and the program', () => {
  const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>;
  };
  const withShell = Object.entries(scripts).filter(([, line]) => /\bnode\b|&&|;/.test(line));
  assert.ok(withShell.length > 12);
  for (const [name, line] of withShell)
    assert.match(line, /^exec node scripts\/bin\/run\.mjs \S+ \S+( [a-z]+)?$/, name);
});

test.run();
