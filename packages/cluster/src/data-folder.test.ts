import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { folderIdentity } from '@trireme/service';
import { processesOf, readClusterFile, writeClusterFile } from './cluster-file.js';
import {
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

test('secrets are made once and are their owner’s alone', ({ folder }) => {
  const paths = fillDataFolder(folder);
  const secret = readSecret(folder);
  assert.match(secret, /^[0-9a-f]{64}$/);
  assert.is.not(readFileSync(paths.operatorToken, 'utf8').trim(), secret);
  fillDataFolder(folder);
  assert.is(readSecret(folder), secret);
  for (const path of [paths.secret, paths.operatorToken]) assert.is(statSync(path).mode & 0o777, 0o600);
});

test('a folder without a secret is not a cluster’s', ({ folder }) => {
  throwsCode(() => readSecret(folder), 'NOT_OURS');
});

test('emptying removes all that is ours and keeps the lock', ({ folder }) => {
  const lock = acquireDataLock(folder);
  fillDataFolder(folder);
  mkdirSync(join(folder, 'replica-1', 'log'), { recursive: true });
  emptyDataFolder(folder);
  assert.is(existsSync(join(folder, 'replica-1')), false);
  assert.is(existsSync(join(folder, 'secret')), false);
  throwsCode(() => acquireDataLock(folder), 'ALREADY_RUNNING');
  lock.release();
  emptyDataFolder(folder);
});

test('emptying a folder with anything else in it removes nothing', ({ folder }) => {
  fillDataFolder(folder);
  writeFileSync(join(folder, 'thesis.txt'), 'x');
  throwsCode(() => emptyDataFolder(folder), 'NOT_OURS');
  assert.ok(existsSync(join(folder, 'secret')));
});

test('emptying a folder that only looks like ours removes nothing', ({ folder }) => {
  mkdirSync(join(folder, 'logs'));
  throwsCode(() => emptyDataFolder(folder), 'NOT_OURS');
  assert.ok(existsSync(join(folder, 'logs')));
});

test('the lock of a dead process is no obstacle, that of a living one is', ({ folder }) => {
  writeFileSync(join(folder, `supervisor-${process.pid}-00000000-1.lock`), '');
  acquireDataLock(folder).release();
  assert.is(existsSync(join(folder, `supervisor-${process.pid}-00000000-1.lock`)), false);
  const parent = processIdentity(process.ppid) ?? '';
  writeFileSync(join(folder, `supervisor-${parent}.lock`), '');
  throwsCode(() => acquireDataLock(folder), 'ALREADY_RUNNING');
  rmSync(join(folder, `supervisor-${parent}.lock`));
  acquireDataLock(folder).release();
});

test('a process is told from another one with its pid', () => {
  const self = processIdentity(process.pid) ?? '';
  assert.ok(identityLives(self));
  assert.is(identityLives(`${self}0`), false);
  assert.is(processIdentity(2 ** 30), null);
});

test('cluster.json comes back as it was written; anything else is no cluster.json', ({ folder }) => {
  assert.is(readClusterFile(folder), null);
  const file = { port: 1, control: 'http://127.0.0.1:131', startedAt: 'x', processes: [] };
  writeClusterFile(folder, file);
  assert.equal(readClusterFile(folder), { ...file, folder: folderIdentity(folder) });
  assert.is(statSync(join(folder, 'cluster.json')).mode & 0o777, 0o600);
  for (const bad of ['', '[]', '{}', '{"port":"1","control":"x","processes":[]}', 'null']) {
    writeFileSync(join(folder, 'cluster.json'), bad);
    assert.is(readClusterFile(folder), null, bad);
  }
});

test('a copy of a folder shares its shape and none of its processes; a renamed folder is the same', ({
  folder,
}) => {
  const [original, copy, renamed] = [join(folder, 'data'), join(folder, 'copy'), join(folder, 'renamed')];
  mkdirSync(original);
  wroteReplicas(original, 1, 2, 3, 4, 5);
  cpSync(original, copy, { recursive: true });
  assert.is(processesOf(original).length, 5);
  assert.equal(processesOf(copy), []);
  throwsCode(() => readClusterFile(copy), 'COPIED_FOLDER');
  assert.equal(replicasOf(copy, undefined), [1, 2, 3, 4, 5]);
  renameSync(original, renamed);
  assert.is(processesOf(renamed).length, 5);
});

function wroteReplicas(folder: string, ...numbers: readonly number[]): void {
  const processes = numbers.map((number) => ({
    ...({ role: 'replica', pid: null, identity: null, url: '', data: '', command: [] } as const),
    id: `replica-${number}`,
  }));
  writeClusterFile(folder, { port: 1, control: '', startedAt: '', processes });
}

test('a new cluster has as many replicas as asked for; one that ran has those that it had', ({ folder }) => {
  assert.equal(replicasOf(folder, undefined), [1, 2, 3]);
  assert.equal(replicasOf(folder, 5), [1, 2, 3, 4, 5]);
  wroteReplicas(folder, 1, 3, 4);
  assert.equal(replicasOf(folder, undefined), [1, 3, 4]);
  assert.equal(replicasOf(folder, 3), [1, 3, 4]);
  throwsCode(() => replicasOf(folder, 5), 'BAD_OPTION');
});

test('only in a folder that was never used a group is founded', ({ folder }) => {
  const token = (n: number): boolean => existsSync(join(folder, `replica-${n}`, 'bootstrap'));
  mkdirSync(join(folder, 'replica-2', 'log'), { recursive: true });
  foundGroup(folder, [1, 2, 3]);
  assert.equal([1, 2, 3].map(token), [false, false, false]);
  rmSync(join(folder, 'replica-2'), { recursive: true });
  foundGroup(folder, [1, 2, 3]);
  assert.equal([1, 2, 3].map(token), [true, true, true]);
  rmSync(join(folder, 'replica-1'), { recursive: true });
  wroteReplicas(folder, 1, 2, 3);
  foundGroup(folder, [1, 2, 3]);
  assert.not.ok(token(1), 'it lost its data');
});

test('a folder that is moved aside is kept, however often', ({ folder }) => {
  const path = join(folder, 'replica-2');
  assert.is(setAside(path, AT), null);
  for (const end of ['', '-2']) {
    mkdirSync(path);
    const aside = `${path}.old-20260131T235959Z${end}`;
    assert.is(setAside(path, AT), aside);
    assert.ok(existsSync(aside));
  }
  writeFileSync(join(folder, 'secret'), '');
  emptyDataFolder(folder);
  assert.not.ok(
    existsSync(`${path}.old-20260131T235959Z`),
    'it is the cluster’s own, if a new one is to begin',
  );
});

test('a log that is full makes room and keeps the one before', ({ folder }) => {
  const path = join(folder, 'a.log');
  const log = new LogFile(path, 8);
  for (const line of ['first', 'second', 'third']) log.append(line);
  log.close();
  assert.is(readFileSync(`${path}.1`, 'utf8'), 'first\nsecond\n');
  const again = new LogFile(path, 8);
  again.append('4');
  again.close();
  assert.is(readFileSync(path, 'utf8'), 'third\n4\n');
});

test.run();
