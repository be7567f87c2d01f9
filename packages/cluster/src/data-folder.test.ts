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
import { processesOf, readClusterFile, writeClusterFile, type ClusterFile } from './cluster-file.js';
import { ClusterRecord } from './cluster-record.js';
import {
  catalogsOf,
  emptyDataFolder,
  fillDataFolder,
  foundGroup,
  readSecret,
  replicasOf,
  setAside,
} from './data-folder.js';
import { acquireDataLock } from './data-lock.js';
import { ClusterError, type ClusterErrorCode } from './errors.js';
import { LogFile } from './log-file.js';
import { identityLives, processIdentity } from './process-identity.js';

const AT = new Date('2026-01-31T23:59:59.500Z');

const test = suite<{ folder: string }>('data folder');

test.before.each((context) => {
  context.folder = mkdtempSync(join(tmpdir(), 'trireme-data-'));
});
test.after.each(({ folder }) => rmSync(folder, { recursive: true }));

function throwsCode(work: () => void, code: ClusterErrorCode): void {
  assert.throws(work, (error: unknown) => error instanceof ClusterError && error.code === code);
}

async function rejectsCode(work: Promise<unknown>, code: ClusterErrorCode, message: RegExp): Promise<void> {
  const error: unknown = await work.then(
    () => null,
    (reason: unknown) => reason,
  );
  assert.instance(error, ClusterError);
  assert.is((error as ClusterError).code, code);
  assert.match((error as ClusterError).message, message);
}

test('secrets are made once and are their owner’s alone', async ({ folder }) => {
  const paths = await fillDataFolder(folder);
  const secret = readSecret(folder);
  assert.match(secret, /^[0-9a-f]{64}$/);
  assert.is.not(readFileSync(paths.operatorToken, 'utf8').trim(), secret);
  await fillDataFolder(folder);
  assert.is(readSecret(folder), secret);
  for (const path of [paths.secret, paths.operatorToken]) assert.is(statSync(path).mode & 0o777, 0o600);
  assert.equal(readdirSync(folder).sort(), ['logs', 'operator-token', 'secret']);
});

test('a folder without a secret is not a cluster’s', ({ folder }) => {
  throwsCode(() => readSecret(folder), 'NOT_OURS');
});

test('a secret that was not written whole is named with its cure, and not taken for none', async ({
  folder,
}) => {
  await fillDataFolder(folder);
  for (const name of ['operator-token', 'secret']) {
    const whole = readFileSync(join(folder, name));
    writeFileSync(join(folder, name), '');
    await rejectsCode(
      fillDataFolder(folder),
      'DAMAGED_FILE',
      new RegExp(`${name} must have 16 .*remove \\S+${name} .*npm start then makes a new one`),
    );
    writeFileSync(join(folder, name), whole);
  }
  writeFileSync(join(folder, 'secret'), 'half');
  throwsCode(() => readSecret(folder), 'DAMAGED_FILE');
});

test('emptying removes all that is ours and keeps the lock', async ({ folder }) => {
  const lock = await acquireDataLock(folder);
  await fillDataFolder(folder);
  mkdirSync(join(folder, 'replica-1', 'log'), { recursive: true });
  await emptyDataFolder(folder);
  assert.equal(readdirSync(folder), ['lock']);
  await rejectsCode(acquireDataLock(folder), 'ALREADY_RUNNING', /a cluster already runs on/);
  await lock.release();
  await emptyDataFolder(folder);
});

test('what earlier versions left in a folder is no obstacle to emptying', async ({ folder }) => {
  await fillDataFolder(folder);
  for (const name of ['cluster.json.tmp', 'supervisor-4321.lock']) writeFileSync(join(folder, name), '');
  await emptyDataFolder(folder);
  assert.equal(readdirSync(folder), []);
});

test('emptying a folder with anything else in it removes nothing', async ({ folder }) => {
  await fillDataFolder(folder);
  writeFileSync(join(folder, 'thesis.txt'), 'x');
  await rejectsCode(emptyDataFolder(folder), 'NOT_OURS', /thesis\.txt/);
  assert.ok(existsSync(join(folder, 'secret')));
});

test('emptying a folder that only looks like ours removes nothing', async ({ folder }) => {
  mkdirSync(join(folder, 'logs'));
  await rejectsCode(emptyDataFolder(folder), 'NOT_OURS', /no secret file/);
  assert.ok(existsSync(join(folder, 'logs')));
});

test('what a first start left when it was interrupted is no obstacle to emptying', async ({ folder }) => {
  writeFileSync(join(folder, 'secret.new'), 'half');
  await emptyDataFolder(folder);
  assert.equal(readdirSync(folder), []);
});

test('a folder in which a process has a store open is not emptied, whoever holds its lock', async ({
  folder,
}) => {
  await fillDataFolder(folder);
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

test('half a lock, as a full disk leaves it, is no obstacle', async ({ folder }) => {
  await (await acquireDataLock(folder)).release();
  writeFileSync(join(folder, 'lock', 'CURRENT'), '');
  const lock = await acquireDataLock(folder);
  await rejectsCode(acquireDataLock(folder), 'ALREADY_RUNNING', /another container/);
  await lock.release();
});

test('a process is told from another one with its pid', () => {
  const self = processIdentity(process.pid) ?? '';
  assert.ok(identityLives(self));
  assert.is(identityLives(`${self}0`), false);
  assert.is(processIdentity(2 ** 30), null);
});

test('cluster.json comes back as it was written', async ({ folder }) => {
  assert.is(readClusterFile(folder), null);
  await wroteReplicas(folder, 1);
  assert.is(readClusterFile(folder)?.processes[0]?.id, 'replica-1');
  assert.is(statSync(join(folder, 'cluster.json')).mode & 0o777, 0o600);
});

test('a cluster.json that cannot be read is not taken for none', async ({ folder }) => {
  await wroteReplicas(folder, 1, 2, 3, 4, 5);
  const path = join(folder, 'cluster.json');
  const whole = readFileSync(path, 'utf8');
  const other = '{"port":1,"control":"x","processes":[{"id":"replica-1"}]}';
  for (const bad of ['', '[]', '{}', other, 'null', whole.slice(0, whole.length / 2)]) {
    writeFileSync(path, bad);
    for (const read of [readClusterFile, processesOf, (dir: string) => replicasOf(dir, undefined)])
      throwsCode(() => void read(folder), 'DAMAGED_FILE');
  }
  rmSync(path);
  mkdirSync(path);
  throwsCode(() => readClusterFile(folder), 'DAMAGED_FILE');
});

test('without cluster.json the replicas that have a log are those that ran', ({ folder }) => {
  for (const n of [5, 1, 2]) mkdirSync(join(folder, `replica-${n}`, 'log'), { recursive: true });
  mkdirSync(join(folder, 'replica-4'));
  assert.equal(replicasOf(folder, undefined), [1, 2, 5]);
  throwsCode(() => replicasOf(folder, 5), 'BAD_OPTION');
});

test('cluster.json that cannot be written stays as it was, is told once, and is written when it can be', async ({
  folder,
}) => {
  await wroteReplicas(folder, 1);
  const lines: string[] = [];
  let replicas = [1, 2];
  const record = new ClusterRecord({
    dataDir: folder,
    describe: () => clusterOf(...replicas),
    print: (line) => void lines.push(line),
  });
  // A folder in its place cannot be replaced by a file, whoever asks.
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

test('a copy of a folder shares its shape and none of its processes; a renamed folder is the same', async ({
  folder,
}) => {
  const [original, copy, renamed] = [join(folder, 'data'), join(folder, 'copy'), join(folder, 'renamed')];
  mkdirSync(original);
  await wroteReplicas(original, 1, 2, 3, 4, 5);
  cpSync(original, copy, { recursive: true });
  assert.is(processesOf(original).length, 5);
  assert.equal(processesOf(copy), []);
  throwsCode(() => readClusterFile(copy), 'COPIED_FOLDER');
  assert.equal(replicasOf(copy, undefined), [1, 2, 3, 4, 5]);
  renameSync(original, renamed);
  assert.is(processesOf(renamed).length, 5);
});

function clusterOf(...numbers: readonly number[]): ClusterFile {
  const processes = numbers.map((number) => ({
    ...({ role: 'replica', pid: null, identity: null, url: '', data: '', command: [] } as const),
    id: `replica-${number}`,
  }));
  return { port: 1, control: '', startedAt: '', processes };
}

async function wroteReplicas(folder: string, ...numbers: readonly number[]): Promise<void> {
  await writeClusterFile(folder, clusterOf(...numbers));
}

test('a new cluster has as many replicas as asked for; one that ran has those that it had', async ({
  folder,
}) => {
  assert.equal(replicasOf(folder, undefined), [1, 2, 3]);
  assert.equal(replicasOf(folder, 5), [1, 2, 3, 4, 5]);
  await wroteReplicas(folder, 1, 3, 4);
  assert.equal(replicasOf(folder, undefined), [1, 3, 4]);
  assert.equal(replicasOf(folder, 3), [1, 3, 4]);
  throwsCode(() => replicasOf(folder, 5), 'BAD_OPTION');
});

test('a new cluster has as many catalogs as asked for; one that ran has those that it had, also none', async ({
  folder,
}) => {
  const wrote = async (...ids: readonly string[]): Promise<void> => {
    const file = clusterOf(1);
    const catalogs = ids.map((id) => ({
      ...({ role: 'catalog', pid: null, identity: null, url: '', data: null, command: [] } as const),
      id,
    }));
    await writeClusterFile(folder, { ...file, processes: [...catalogs, ...file.processes] });
  };
  assert.equal(catalogsOf(folder, undefined), [1, 2]);
  assert.equal(catalogsOf(folder, 0), []);
  await wrote('catalog-1', 'catalog-3');
  assert.equal(catalogsOf(folder, undefined), [1, 3]);
  assert.equal(catalogsOf(folder, 2), [1, 3]);
  throwsCode(() => catalogsOf(folder, 3), 'BAD_OPTION');
  await wrote();
  assert.equal(catalogsOf(folder, undefined), []);
  await wrote('catalog');
  assert.equal(catalogsOf(folder, undefined), [1, 2], 'the one of an earlier version');
});

test('only in a folder that was never used a group is founded', async ({ folder }) => {
  const token = (n: number): boolean => existsSync(join(folder, `replica-${n}`, 'bootstrap'));
  mkdirSync(join(folder, 'replica-2', 'log'), { recursive: true });
  await foundGroup(folder, [1, 2, 3]);
  assert.equal([1, 2, 3].map(token), [false, false, false]);
  rmSync(join(folder, 'replica-2'), { recursive: true });
  await foundGroup(folder, [1, 2, 3]);
  assert.equal([1, 2, 3].map(token), [true, true, true]);
  rmSync(join(folder, 'replica-1'), { recursive: true });
  await wroteReplicas(folder, 1, 2, 3);
  await foundGroup(folder, [1, 2, 3]);
  assert.not.ok(token(1), 'it lost its data');
});

test('a folder that is moved aside is kept, however often', async ({ folder }) => {
  const path = join(folder, 'replica-2');
  assert.is(setAside(path, AT), null);
  for (const end of ['', '-2']) {
    mkdirSync(path);
    const aside = `${path}.old-20260131T235959Z${end}`;
    assert.is(setAside(path, AT), aside);
    assert.ok(existsSync(aside));
  }
  writeFileSync(join(folder, 'secret'), '');
  await emptyDataFolder(folder);
  assert.not.ok(
    existsSync(`${path}.old-20260131T235959Z`),
    'it is the cluster’s own, if a new one is to begin',
  );
});

test('a log that is full makes room and keeps the one before', async ({ folder }) => {
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

test('a process that ends before its log is open has its lines in it all the same', ({ folder }) => {
  const path = join(folder, 'x.log');
  const code = `import { LogFile } from ${JSON.stringify(new URL('log-file.js', import.meta.url).href)};
    new LogFile(process.argv[1]).append('last words');
    process.exit();`;
  const { status, stderr } = spawnSync(process.execPath, ['--input-type=module', '--eval', code, path]);
  assert.is(status, 0, String(stderr));
  assert.is(readFileSync(path, 'utf8'), 'last words\n');
});

test.run();
