/** Whether a flag or the log wins, across restarts. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { UsageError } from '@trireme/service';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { addressComparisonWriter, readAddressComparisons } from './address-file.js';
import { MemberAddresses } from '../rules/group/member-addresses.js';
import { withFolder } from '../testing/folders.js';
import { until } from '../testing/test-replica.js';

const [FLAG, LOGGED, LATER, MOVED] = [1, 2, 3, 4].map((n) => `http://10.0.0.${n}:8201`) as [
  string,
  string,
  string,
  string,
];

/** Starts a replica with a flag that puts replica 2 at `peerUrl`. */
async function start(data: string, peerUrl: string): Promise<MemberAddresses> {
  return new MemberAddresses(
    new Map([['2', { peerUrl, url: null }]]),
    await readAddressComparisons(data),
    addressComparisonWriter(data, (error) => {
      throw error;
    }),
  );
}

const storedText = (data: string): string => {
  const path = join(data, 'addresses');
  return existsSync(path) ? readFileSync(path, 'utf8') : '';
};

test('resolve after a restart: a newer address of the log beats an old flag, a changed flag beats the log', async () => {
  await withFolder(async (data) => {
    const first = await start(data, FLAG);
    assert.is(first.resolve('2', LOGGED)?.peerUrl, FLAG);
    assert.is(first.resolve('2', LATER)?.peerUrl, LATER);
    await until(() => storedText(data).includes(LOGGED), 'the stored comparison');
    const second = await start(data, FLAG);
    assert.is(
      second.resolve('2.00c9a315', LATER)?.peerUrl,
      LATER,
      'the first address resolved after the restart',
    );
    const third = await start(data, MOVED);
    assert.is(third.resolve('2.00c9a315', LATER)?.peerUrl, MOVED);
    await until(() => storedText(data).includes(MOVED), 'the stored comparison');
    const fourth = await start(data, MOVED);
    assert.is(fourth.resolve('2.00c9a315', LATER)?.peerUrl, MOVED);
    assert.is(fourth.resolve('2.00c9a315', LOGGED)?.peerUrl, LOGGED);
  });
});

test('readAddressComparisons rejects a damaged file and says what to do', async () => {
  await withFolder(async (data) => {
    for (const text of ['{"2":', '[]', '{"2":["x"]}', '']) {
      writeFileSync(join(data, 'addresses'), text);
      const error: unknown = await readAddressComparisons(data).catch((reason: unknown) => reason);
      assert.ok(error instanceof UsageError, text);
      assert.match(error.message, /addresses is damaged\. Remove it/);
    }
  });
});

test.run();
