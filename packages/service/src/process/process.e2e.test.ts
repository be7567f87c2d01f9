import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { presentedSecret } from '@trireme/raft/frames';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { UsageError } from '../rules/usage-error.js';
import { captureLog, until } from '../testing/links.js';
import { EXIT_CODE } from './exit.js';
import { Metrics } from '../metrics/metrics.js';
import { readIdentity, readSecret } from './identity.js';

const PROGRAM = fileURLToPath(new URL('./testing/sample-process.js', import.meta.url));

class Sample {
  readonly child: ChildProcess;
  readonly exited: Promise<{ code: number | null; signal: string | null }>;
  out = '';
  err = '';

  constructor(args: readonly string[], env: Record<string, string> = {}) {
    this.child = spawn(process.execPath, [PROGRAM, ...args], {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { PATH: process.env['PATH'] ?? '', ...env },
    });
    this.child.stdout?.on('data', (chunk: Buffer) => (this.out += chunk.toString()));
    this.child.stderr?.on('data', (chunk: Buffer) => (this.err += chunk.toString()));
    this.exited = new Promise((resolve) => {
      this.child.once('close', (code, signal) => resolve({ code, signal }));
    });
  }

  async started(): Promise<this> {
    await until(() => this.out.includes('"msg":"started"'), 'the start');
    return this;
  }
}

for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
  test(`repeated ${signal} stops the process in order with code 0`, async () => {
    const sample = await new Sample(['runs']).started();
    sample.child.kill(signal);
    sample.child.kill(signal);
    assert.equal(await sample.exited, { code: EXIT_CODE.ok, signal: null });
    assert.match(sample.out, 'closed in order');
  });
}

test('the end of standard input stops the process with --exit-with-parent', async () => {
  const sample = await new Sample(['runs', '--exit-with-parent']).started();
  sample.child.stdin?.end();
  assert.is((await sample.exited).code, EXIT_CODE.ok);
  assert.match(sample.out, 'standard input ended');
});

test('the process exits when its parent dies and all pipes close', async () => {
  const sample = await new Sample(['runs', '--exit-with-parent']).started();
  sample.child.stdout?.destroy();
  sample.child.stderr?.destroy();
  sample.child.stdin?.destroy();
  assert.is((await sample.exited).code, EXIT_CODE.ok);
});

test('the end of standard input has no effect without --exit-with-parent', async () => {
  const sample = await new Sample(['runs']).started();
  await new Promise<void>((resolve) => sample.child.stdin?.end(resolve));
  sample.child.kill('SIGTERM');
  assert.is((await sample.exited).code, EXIT_CODE.ok);
  assert.not.match(sample.out, 'standard input ended');
});

const ADVICE: Readonly<Record<string, string>> = {
  fatal: 'try another disk',
  usage: 'see --help for the options',
};

const FAILURES: readonly [string, number, string][] = [
  ['start-fails', EXIT_CODE.unavailable, 'could not start'],
  ['usage', EXIT_CODE.usage, 'these options conflict'],
  ['fatal', EXIT_CODE.unavailable, 'the disk failed'],
  ['fatal-context', EXIT_CODE.unavailable, 'the disk failed'],
  ['fatal-advice', EXIT_CODE.unavailable, 'the disk failed'],
  ['throws', EXIT_CODE.unavailable, 'not caught'],
  ['rejects', EXIT_CODE.unavailable, 'not awaited'],
  ['bad-code', EXIT_CODE.internal, 'exitCodeOf throws'],
];

for (const [behaviour, code, reason] of FAILURES) {
  test(`${behaviour}: exits with ${code} and logs the reason`, async () => {
    const sample = new Sample([behaviour]);
    assert.equal(await sample.exited, { code, signal: null });
    const last = JSON.parse(sample.out.trim().split('\n').at(-1) ?? '') as Record<string, unknown>;
    assert.is(last['level'], 'fatal');
    assert.match(String(last['msg']), reason);
    assert.ok(last['error']);
    assert.is(last['advice'], ADVICE[behaviour]);
  });
}

test('a fatal error goes to standard error if the log throws, with the same exit code', async () => {
  const sample = new Sample(['fatal-unwritable']);
  assert.equal(await sample.exited, { code: EXIT_CODE.unavailable, signal: null });
  assert.is(
    sample.err,
    `fatal error: the disk failed; exit code ${EXIT_CODE.unavailable}; cannot write the log: output is closed\n`,
  );
});

test('a reader that pauses does not block the process, and later gets the number of dropped lines', async () => {
  const sample = new Sample(['logs']);
  sample.child.stdout?.pause();
  await until(() => sample.err.includes('next turn'), 'the next turn');
  sample.child.stdout?.resume();
  await until(() => sample.out.includes('"msg":"started"'), 'further lines');
  sample.child.kill('SIGTERM');
  assert.equal(await sample.exited, { code: EXIT_CODE.ok, signal: null });
  const lines = sample.out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  const kept = lines.filter(({ msg }) => msg === 'line').length;
  const dropped = lines.filter(({ msg }) => String(msg).startsWith('log lines dropped'));
  assert.ok(kept > 500 && kept < 2_000, `${kept} lines`);
  assert.is(
    dropped.reduce((sum, { lines: count }) => sum + Number(count), kept),
    2_000,
  );
});

test('a reader that stopped reading does not prevent the process from exiting', async () => {
  const sample = new Sample(['logs']);
  sample.child.stdout?.pause();
  await until(() => sample.err.includes('next turn'), 'the next turn');
  const exited = once(sample.child, 'exit');
  sample.child.kill('SIGTERM');
  assert.equal(await exited, [EXIT_CODE.ok, null]);
  sample.child.stdout?.destroy();
});

const onFullDisk = async (): Promise<void> => {
  const full = openSync('/dev/full', 'w');
  const child = spawn(process.execPath, [PROGRAM, 'logs'], {
    stdio: ['pipe', full, 'pipe'],
    env: {},
  });
  closeSync(full);
  let err = '';
  child.stderr?.on('data', (chunk: Buffer) => (err += chunk.toString()));
  await until(() => err.includes('next turn'), 'the next turn');
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  assert.equal(await exited, [EXIT_CODE.ok, null]);
};
const FULL_DISK = 'a full disk of standard output neither blocks nor ends the process';
if (existsSync('/dev/full')) test(FULL_DISK, onFullDisk);
else test.skip(`${FULL_DISK}: no /dev/full on this system`);

test('exits with the code of the error if the stop fails', async () => {
  const sample = await new Sample(['stop-fails']).started();
  sample.child.kill('SIGTERM');
  assert.is((await sample.exited).code, EXIT_CODE.unavailable);
  assert.match(sample.out, 'could not close');
});

test('exits at the deadline if the stop or the start hangs', async () => {
  const samples = [new Sample(['stop-hangs']), new Sample(['start-hangs'])];
  for (const sample of samples) {
    await sample.started();
    sample.child.kill('SIGTERM');
  }
  for (const sample of samples) {
    assert.is((await sample.exited).code, EXIT_CODE.internal);
    assert.match(sample.out, 'did not stop within 300 ms');
  }
});

test('a waiting start is aborted by SIGTERM, with code 0', async () => {
  const sample = await new Sample(['start-waits']).started();
  sample.child.kill('SIGTERM');
  assert.equal(await sample.exited, { code: EXIT_CODE.ok, signal: null });
  assert.match(sample.out, '"msg":"stopped"');
});

test('--help lists every option with its variable and default, and exits with 0', async () => {
  const sample = new Sample(['--help']);
  assert.is((await sample.exited).code, EXIT_CODE.ok);
  for (const flag of ['id', 'host', 'port', 'cluster', 'secret-file', 'log-level', 'exit-with-parent']) {
    assert.match(sample.out, `--${flag}`);
    assert.match(sample.out.replace(/\s+/g, ' '), `TRIREME_${flag.toUpperCase().replaceAll('-', '_')}`);
  }
  assert.match(sample.out, '127.0.0.1');
});

const BAD_FLAGS: readonly (readonly string[])[] = [
  ['runs', '--no-such-flag'],
  ['runs', '--port', '65536'],
  ['runs', '--port', '1e3'],
  ['runs', '--id', 'two words'],
  ['runs', '--log-level', 'loud'],
  ['runs', 'too', 'many'],
  [],
];

for (const args of BAD_FLAGS) {
  test(`exits with 64 for invalid arguments: ${args.join(' ')}`, async () => {
    const sample = new Sample(args);
    assert.is((await sample.exited).code, EXIT_CODE.usage);
    assert.match(sample.err, 'error:');
  });
}

test('variables set options, and an invalid one is named in the error', async () => {
  const sample = await new Sample(['identity'], {
    TRIREME_ID: 'from-env',
    TRIREME_CLUSTER: 'env-cluster',
  }).started();
  sample.child.kill('SIGTERM');
  await sample.exited;
  assert.match(sample.out, '"name":"from-env","cluster":"env-cluster"');
  const bad = new Sample(['runs'], { TRIREME_PORT: 'many' });
  assert.is((await bad.exited).code, EXIT_CODE.usage);
  assert.match(bad.err, 'TRIREME_PORT');
});

test('exits with 64 for a host beyond loopback without a secret', async () => {
  const sample = new Sample(['identity', '--host', '0.0.0.0']);
  assert.is((await sample.exited).code, EXIT_CODE.usage);
  assert.match(sample.out, 'without a secret');
});

test('readIdentity reads the secret file, and readSecret warns if other users can read it', () => {
  const folder = mkdtempSync(join(tmpdir(), 'trireme-secret-'));
  try {
    const file = join(folder, 'secret');
    writeFileSync(file, 'a-long-enough-secret\n', { mode: 0o600 });
    const { log, lines } = captureLog();
    const options = { id: 'x', cluster: 'test', host: '0.0.0.0', secretFile: file };
    const { secret, ...others } = readIdentity(options, log, new Metrics({ service: 'x', id: 'x' }));
    assert.equal(others, { name: 'x', cluster: 'test', tls: null });
    assert.is(presentedSecret(secret), 'a-long-enough-secret');
    assert.equal(lines, []);
    chmodSync(file, 0o644);
    assert.equal(readSecret(file, log).current, ['a-long-enough-secret']);
    assert.is(lines.length, 1);
    assert.not.match(lines.join(''), 'a-long-enough-secret');
    assert.throws(
      () => readSecret(join(folder, 'missing'), log),
      (error: unknown) => error instanceof UsageError,
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('a changed secret file is used at once, and an unusable one is named once and not used', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'trireme-secret-'));
  try {
    const file = join(folder, 'secret');
    const [old, next] = ['the-old-secret-of-it', 'the-new-secret-of-it'];
    writeFileSync(file, `${old}\n`, { mode: 0o600 });
    const { log, lines } = captureLog();
    const secret = readSecret(file, log);
    const unusable: readonly [string, RegExp][] = [
      [`${old}\n${next.slice(0, 5)}`, /must have 16 to 512 printable/],
      [`${old}\n${next}\n${next}x`, /has 3 lines/],
      ['', /must have 16 to 512 printable/],
    ];
    for (const [text, problem] of unusable) {
      writeFileSync(file, text);
      await secret.poll();
      await secret.poll();
      assert.match(lines.pop() ?? '', problem);
      assert.equal(lines, []);
      assert.equal(secret.current, [old]);
    }
    // As Kubernetes replaces a mounted secret: the name is a symbolic link to a folder that is exchanged.
    writeFileSync(join(folder, 'next'), `${old}\r\n${next}\n`);
    symlinkSync('next', join(folder, 'link'));
    renameSync(join(folder, 'link'), file);
    await secret.poll();
    assert.equal(secret.current, [old, next]);
    assert.match(lines.pop() ?? '', /secret file reloaded/);
    rmSync(file);
    await secret.poll();
    assert.match(lines.pop() ?? '', /ENOENT/);
    writeFileSync(file, next);
    await secret.poll();
    assert.equal(secret.current, [next]);
    assert.not.match(lines.join(), /-secret-of-it/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test.run();
