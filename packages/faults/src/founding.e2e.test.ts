/** Replicas that are started with --bootstrap left on, and a second process of one replica, on real processes. */
import { cpSync, existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { HandRun } from './testing/hand-run.js';

const test = suite<{ run: HandRun }>('founding by hand');

test.before.each(async (context) => {
  context.run = await HandRun.open();
});
test.after.each(async ({ run }) => run.close());

const USAGE = 64;
const WAITS = 'waits until every replica has said that it is empty';

async function statusOf(url: string): Promise<{ id: string; term: number; bookHash: string }> {
  return (await (await fetch(`${url}/status`)).json()) as { id: string; term: number; bookHash: string };
}

test('with --bootstrap left on a wiped replica founds nothing: it waits for all, and refuses where there is a group', async ({
  run,
}) => {
  run.catalog();
  run.frontend();
  const bootstrap = true;
  const one = run.replica(1, { bootstrap });
  const two = run.replica(2, { bootstrap });
  await Promise.all([run.wrote(one, WAITS), run.wrote(two, WAITS)]);
  assert.match(one.output(), /"missing":\{[^}]*"3":/);
  assert.not.ok(existsSync(join(run.dataOf(1), 'log')) || existsSync(join(run.dataOf(2), 'log')));
  const three = run.replica(3, { bootstrap });
  assert.is(await run.order(), 1);
  await run.kill(three);
  assert.equal([await run.order(), await run.order()], [2, 3]);

  await run.kill(two);
  rmSync(run.dataOf(2), { recursive: true });
  const beside = run.replica(2, { bootstrap });
  assert.is(await beside.ended, USAGE);
  assert.match(beside.output(), /replica 1 runs already.*--bootstrap.*trireme\.js members rejoin 2 /);
  assert.not.ok(existsSync(join(run.dataOf(2), 'log')));

  await run.kill(one);
  const alone = run.replica(2, { bootstrap });
  await run.wrote(alone, WAITS);
  run.replica(1, { bootstrap });
  assert.is(await alone.ended, USAGE, 'the other one has come back with its log');
  run.replica(3, { bootstrap });
  assert.is(await run.order(), 4, 'nothing was lost');
});

test('a replica that was started without --bootstrap at first is waited for by name, and founds with the others once it has the flag', async ({
  run,
}) => {
  run.catalog();
  run.frontend();
  const early = run.replica(2);
  await run.wrote(early, 'replica listens');
  const bootstrap = true;
  const one = run.replica(1, { bootstrap });
  await run.wrote(one, 'it was started without --bootstrap and waits to be let into a group, as member 2.');
  const three = run.replica(3, { bootstrap });
  await run.wrote(three, 'it was started without --bootstrap');
  await run.kill(early);
  run.replica(2, { bootstrap });
  assert.is(await run.order(), 1);
  assert.is((await statusOf(run.urlOf(2))).id, '2');
});

test('a second process on one data folder ends before it writes anything there, though its replica only waits', async ({
  run,
}) => {
  const one = run.replica(1, { bootstrap: true });
  await run.wrote(one, WAITS);
  const files = readdirSync(run.dataOf(1));
  const second = run.replica(1, { port: run.sparePort(0), peerPorts: { 1: run.sparePort(1) } });
  assert.is(await second.ended, USAGE);
  assert.match(second.output(), /another process uses \S+replica-1/);
  assert.equal(readdirSync(run.dataOf(1)), files);
  assert.is(one.child.exitCode, null);
});

test('a replica whose --peers lead to others than they name founds nothing', async ({ run }) => {
  const bootstrap = true;
  const [one, two] = [run.replica(1, { bootstrap }), run.replica(2, { bootstrap })];
  await Promise.all([run.wrote(one, WAITS), run.wrote(two, WAITS)]);
  const swapped = run.replica(3, { bootstrap, peerPorts: { 1: run.peerPortOf(2), 2: run.peerPortOf(1) } });
  assert.is(await swapped.ended, USAGE);
  assert.match(swapped.output(), /replica 2 answers at the address that --peers gives to replica 1/);
  const twice = run.replica(3, { bootstrap, peerPorts: { 2: run.peerPortOf(1) } });
  assert.is(await twice.ended, USAGE);
  assert.match(twice.output(), /--peers: replicas 1 and 2 have the same address/);
});

test('a second process of one replica is refused by name and ends, and the first one goes on; a moved one is dialed where the flags say', async ({
  run,
}) => {
  run.catalog();
  run.frontend();
  const bootstrap = true;
  const founders = [1, 2, 3].map((n) => run.replica(n, { bootstrap }));
  assert.is(await run.order(), 1);
  for (const founder of founders) await run.kill(founder);
  const copyData = join(run.folder, 'copy');
  cpSync(run.dataOf(2), copyData, { recursive: true });

  const [copyPeer, copyPort, moved] = [run.sparePort(0), run.sparePort(1), run.sparePort(2)];
  const peerPorts = { 2: moved };
  const one = run.replica(1, { peerPorts });
  const two = run.replica(2, { peerPorts });
  assert.is(await run.order(), 2, 'a majority of one and the moved one');
  const copy = run.replica(2, { data: copyData, peerPorts: { 2: copyPeer }, port: copyPort });
  assert.is(await copy.ended, USAGE);
  const both = new RegExp(
    `two processes say that they are member 2: the one at http://127.0.0.1:${moved},.*`,
  );
  assert.match(copy.output(), both);
  assert.match(
    copy.output(),
    new RegExp(`at http://127.0.0.1:${copyPeer}; .*Stop the one that runs on the copy`),
  );
  assert.match(one.output(), both);
  const { term } = await statusOf(run.urlOf(1));
  assert.is(await run.order(), 3);
  const after = await Promise.all([statusOf(run.urlOf(1)), statusOf(run.urlOf(2))]);
  assert.equal(
    after.map((status) => [status.id, status.term]),
    [
      ['1', term],
      ['2', term],
    ],
  );
  assert.is(two.child.exitCode, null);
});

test.run();
