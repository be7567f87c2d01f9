/** The doctor looks at the data of a real replica, sound and damaged, and changes nothing. */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { LocalCluster, findFreeBasePort } from '@trireme/cluster';
import { DOCTOR_EXIT, type Report } from './doctor/report.js';

const test = suite('doctor');
const PROGRAM = fileURLToPath(new URL('./doctor.js', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'trireme-doctor-'));
const data = join(folder, 'data');
let cluster: LocalCluster | null = null;

interface Answer {
  readonly code: number | null;
  readonly out: string;
}

async function doctor(...args: readonly string[]): Promise<Answer> {
  const child = spawn(process.execPath, [PROGRAM, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let out = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => (out += chunk.toString()));
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { code, out };
}

function filesOf(path: string): string[] {
  return readdirSync(path, { recursive: true, encoding: 'utf8' })
    .map((name) => join(path, name))
    .filter((file) => statSync(file).isFile())
    .sort();
}

/** Names, contents and times of all files. */
function fingerprint(path: string): string {
  const hash = createHash('sha256');
  for (const file of filesOf(path))
    hash
      .update(file)
      .update(readFileSync(file))
      .update(String(statSync(file).mtimeMs));
  return hash.digest('hex');
}

/** What the doctor says of a copy of the data after `hurt`, which it must leave as it is. */
async function afterHurting(
  hurt: (copy: string) => void,
): Promise<{ code: number | null; reports: Report[]; text: string }> {
  const copy = join(folder, 'copy');
  rmSync(copy, { recursive: true, force: true });
  cpSync(data, copy, { recursive: true });
  hurt(copy);
  const before = fingerprint(copy);
  const { code, out } = await doctor('--data', copy, '--json');
  const { out: text } = await doctor('--data', copy);
  assert.is(fingerprint(copy), before, 'nothing has changed');
  return { code, reports: JSON.parse(out) as Report[], text };
}

function flip(file: string, at: (length: number) => number): void {
  const bytes = readFileSync(file);
  const offset = at(bytes.length);
  bytes[offset] = (bytes[offset] ?? 0) ^ 1;
  writeFileSync(file, bytes);
}

const largest = (path: string): string =>
  filesOf(path)
    .filter((file) => /\.(log|ldb)$/.test(file))
    .sort((a, b) => statSync(b).size - statSync(a).size)[0] ?? '';

test.before(async () => {
  cluster = new LocalCluster({
    ...{ dataDir: data, port: await findFreeBasePort(), replicas: 1 },
    output: () => undefined,
  });
  await cluster.start();
  await cluster.waitReady();
  const orders = Array.from({ length: 30 }, async () =>
    fetch(`${cluster?.urls[0] ?? ''}/orders`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ name: 'AAPL', type: 'sell', quantity: 1 }),
    }),
  );
  for (const { status } of await Promise.all(orders)) assert.is(status, 200);
});

test.after(async () => {
  await cluster?.stop();
  rmSync(folder, { recursive: true });
});

test('data in use are refused', async () => {
  const { code, out } = await doctor('--data', data);
  assert.is(code, DOCTOR_EXIT.inUse);
  assert.match(out, /replica, .*: IN USE\n {2}what to do:\n {4}- stop the process first/);
  await cluster?.stop();
  cluster = null;
});

test('sound data of a whole cluster: what is in them, and nothing to do', async () => {
  const { code, reports, text } = await afterHurting(() => undefined);
  assert.is(code, DOCTOR_EXIT.sound, text);
  assert.equal(
    reports.map(({ id, condition, findings, advice }) => [id, condition, findings, advice]),
    [['1', 'whole', [], []]],
  );
  assert.match(text, /book: 30 orders, 10 stocks and 30 idempotency keys/);
});

test('where there are no data it says so', async () => {
  const { code, out } = await doctor('--data', join(folder, 'nowhere'));
  assert.is(code, DOCTOR_EXIT.nothing);
  assert.match(out, 'holds no data of a replica');
});

test('a damaged log is told with its file and offset, and the way back', async () => {
  const { code, reports, text } = await afterHurting((copy) =>
    flip(largest(join(copy, 'replica-1', 'log')), (length) => Math.floor(length / 2)),
  );
  assert.is(code, DOCTOR_EXIT.damaged);
  const [report] = reports;
  assert.equal([report?.id, report?.condition], ['1', 'damaged']);
  assert.ok(report?.findings.some(({ file, offset }) => /\.log$/.test(file ?? '') && offset !== null));
  assert.match(text, /trireme\.js members rejoin 1 /);
});

test('an old log beside a newer book, and an old hard state, are told', async () => {
  const gone = await afterHurting((copy) => rmSync(join(copy, 'replica-1', 'log'), { recursive: true }));
  assert.is(gone.code, DOCTOR_EXIT.damaged);
  assert.match(gone.text, /the log is gone, but its hard state is there: term \d+/);
  const without = await afterHurting((copy) => {
    rmSync(join(copy, 'replica-1', 'log'), { recursive: true });
    rmSync(join(copy, 'replica-1', 'log.hard-state'));
    mkdirSync(join(copy, 'replica-1', 'log'));
  });
  assert.is(without.code, DOCTOR_EXIT.damaged);
  assert.match(without.text, /the log is gone beside its book/);
});

test('a log that was cut off behind what the book has applied is told', async () => {
  const { code, text } = await afterHurting((copy) => {
    const [wal = ''] = filesOf(join(copy, 'replica-1', 'log')).filter((file) => file.endsWith('.log'));
    truncateSync(wal, statSync(wal).size - 5);
  });
  assert.is(code, DOCTOR_EXIT.damaged);
  assert.match(text, /the book has applied entry \d+, but the log ends at \d+: it lost its tail/);
});

test('a lost copy of the hard state is mended by the next start', async () => {
  const { code, text } = await afterHurting((copy) => rmSync(join(copy, 'replica-1', 'log.hard-state')));
  assert.is(code, DOCTOR_EXIT.sound);
  assert.match(text, /MENDS\n {2}mended by the next start:\n.*made anew from the store: it is missing/);
});

test('a damaged book and a book that is named and gone are told', async () => {
  const lost = await afterHurting((copy) => rmSync(join(copy, 'replica-1', 'book', 'CURRENT')));
  assert.is(lost.code, DOCTOR_EXIT.damaged);
  assert.match(lost.text, /CURRENT is missing beside files of a store/);
  const unnamed = await afterHurting((copy) =>
    writeFileSync(join(copy, 'replica-1', 'book.current'), 'book-7\n'),
  );
  assert.is(unnamed.code, DOCTOR_EXIT.damaged);
  assert.match(unnamed.text, /names book-7, which is not there/);
});

test.run();
