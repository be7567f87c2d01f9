/** Whether flag or log wins, over restarts. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { UsageError } from '@trireme/service';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { comparisonWriter, readComparisons } from './address-file.js';
import { MemberAddresses } from './rules/member-addresses.js';
import { withFolder } from './testing/folders.js';
import { until } from './testing/rig.js';

const [FLAG, LOGGED, LATER, MOVED] = [1, 2, 3, 4].map((n) => `http://10.0.0.${n}:8201`) as [
  string,
  string,
  string,
  string,
];

/** A start of a replica whose flags say that replica 2 is at `peerUrl`. */
async function start(data: string, peerUrl: string): Promise<MemberAddresses> {
  return new MemberAddresses(
    new Map([['2', { peerUrl, url: null }]]),
    await readComparisons(data),
    comparisonWriter(data, (error) => {
      throw error;
    }),
  );
}

const kept = (data: string): string => {
  const path = join(data, 'addresses');
  return existsSync(path) ? readFileSync(path, 'utf8') : '';
};

test('an old flag does not win over a newer address of the log after a restart; a changed flag does', async () => {
  await withFolder(async (data) => {
    const first = await start(data, FLAG);
    assert.is(first.resolve('2', LOGGED)?.peerUrl, FLAG);
    assert.is(first.resolve('2', LATER)?.peerUrl, LATER);
    await until(() => kept(data).includes(LOGGED), 'the file');
    const second = await start(data, FLAG);
    assert.is(second.resolve('2.00c9a315', LATER)?.peerUrl, LATER, 'the first that it hears of');
    const third = await start(data, MOVED);
    assert.is(third.resolve('2.00c9a315', LATER)?.peerUrl, MOVED);
    await until(() => kept(data).includes(MOVED), 'the file');
    const fourth = await start(data, MOVED);
    assert.is(fourth.resolve('2.00c9a315', LATER)?.peerUrl, MOVED);
    assert.is(fourth.resolve('2.00c9a315', LOGGED)?.peerUrl, LOGGED);
  });
});

test('a damaged file is refused by name, with what to do', async () => {
  await withFolder(async (data) => {
    for (const text of ['{"2":', '[]', '{"2":["x"]}', '']) {
      writeFileSync(join(data, 'addresses'), text);
      const error: unknown = await readComparisons(data).catch((reason: unknown) => reason);
      assert.ok(error instanceof UsageError, text);
      assert.match(error.message, /addresses is damaged\. Remove it/);
    }
  });
});

test.run();
