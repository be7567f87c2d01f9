/** The doctor on intact and damaged data of a real replica: it reports flaws and changes nothing. */
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
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { LocalCluster, findFreeBasePort } from '@trireme/cluster';
import { trireme } from '../testing/run-trireme.js';
import { DOCTOR_EXIT, type DataReport } from './report.js';

const test = suite('doctor');
const folder = mkdtempSync(join(tmpdir(), 'trireme-doctor-'));
const data = join(folder, 'data');
let cluster: LocalCluster | null = null;

interface Answer {
  readonly code: number | null;
  readonly out: string;
}

async function doctor(...args: readonly string[]): Promise<Answer> {
  const { code, stdout, stderr } = await trireme('doctor', ...args);
  return { code, out: stdout + stderr };
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

/** The doctor's report on a copy of the data after `damage`. Checks that the doctor changes nothing. */
async function afterDamage(
  damage: (copy: string) => void,
): Promise<{ code: number | null; reports: DataReport[]; text: string }> {
  const copy = join(folder, 'copy');
  rmSync(copy, { recursive: true, force: true });
  cpSync(data, copy, { recursive: true });
  damage(copy);
  const before = fingerprint(copy);
  const { code, out } = await doctor('--data', copy, '--json');
  const { out: text } = await doctor('--data', copy);
  assert.is(fingerprint(copy), before, 'nothing has changed');
  return { code, reports: JSON.parse(out) as DataReport[], text };
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
    dataDir: data,
    port: await findFreeBasePort(),
    replicas: 1,
    output: () => undefined,
  });
  await cluster.start();
  await cluster.awaitReady();
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

test('refuses data that a replica has open', async () => {
  const { code, out } = await doctor('--data', data);
  assert.is(code, DOCTOR_EXIT.inUse);
  assert.match(out, /replica, .*: IN USE\n {2}what to do:\n {4}- stop the replica first/);
  await cluster?.stop();
  cluster = null;
});

test('reports intact data of a whole cluster with their contents and no advice', async () => {
  const { code, reports, text } = await afterDamage(() => undefined);
  assert.is(code, DOCTOR_EXIT.sound, text);
  assert.equal(
    reports.map(({ id, condition, findings, advice }) => [id, condition, findings, advice]),
    [['1', 'whole', [], []]],
  );
  assert.match(text, /book: 30 orders, 10 stocks and 30 idempotency keys/);
});

test('reports a folder without replica data', async () => {
  const { code, out } = await doctor('--data', join(folder, 'nowhere'));
  assert.is(code, DOCTOR_EXIT.nothing);
  assert.match(out, 'contains no replica data');
});

test('reports a damaged log with file and offset, and the command to rebuild the replica', async () => {
  const { code, reports, text } = await afterDamage((copy) =>
    flip(largest(join(copy, 'replica-1', 'log')), (length) => Math.floor(length / 2)),
  );
  assert.is(code, DOCTOR_EXIT.damaged);
  const [report] = reports;
  assert.equal([report?.id, report?.condition], ['1', 'damaged']);
  assert.ok(report?.findings.some(({ file, offset }) => /\.log$/.test(file ?? '') && offset !== null));
  assert.match(text, /trireme\.js members rejoin 1 /);
});

test('reports a missing log beside its hard state or its book', async () => {
  const gone = await afterDamage((copy) => rmSync(join(copy, 'replica-1', 'log'), { recursive: true }));
  assert.is(gone.code, DOCTOR_EXIT.damaged);
  assert.match(gone.text, /the log is missing, but the copy of its hard state exists: term \d+/);
  const without = await afterDamage((copy) => {
    rmSync(join(copy, 'replica-1', 'log'), { recursive: true });
    rmSync(join(copy, 'replica-1', 'log.hard-state'));
    mkdirSync(join(copy, 'replica-1', 'log'));
  });
  assert.is(without.code, DOCTOR_EXIT.damaged);
  assert.match(without.text, /the log is missing, but there is an order book/);
});

test('reports a log that ends before the last entry that the book has applied', async () => {
  const { code, text } = await afterDamage((copy) => {
    const [wal = ''] = filesOf(join(copy, 'replica-1', 'log')).filter((file) => file.endsWith('.log'));
    truncateSync(wal, statSync(wal).size - 5);
  });
  assert.is(code, DOCTOR_EXIT.damaged);
  assert.match(text, /the book has applied entry \d+, but the log ends at \d+: it has lost its tail/);
});

test('reports that the next start repairs a missing copy of the hard state', async () => {
  const { code, text } = await afterDamage((copy) => rmSync(join(copy, 'replica-1', 'log.hard-state')));
  assert.is(code, DOCTOR_EXIT.sound);
  assert.match(text, /MENDS\n {2}repaired by the next start:\n.*rebuilt from the store: it is missing/);
});

test('reports a damaged book, and a book that is missing although it is named', async () => {
  const lost = await afterDamage((copy) => rmSync(join(copy, 'replica-1', 'book', 'CURRENT')));
  assert.is(lost.code, DOCTOR_EXIT.damaged);
  assert.match(lost.text, /CURRENT is missing, but there are other files of a store/);
  const unnamed = await afterDamage((copy) =>
    writeFileSync(join(copy, 'replica-1', 'book.current'), 'book-7\n'),
  );
  assert.is(unnamed.code, DOCTOR_EXIT.damaged);
  assert.match(unnamed.text, /names book-7, which does not exist/);
});

test.run();
