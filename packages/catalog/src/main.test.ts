/** The catalog as a process: its exit codes, and what a kill leaves behind. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { crc32 } from 'node:zlib';
import { pack } from '@trireme/domain';
import { Level } from 'level';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { IDENTITY_KEY, STORE_FORMAT } from './records.js';

const MAIN = fileURLToPath(new URL('./main.js', import.meta.url));

test('a catalog keeps its folder across a kill, and only one process has it', async () => {
  await inFolder(async (folder) => {
    const data = join(folder, 'data');
    const first = await running('--data', data);
    assert.equal([first.line['fresh'], first.line['stocks'], first.line['lastIndex']], [true, 10, 0]);
    assert.is(await exitCode('--data', data), 64, 'locked');
    first.child.kill('SIGKILL');
    await once(first.child, 'exit');
    const second = await running('--data', data);
    assert.is(second.line['fresh'], false);
    const live = await fetch(`http://127.0.0.1:${String(second.line['port'])}/livez`);
    assert.is(live.status, 200);
    assert.is(
      await exitCode('--data', join(folder, 'other'), '--port', String(second.line['port'])),
      69,
      'port taken',
    );
    second.child.kill('SIGTERM');
    const [code] = (await once(second.child, 'exit')) as [number | null];
    assert.is(code, 0);
  });
});

test('what cannot be run with ends the process with a code that says why', async () => {
  await inFolder(async (folder) => {
    const data = join(folder, 'data');
    const seed = join(folder, 'seed.json');
    await writeFile(seed, '[{"name":"A","price":1,"quantity":-1}]');
    assert.is(await exitCode(), 64, 'no data folder');
    assert.is(await exitCode('--data', data, '--lease-ms', '5000'), 64, 'lease too long');
    assert.is(await exitCode('--data', data, '--seed-file', seed), 64, 'bad seed');
    assert.is(await exitCode('--data', data, '--host', '0.0.0.0'), 64, 'no secret');
    const service = await running('--data', data);
    service.child.kill('SIGKILL');
    await once(service.child, 'exit');
    assert.is(await exitCode('--data', data, '--cluster', 'other'), 64, 'other cluster');
    await writeFormat(data, STORE_FORMAT + 1);
    assert.is(await exitCode('--data', data), 64, 'other format');
    await writeFormat(data, STORE_FORMAT);
    await rm(join(data, 'CURRENT'));
    assert.is(await exitCode('--data', data), 65, 'damaged');
  });
});

test('a folder that cannot be opened ends the process and is left alone', async () => {
  await inFolder(async (folder) => {
    const data = join(folder, 'file');
    await writeFile(data, 'x');
    assert.is(await exitCode('--data', data), 73);
    assert.equal(await readdir(folder), ['file']);
  });
});

/** Has the folder say that it is of another format, with a checksum that holds. */
async function writeFormat(data: string, format: number): Promise<void> {
  const payload = pack([format, 'trireme']);
  const checksum = Buffer.alloc(4);
  checksum.writeUInt32BE(crc32(payload, crc32(IDENTITY_KEY)));
  const database = new Level<Buffer, Buffer>(data, { keyEncoding: 'buffer', valueEncoding: 'buffer' });
  await database.put(IDENTITY_KEY, Buffer.concat([checksum, payload]));
  await database.close();
}

async function inFolder(use: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'trireme-catalog-'));
  try {
    await use(folder);
  } finally {
    for (const child of children.splice(0)) child.kill('SIGKILL');
    await rm(folder, { recursive: true, force: true });
  }
}

const children: ChildProcess[] = [];

/** Starts a catalog and waits until it listens. Returns that line of its log. */
async function running(
  ...flags: readonly string[]
): Promise<{ child: ChildProcess; line: Record<string, unknown> }> {
  const child = spawn(process.execPath, [MAIN, ...flags], { stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  for await (const text of createInterface({ input: child.stdout })) {
    const line = JSON.parse(text) as Record<string, unknown>;
    if (line['msg'] !== 'catalog listens') continue;
    child.stdout.resume();
    return { child, line };
  }
  throw new Error('the catalog ended before it listened');
}

async function exitCode(...flags: readonly string[]): Promise<number | null> {
  const child = spawn(process.execPath, [MAIN, ...flags], { stdio: 'ignore' });
  children.push(child);
  const [code] = (await once(child, 'exit')) as [number | null];
  return code;
}

test.run();
