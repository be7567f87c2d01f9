import { spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Level } from 'level';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { processesOfLastRun, readClusterFile, writeClusterFile, type ClusterFile } from './cluster-file.js';
import { ClusterFileWriter } from './cluster-file-writer.js';
import {
  catalogNumbers,
  beginNewCluster,
  completeNewCluster,
  emptyDataFolder,
  createDataFiles,
  readClusterName,
  requireComplete,
  writeBootstrapFiles,
  readSecret,
  replicaNumbers,
  moveAside,
} from './data-folder.js';
import { acquireDataLock } from './data-lock.js';
import { ClusterError, type ClusterErrorCode } from '../errors.js';
import { newClusterName } from '../rules/cluster-name.js';
import { LogFile } from './log-file.js';
import { isProcessAlive, processIdentity } from '../processes/process-identity.js';
import { rejectsCode } from '../testing/rejects-code.js';

const AT = new Date('2026-01-31T23:59:59.500Z');

const test = suite<{ folder: string }>('data folder');

test.before.each((context) => {
  context.folder = mkdtempSync(join(tmpdir(), 'trireme-data-'));
});
test.after.each(({ folder }) => rmSync(folder, { recursive: true }));

function throwsCode(work: () => void, code: ClusterErrorCode): void {
  assert.throws(work, (error: unknown) => error instanceof ClusterError && error.code === code);
}

test('createDataFiles makes the secrets once, readable only by their owner', async ({ folder }) => {
  const paths = await createDataFiles(folder);
  const secret = readSecret(folder);
  assert.match(secret, /^[0-9a-f]{64}$/);
  assert.is.not(readFileSync(paths.operatorToken, 'utf8').trim(), secret);
  await createDataFiles(folder);
  assert.is(readSecret(folder), secret);
  for (const path of [paths.secret, paths.operatorToken]) assert.is(statSync(path).mode & 0o777, 0o600);
  assert.equal(readdirSync(folder).sort(), ['cluster-name', 'logs', 'operator-token', 'secret']);
});

test('a new cluster gets a name of its own, once; one of an earlier version keeps the fixed name', async ({ folder }) => {
  const { cluster } = await createDataFiles(folder);
  assert.match(cluster, /^trireme-[0-9a-f]{8}$/);
  assert.is((await createDataFiles(folder)).cluster, cluster);
  assert.is(readClusterName(folder), cluster);
  writeFileSync(join(folder, 'cluster-name'), 'no name\n');
  throwsCode(() => readClusterName(folder), 'DAMAGED_FILE');
  rmSync(join(folder, 'cluster-name'));
  mkdirSync(join(folder, 'replica-1', 'log'), { recursive: true });
  assert.is((await createDataFiles(folder)).cluster, 'trireme');
  assert.not.ok(existsSync(join(folder, 'cluster-name')));
});

test('a folder of a new cluster starts only once it is complete', async ({ folder }) => {
  await beginNewCluster(folder, 'shop-0a1b2c3d');
  assert.is(readClusterName(folder), 'shop-0a1b2c3d');
  throwsCode(() => requireComplete(folder), 'NOT_OURS');
  await rejectsCode(beginNewCluster(folder, 'other'), 'NOT_OURS', /is not empty: it contains cluster-name/);
  await completeNewCluster(folder);
  requireComplete(folder);
});

test('newClusterName replaces the suffix of an old name', () => {
  const random = Buffer.from('f00dbeef', 'hex');
  assert.is(newClusterName('shop', random), 'shop-f00dbeef');
  assert.is(newClusterName('shop-0a1b2c3d', random), 'shop-f00dbeef');
  assert.ok(newClusterName('x'.repeat(64), random).length <= 64);
});

test('readSecret rejects a folder without a secret', ({ folder }) => {
  throwsCode(() => readSecret(folder), 'NOT_OURS');
});

test('a truncated secret or token is reported with advice and not replaced', async ({ folder }) => {
  await createDataFiles(folder);
  for (const name of ['operator-token', 'secret']) {
    const whole = readFileSync(join(folder, name));
    writeFileSync(join(folder, name), '');
    await rejectsCode(
      createDataFiles(folder),
      'DAMAGED_FILE',
      new RegExp(`${name} must have 16 .*remove \\S+${name} .*npm start then makes a new one`),
    );
    writeFileSync(join(folder, name), whole);
  }
  writeFileSync(join(folder, 'secret'), 'half');
  throwsCode(() => readSecret(folder), 'DAMAGED_FILE');
});

test('emptyDataFolder removes everything except the lock', async ({ folder }) => {
  const lock = await acquireDataLock(folder);
  await createDataFiles(folder);
  mkdirSync(join(folder, 'replica-1', 'log'), { recursive: true });
  await emptyDataFolder(folder);
  assert.equal(readdirSync(folder), ['lock']);
  await rejectsCode(acquireDataLock(folder), 'ALREADY_RUNNING', /a cluster already runs on/);
  await lock.release();
  await emptyDataFolder(folder);
});

test('emptyDataFolder also removes files of earlier versions', async ({ folder }) => {
  await createDataFiles(folder);
  for (const name of ['cluster.json.tmp', 'supervisor-4321.lock']) writeFileSync(join(folder, name), '');
  await emptyDataFolder(folder);
  assert.equal(readdirSync(folder), []);
});

test('emptyDataFolder removes nothing if the folder contains other files', async ({ folder }) => {
  await createDataFiles(folder);
  writeFileSync(join(folder, 'thesis.txt'), 'x');
  await rejectsCode(emptyDataFolder(folder), 'NOT_OURS', /thesis\.txt/);
  assert.ok(existsSync(join(folder, 'secret')));
});

test('emptyDataFolder removes nothing if the folder has no secret file', async ({ folder }) => {
  mkdirSync(join(folder, 'logs'));
  await rejectsCode(emptyDataFolder(folder), 'NOT_OURS', /no secret file/);
  assert.ok(existsSync(join(folder, 'logs')));
});

test('emptyDataFolder removes the temporary files of an interrupted first start', async ({ folder }) => {
  writeFileSync(join(folder, 'secret.new'), 'half');
  await emptyDataFolder(folder);
  assert.equal(readdirSync(folder), []);
});

test('emptyDataFolder removes nothing while a process has a store open', async ({ folder }) => {
  await createDataFiles(folder);
  const path = join(folder, 'replica-2', 'log');
  mkdirSync(path, { recursive: true });
  const store = new Level(path);
  await store.open();
  await rejectsCode(emptyDataFolder(folder), 'ALREADY_RUNNING', /a process has \S+replica-2\/log open/);
  assert.ok(existsSync(join(folder, 'secret')));
  await store.close();
  await emptyDataFolder(folder);
  assert.equal(readdirSync(folder), []);
});

test('acquireDataLock takes a lock that a full disk left incomplete', async ({ folder }) => {
  await (await acquireDataLock(folder)).release();
  writeFileSync(join(folder, 'lock', 'CURRENT'), '');
  const lock = await acquireDataLock(folder);
  await rejectsCode(acquireDataLock(folder), 'ALREADY_RUNNING', /another container/);
  await lock.release();
});

test('processIdentity distinguishes processes with the same pid', () => {
  const self = processIdentity(process.pid) ?? '';
  assert.ok(isProcessAlive(self));
  assert.is(isProcessAlive(`${self}0`), false);
  assert.is(processIdentity(2 ** 30), null);
});

test('readClusterFile reads what writeClusterFile wrote', async ({ folder }) => {
  assert.is(readClusterFile(folder), null);
  await writeReplicas(folder, 1);
  assert.is(readClusterFile(folder)?.processes[0]?.id, 'replica-1');
  assert.is(statSync(join(folder, 'cluster.json')).mode & 0o777, 0o600);
});

test('an unreadable cluster.json is an error, not a missing one', async ({ folder }) => {
  await writeReplicas(folder, 1, 2, 3, 4, 5);
  const path = join(folder, 'cluster.json');
  const whole = readFileSync(path, 'utf8');
  const other = '{"port":1,"control":"x","processes":[{"id":"replica-1"}]}';
  for (const bad of ['', '[]', '{}', other, 'null', whole.slice(0, whole.length / 2)]) {
    writeFileSync(path, bad);
    for (const read of [readClusterFile, processesOfLastRun, (dir: string) => replicaNumbers(dir, undefined)])
      throwsCode(() => void read(folder), 'DAMAGED_FILE');
  }
  rmSync(path);
  mkdirSync(path);
  throwsCode(() => readClusterFile(folder), 'DAMAGED_FILE');
});

test('replicaNumbers without cluster.json returns the replicas that have a log', ({ folder }) => {
  for (const n of [5, 1, 2]) mkdirSync(join(folder, `replica-${n}`, 'log'), { recursive: true });
  mkdirSync(join(folder, 'replica-4'));
  assert.equal(replicaNumbers(folder, undefined), [1, 2, 5]);
  throwsCode(() => replicaNumbers(folder, 5), 'BAD_OPTION');
});

test('a failed write of cluster.json is reported once and retried', async ({ folder }) => {
  await writeReplicas(folder, 1);
  const lines: string[] = [];
  let replicas = [1, 2];
  const record = new ClusterFileWriter({
    dataDir: folder,
    describe: () => clusterOf(...replicas),
    print: (line) => void lines.push(line),
  });
  // A file cannot replace a folder, not even as root.
  const [path, kept] = [join(folder, 'cluster.json'), join(folder, 'kept')];
  renameSync(path, kept);
  mkdirSync(path);
  await record.update();
  await record.update();
  assert.is(lines.length, 1, lines.join('\n'));
  assert.match(lines[0] ?? '', /cannot write \S+cluster\.json/);
  rmSync(path, { recursive: true });
  replicas = [1, 2, 3];
  while (lines.length < 2) await new Promise((resolve) => setTimeout(resolve, 20));
  assert.is(readClusterFile(folder)?.processes.length, 3);
  replicas = [1];
  await Promise.all([record.update(), record.update()]);
  await record.close();
  assert.is(readClusterFile(folder)?.processes.length, 1);
  rmSync(kept);
});

test('a copied folder has the replicas but not the processes of the original; a renamed one has both', async ({
  folder,
}) => {
  const [original, copy, renamed] = [join(folder, 'data'), join(folder, 'copy'), join(folder, 'renamed')];
  mkdirSync(original);
  await writeReplicas(original, 1, 2, 3, 4, 5);
  cpSync(original, copy, { recursive: true });
  assert.is(processesOfLastRun(original).length, 5);
  assert.equal(processesOfLastRun(copy), []);
  throwsCode(() => readClusterFile(copy), 'COPIED_FOLDER');
  assert.equal(replicaNumbers(copy, undefined), [1, 2, 3, 4, 5]);
  renameSync(original, renamed);
  assert.is(processesOfLastRun(renamed).length, 5);
});

function clusterOf(...numbers: readonly number[]): ClusterFile {
  const processes = numbers.map((number) => ({
    ...({ role: 'replica', pid: null, identity: null, url: '', data: '', command: [] } as const),
    id: `replica-${number}`,
  }));
  return { port: 1, control: '', startedAt: '', processes };
}

async function writeReplicas(folder: string, ...numbers: readonly number[]): Promise<void> {
  await writeClusterFile(folder, clusterOf(...numbers));
}

test('replicaNumbers returns the requested number for a new cluster, and the recorded replicas otherwise', async ({
  folder,
}) => {
  assert.equal(replicaNumbers(folder, undefined), [1, 2, 3]);
  assert.equal(replicaNumbers(folder, 5), [1, 2, 3, 4, 5]);
  await writeReplicas(folder, 1, 3, 4);
  assert.equal(replicaNumbers(folder, undefined), [1, 3, 4]);
  assert.equal(replicaNumbers(folder, 3), [1, 3, 4]);
  throwsCode(() => replicaNumbers(folder, 5), 'BAD_OPTION');
});

test('catalogNumbers returns the requested number for a new cluster, and the recorded catalogs otherwise', async ({
  folder,
}) => {
  const write = async (...ids: readonly string[]): Promise<void> => {
    const file = clusterOf(1);
    const catalogs = ids.map((id) => ({
      ...({ role: 'catalog', pid: null, identity: null, url: '', data: null, command: [] } as const),
      id,
    }));
    await writeClusterFile(folder, { ...file, processes: [...catalogs, ...file.processes] });
  };
  assert.equal(catalogNumbers(folder, undefined), [1, 2]);
  assert.equal(catalogNumbers(folder, 0), []);
  await write('catalog-1', 'catalog-3');
  assert.equal(catalogNumbers(folder, undefined), [1, 3]);
  assert.equal(catalogNumbers(folder, 2), [1, 3]);
  throwsCode(() => catalogNumbers(folder, 3), 'BAD_OPTION');
  await write();
  assert.equal(catalogNumbers(folder, undefined), []);
  await write('catalog');
  assert.equal(catalogNumbers(folder, undefined), [1, 2], 'the single catalog of an earlier version');
});

test('writeBootstrapFiles does nothing in a folder that was used before', async ({ folder }) => {
  const token = (n: number): boolean => existsSync(join(folder, `replica-${n}`, 'bootstrap'));
  mkdirSync(join(folder, 'replica-2', 'log'), { recursive: true });
  await writeBootstrapFiles(folder, [1, 2, 3]);
  assert.equal([1, 2, 3].map(token), [false, false, false]);
  rmSync(join(folder, 'replica-2'), { recursive: true });
  await writeBootstrapFiles(folder, [1, 2, 3]);
  assert.equal([1, 2, 3].map(token), [true, true, true]);
  rmSync(join(folder, 'replica-1'), { recursive: true });
  await writeReplicas(folder, 1, 2, 3);
  await writeBootstrapFiles(folder, [1, 2, 3]);
  assert.not.ok(token(1), 'it has lost its data and must not found a group');
});

test('moveAside keeps every folder that it moves aside', async ({ folder }) => {
  const path = join(folder, 'replica-2');
  assert.is(moveAside(path, AT), null);
  for (const end of ['', '-2']) {
    mkdirSync(path);
    const aside = `${path}.old-20260131T235959Z${end}`;
    assert.is(moveAside(path, AT), aside);
    assert.ok(existsSync(aside));
  }
  writeFileSync(join(folder, 'secret'), '');
  await emptyDataFolder(folder);
  assert.not.ok(
    existsSync(`${path}.old-20260131T235959Z`),
    'emptyDataFolder also removes the folders that were moved aside',
  );
});

test('LogFile rotates a full file and keeps the previous one', async ({ folder }) => {
  const path = join(folder, 'a.log');
  for (const line of ['first', 'second', 'third']) {
    const log = new LogFile(path, 8);
    log.append(line);
    await log.close();
  }
  assert.is(readFileSync(`${path}.1`, 'utf8'), 'first\nsecond\n');
  const again = new LogFile(path, 8);
  again.append('4');
  await again.close();
  again.append('5');
  assert.is(readFileSync(path, 'utf8'), 'third\n4\n');
});

test('LogFile writes the lines of a process that exits at once', ({ folder }) => {
  const path = join(folder, 'x.log');
  const code = `import { LogFile } from ${JSON.stringify(new URL('log-file.js', import.meta.url).href)};
    new LogFile(process.argv[1]).append('last words');
    process.exit();`;
  const { status, stderr } = spawnSync(process.execPath, ['--input-type=module', '--eval', code, path]);
  assert.is(status, 0, String(stderr));
  assert.is(readFileSync(path, 'utf8'), 'last words\n');
});

test.run();
