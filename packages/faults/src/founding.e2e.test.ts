/** Real replicas that keep the --bootstrap flag after founding, and a second process of the same replica. */
import { cpSync, existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ManualCluster } from './testing/manual-cluster.js';

const test = suite<{ run: ManualCluster }>('founding by hand');

test.before.each(async (context) => {
  context.run = await ManualCluster.open();
});
test.after.each(async ({ run }) => run.close());

const USAGE = 64;
const WAITS = 'waiting for all replicas to confirm that they are empty';

async function statusOf(url: string): Promise<{ id: string; term: number; bookHash: string }> {
  return (await (await fetch(`${url}/status`)).json()) as { id: string; term: number; bookHash: string };
}

test('wiped replica with --bootstrap founds no second group: it waits for all replicas, and exits if a group exists', async ({
  run,
}) => {
  run.startCatalog();
  run.startFrontend();
  const bootstrap = true;
  const one = run.startReplica(1, { bootstrap });
  const two = run.startReplica(2, { bootstrap });
  await Promise.all([run.waitForOutput(one, WAITS), run.waitForOutput(two, WAITS)]);
  assert.match(one.output(), /"missing":\{[^}]*"3":/);
  assert.not.ok(existsSync(join(run.dataOf(1), 'log')) || existsSync(join(run.dataOf(2), 'log')));
  const three = run.startReplica(3, { bootstrap });
  assert.is(await run.placeOrder(), 1);
  await run.kill(three);
  assert.equal([await run.placeOrder(), await run.placeOrder()], [2, 3]);

  await run.kill(two);
  rmSync(run.dataOf(2), { recursive: true });
  const beside = run.startReplica(2, { bootstrap });
  assert.is(await beside.exitCode, USAGE);
  assert.match(
    beside.output(),
    /replica 1 already runs as member.*--bootstrap.*trireme\.js members rejoin 2 /,
  );
  assert.not.ok(existsSync(join(run.dataOf(2), 'log')));

  await run.kill(one);
  const alone = run.startReplica(2, { bootstrap });
  await run.waitForOutput(alone, WAITS);
  run.startReplica(1, { bootstrap });
  assert.is(await alone.exitCode, USAGE, 'replica 1 has restarted with its log');
  run.startReplica(3, { bootstrap });
  assert.is(await run.placeOrder(), 4, 'no order was lost');
});

test('replicas with --bootstrap name the one that was started without it, and found the group once it has the flag', async ({
  run,
}) => {
  run.startCatalog();
  run.startFrontend();
  const early = run.startReplica(2);
  await run.waitForOutput(early, 'replica listens');
  const bootstrap = true;
  const one = run.startReplica(1, { bootstrap });
  await run.waitForOutput(
    one,
    'started without --bootstrap and waiting to be added to a group, as member 2.',
  );
  const three = run.startReplica(3, { bootstrap });
  await run.waitForOutput(three, 'started without --bootstrap');
  await run.kill(early);
  run.startReplica(2, { bootstrap });
  assert.is(await run.placeOrder(), 1);
  assert.is((await statusOf(run.urlOf(2))).id, '2');
});

test('second process on a data folder exits before it writes, even while the first one only waits', async ({
  run,
}) => {
  const one = run.startReplica(1, { bootstrap: true });
  await run.waitForOutput(one, WAITS);
  const files = readdirSync(run.dataOf(1));
  const second = run.startReplica(1, { port: run.sparePort(0), peerPorts: { 1: run.sparePort(1) } });
  assert.is(await second.exitCode, USAGE);
  assert.match(second.output(), /another process uses \S+replica-1/);
  assert.equal(readdirSync(run.dataOf(1)), files);
  assert.is(one.child.exitCode, null);
});

test('replica whose --peers point to the wrong replicas exits and founds no group', async ({ run }) => {
  const bootstrap = true;
  const [one, two] = [run.startReplica(1, { bootstrap }), run.startReplica(2, { bootstrap })];
  await Promise.all([run.waitForOutput(one, WAITS), run.waitForOutput(two, WAITS)]);
  const swapped = run.startReplica(3, {
    bootstrap,
    peerPorts: { 1: run.peerPortOf(2), 2: run.peerPortOf(1) },
  });
  assert.is(await swapped.exitCode, USAGE);
  assert.match(swapped.output(), /replica 2 answers at the address that --peers gives to replica 1/);
  const twice = run.startReplica(3, { bootstrap, peerPorts: { 2: run.peerPortOf(1) } });
  assert.is(await twice.exitCode, USAGE);
  assert.match(twice.output(), /--peers: replicas 1 and 2 have the same address/);
});

test('second process of a replica is refused and exits, the first one continues; a moved replica is dialed at its new address', async ({
  run,
}) => {
  run.startCatalog();
  run.startFrontend();
  const bootstrap = true;
  const founders = [1, 2, 3].map((n) => run.startReplica(n, { bootstrap }));
  assert.is(await run.placeOrder(), 1);
  for (const founder of founders) await run.kill(founder);
  const copyData = join(run.folder, 'copy');
  cpSync(run.dataOf(2), copyData, { recursive: true });

  const [copyPeer, copyPort, moved] = [run.sparePort(0), run.sparePort(1), run.sparePort(2)];
  const peerPorts = { 2: moved };
  const one = run.startReplica(1, { peerPorts });
  const two = run.startReplica(2, { peerPorts });
  assert.is(await run.placeOrder(), 2, 'replica 1 and the moved replica 2 form a majority');
  const copy = run.startReplica(2, { data: copyData, peerPorts: { 2: copyPeer }, port: copyPort });
  assert.is(await copy.exitCode, USAGE);
  const both = new RegExp(`two processes claim to be member 2: the one at http://127.0.0.1:${moved},.*`);
  assert.match(copy.output(), both);
  assert.match(
    copy.output(),
    new RegExp(`at http://127.0.0.1:${copyPeer}; .*Stop the process that runs on the copy`),
  );
  assert.match(one.output(), both);
  const { term } = await statusOf(run.urlOf(1));
  assert.is(await run.placeOrder(), 3);
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
