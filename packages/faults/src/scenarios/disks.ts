/** Disks that fail, hang, are slow or full, or lose their power. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ProcessExit } from '@trireme/cluster';
import { ScenarioError, type Run } from '../run/run.js';
import type { Hindrance } from '../run/hindrance.js';
import { limitFileSizes } from '../run/limits.js';
import type { Preparation, Scenario } from '../run/scenario.js';
import {
  cutPower,
  fillDisk,
  mountLoopDisk,
  mountSmallDisk,
  orderSyncs,
  restorePower,
  setReadOnly,
  unsoundSyncs,
  type SyncOrder,
} from '../run/disks.js';

/** Of a process that stops because its disk is full. */
const FULL_EXIT_CODE = 74;

const REPLICAS = ['replica-1', 'replica-2', 'replica-3'];

function withUnsoundSyncs(dataDir: string): Preparation {
  return { hindrances: Object.fromEntries(REPLICAS.map((name) => [name, unsoundSyncs(dataDir, name)])) };
}

function mountAll(mount: (name: string) => () => void): Preparation {
  const undone: (() => void)[] = [];
  for (const name of REPLICAS) undone.push(mount(name));
  return { undo: () => undone.forEach((undo) => undo()) };
}

function syncs(run: Run, name: string, order: SyncOrder): void {
  run.note(`syncs of ${name}: ${order}`);
  orderSyncs(run.dataDir, name, order);
}

/** Its syncs fail, so it stops; with a sound disk it comes back. */
async function failSyncs(run: Run, name: string): Promise<void> {
  run.expectEnd(name);
  syncs(run, name, 'fail');
  await run.down(name);
  syncs(run, name, 'sound');
  await run.start(name);
  await run.progress();
}

/** Its disk is full, so it stops and says why; started again, it waits for room, and then goes on. */
async function fillUp(run: Run, name: string): Promise<void> {
  run.expectEnd(name);
  const ends: ProcessExit[] = [];
  run.cluster.on('exit', (end) => ends.push(end));
  run.note(`the disk of ${name} is full`);
  const makeRoom = fillDisk(run.dataDir, name);
  await run.down(name);
  const code = ends.find((end) => end.name === name)?.code;
  if (code !== FULL_EXIT_CODE) throw new ScenarioError(`${name} ended with code ${code}`);
  const waits = (): number => readFileSync(logFile(run, name), 'utf8').split('waits for room').length;
  const before = waits();
  run.note(`start ${name} beside its full disk`);
  await run.cluster.startProcess(name);
  await run.until(`${name} waits for room`, () => waits() > before);
  if (!run.isUp(name) || (await run.isReady(name))) throw new ScenarioError(`${name} does not wait`);
  makeRoom();
  run.note(`there is room on the disk of ${name}`);
  await run.cluster.waitProcessReady(name);
  await run.progress();
}

/** No file of it may grow any more, so it stops; without that limit it comes back. */
async function stopGrowth(run: Run, name: string): Promise<void> {
  run.expectEnd(name);
  limitFileSizes(run, name);
  await run.down(name);
  await run.start(name);
  await run.progress();
}

/** Its disk takes no writes when it starts, so it ends; once it does, it goes on. */
async function startReadOnly(run: Run, name: string): Promise<void> {
  run.expectEnd(name);
  await run.kill(name);
  setReadOnly(run.dataDir, name, true);
  run.note(`start ${name} beside a disk that only reads`);
  await run.cluster.startProcess(name);
  await run.down(name);
  setReadOnly(run.dataDir, name, false);
  await run.start(name);
  await run.progress();
}

const logFile = (run: Run, name: string): string => join(run.dataDir, 'logs', `${name}.log`);

/** Kills a process as it enters its `nth` sync after its start. */
function deathAtSync(nth: number): Hindrance {
  const inject = `inject=fdatasync,fsync:signal=KILL:when=${nth}`;
  const wrapper = [
    'strace',
    '-D',
    '-f',
    '-qq',
    '-o',
    '/dev/null',
    '-e',
    'trace=fdatasync,fsync',
    '-e',
    inject,
  ];
  return { wrapper };
}

async function dieAtSyncs(run: Run, name: string, nths: readonly number[]): Promise<void> {
  run.expectEnd(name);
  for (const nth of nths) {
    await run.kill(name);
    run.hinder(name, deathAtSync(nth));
    run.note(`start ${name}, to die at sync ${nth}`);
    await run.cluster.startProcess(name);
    await run.down(name);
    run.hinder(name, null);
    await run.start(name);
    await run.progress(20);
  }
}

/** @param others without a disk: they are killed */
async function losePower(run: Run, names: readonly string[], others: readonly string[] = []): Promise<void> {
  run.note(`the power of ${names.join(', ')} is cut`);
  for (const name of names) {
    run.expectEnd(name);
    cutPower(run.dataDir, name);
  }
  for (const name of [...names, ...others]) if (run.isUp(name)) await run.kill(name).catch(() => undefined);
  for (const name of names) restorePower(run.dataDir, name);
  run.note('the power is back');
  for (const name of [...names, ...others]) await run.cluster.startProcess(name);
  for (const name of [...names, ...others]) await run.cluster.waitProcessReady(name);
  await run.progress();
}

export const DISKS: readonly Scenario[] = [
  {
    name: 'syncs fail on the leader, then on a follower: each stops, and nothing is acknowledged that is lost',
    everyday: true,
    needs: ['compiler'],
    prepare: withUnsoundSyncs,
    script: async (run) => {
      await failSyncs(run, await run.leader());
      const [follower = ''] = await run.followers();
      await failSyncs(run, follower);
    },
  },
  {
    name: 'syncs hang on the leader for three seconds: it gives way to another one long before',
    needs: ['compiler'],
    prepare: withUnsoundSyncs,
    bounds: { gapMsMax: 2_000 },
    script: async (run) => {
      const leader = await run.leader();
      syncs(run, leader, 'hang');
      await run.sleep(3_000);
      syncs(run, leader, 'sound');
      await run.progress();
    },
  },
  {
    name: 'syncs are slow on a follower, and the others are not slowed',
    needs: ['compiler'],
    prepare: withUnsoundSyncs,
    bounds: { gapMsMax: 1_000 },
    script: async (run) => {
      const [follower = ''] = await run.followers();
      syncs(run, follower, 'slow 200');
      await run.sleep(5_000);
      syncs(run, follower, 'sound');
    },
  },
  {
    name: 'syncs are slow on the leader: orders take longer, and none is lost',
    needs: ['compiler'],
    prepare: withUnsoundSyncs,
    script: async (run) => {
      const leader = await run.leader();
      syncs(run, leader, 'slow 100');
      await run.sleep(3_000);
      await run.progress();
      syncs(run, leader, 'sound');
      await run.progress();
    },
  },
  {
    name: 'syncs are slow everywhere',
    needs: ['compiler'],
    prepare: withUnsoundSyncs,
    script: async (run) => {
      for (const name of REPLICAS) syncs(run, name, 'slow 60');
      await run.sleep(6_000);
      for (const name of REPLICAS) syncs(run, name, 'sound');
      await run.progress();
    },
  },
  {
    name: 'the disk of the leader is full, then that of a follower',
    everyday: true,
    needs: ['root'],
    prepare: (dataDir) => mountAll((name) => mountSmallDisk(dataDir, name, 48)),
    script: async (run) => {
      await fillUp(run, await run.leader());
      const [follower = ''] = await run.followers();
      await fillUp(run, follower);
    },
  },
  {
    name: 'files may grow no further at the leader, then at a follower: each stops, and comes back',
    needs: ['prlimit'],
    script: async (run) => {
      await stopGrowth(run, await run.leader());
      const [follower = ''] = await run.followers();
      await stopGrowth(run, follower);
    },
  },
  {
    name: 'a follower, then the leader is started beside a disk that only reads: it says so and stops, and comes back',
    needs: ['root'],
    prepare: (dataDir) => mountAll((name) => mountSmallDisk(dataDir, name, 48)),
    script: async (run) => {
      const [follower = ''] = await run.followers();
      await startReadOnly(run, follower);
      await startReadOnly(run, await run.leader());
    },
  },
  {
    name: 'a replica is killed as it enters a sync',
    needs: ['strace'],
    script: async (run) => {
      for (const nth of [1, 4, 5, 9, 23, 48]) await dieAtSyncs(run, await run.leader(), [nth]);
    },
  },
  {
    name: 'one replica loses its power, the leader first',
    needs: ['root', 'compiler', 'loop device'],
    prepare: (dataDir) => mountAll((name) => mountLoopDisk(dataDir, name, 64)),
    script: async (run) => {
      await losePower(run, [await run.leader()]);
      const [follower = ''] = await run.followers();
      await losePower(run, [follower]);
    },
  },
  {
    name: 'all replicas lose their power at once, and the catalogs are killed with them',
    needs: ['root', 'compiler', 'loop device'],
    prepare: (dataDir) => mountAll((name) => mountLoopDisk(dataDir, name, 64)),
    script: async (run) => {
      await losePower(run, REPLICAS, ['catalog-1', 'catalog-2']);
      await losePower(run, REPLICAS, ['catalog-1', 'catalog-2']);
    },
  },
];
