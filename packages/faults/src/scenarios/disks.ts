/** Disks that fail, hang, are slow or full, or lose power. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ClusterProcessExit } from '@trireme/cluster';
import { ScenarioError, type ScenarioRun } from '../run/scenario-run.js';
import type { FaultEnvironment } from '../run/fault-environment.js';
import { limitFileSizes } from '../run/resource-limits.js';
import type { Preparation, Scenario } from '../run/scenario.js';
import {
  losePower,
  fillDisk,
  mountLoopDisk,
  mountSmallDisk,
  setSyncMode,
  restorePower,
  setReadOnly,
  controllableSyncs,
  type SyncMode,
} from '../run/disks.js';

/** Exit code of a process that stops because its disk is full. */
const FULL_EXIT_CODE = 74;

const REPLICAS = ['replica-1', 'replica-2', 'replica-3'];

function withUnsoundSyncs(dataDir: string): Preparation {
  return {
    environments: Object.fromEntries(REPLICAS.map((name) => [name, controllableSyncs(dataDir, name)])),
  };
}

function mountAll(mount: (name: string) => () => void): Preparation {
  const unmounts: (() => void)[] = [];
  for (const name of REPLICAS) unmounts.push(mount(name));
  return { cleanUp: () => unmounts.forEach((unmount) => unmount()) };
}

function setSyncs(run: ScenarioRun, name: string, mode: SyncMode): void {
  run.note(`syncs of ${name}: ${mode}`);
  setSyncMode(run.dataDir, name, mode);
}

/** Makes the syncs of a process fail, so that it stops; then restarts it with a sound disk. */
async function failSyncs(run: ScenarioRun, name: string): Promise<void> {
  run.expectExit(name);
  setSyncs(run, name, 'fail');
  await run.waitUntilDown(name);
  setSyncs(run, name, 'sound');
  await run.start(name);
  await run.waitForOrders();
}

/**
 * Fills the disk of a process, which stops with its exit code; restarted, it waits for free space and then
 * continues.
 */
async function fillUp(run: ScenarioRun, name: string): Promise<void> {
  run.expectExit(name);
  const ends: ClusterProcessExit[] = [];
  run.cluster.on('exit', (end) => ends.push(end));
  run.note(`fill the disk of ${name}`);
  const freeSpace = fillDisk(run.dataDir, name);
  await run.waitUntilDown(name);
  const code = ends.find((end) => end.name === name)?.code;
  if (code !== FULL_EXIT_CODE)
    throw new ScenarioError(`${name} exited with code ${code}, not ${FULL_EXIT_CODE}`);
  const waits = (): number => readFileSync(logFile(run, name), 'utf8').split('waiting for free space').length;
  const before = waits();
  run.note(`start ${name} on its full disk`);
  await run.cluster.startProcess(name);
  await run.waitUntil(`${name} waits for free space`, () => waits() > before);
  if (!run.isUp(name) || (await run.isReady(name)))
    throw new ScenarioError(`${name} does not wait for free space: it has exited or is ready`);
  freeSpace();
  run.note(`free space on the disk of ${name}`);
  await run.cluster.awaitProcessReady(name);
  await run.waitForOrders();
}

/** Limits the file size of a process, so that it stops; then restarts it without the limit. */
async function stopGrowth(run: ScenarioRun, name: string): Promise<void> {
  run.expectExit(name);
  limitFileSizes(run, name);
  await run.waitUntilDown(name);
  await run.start(name);
  await run.waitForOrders();
}

/** Restarts a process on a read-only disk, where it exits; then restarts it on the writable disk. */
async function startReadOnly(run: ScenarioRun, name: string): Promise<void> {
  run.expectExit(name);
  await run.kill(name);
  setReadOnly(run.dataDir, name, true);
  run.note(`start ${name} on a read-only disk`);
  await run.cluster.startProcess(name);
  await run.waitUntilDown(name);
  setReadOnly(run.dataDir, name, false);
  await run.start(name);
  await run.waitForOrders();
}

const logFile = (run: ScenarioRun, name: string): string => join(run.dataDir, 'logs', `${name}.log`);

/** Kills a process when it enters its `nth` sync after its start. */
function deathAtSync(nth: number): FaultEnvironment {
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

async function dieAtSyncs(run: ScenarioRun, name: string, nths: readonly number[]): Promise<void> {
  run.expectExit(name);
  for (const nth of nths) {
    await run.kill(name);
    run.setFaultEnvironment(name, deathAtSync(nth));
    run.note(`start ${name}, then kill it at sync ${nth}`);
    await run.cluster.startProcess(name);
    await run.waitUntilDown(name);
    run.setFaultEnvironment(name, null);
    await run.start(name);
    await run.waitForOrders(20);
  }
}

/**
 * Power loss of processes on loop disks.
 * @param others processes without a disk, which are killed at the same time
 */
async function losePowerOf(
  run: ScenarioRun,
  names: readonly string[],
  others: readonly string[] = [],
): Promise<void> {
  run.note(`power loss of ${names.join(', ')}`);
  for (const name of names) {
    run.expectExit(name);
    losePower(run.dataDir, name);
  }
  for (const name of [...names, ...others]) if (run.isUp(name)) await run.kill(name).catch(() => undefined);
  for (const name of names) restorePower(run.dataDir, name);
  run.note('power restored');
  for (const name of [...names, ...others]) await run.cluster.startProcess(name);
  for (const name of [...names, ...others]) await run.cluster.awaitProcessReady(name);
  await run.waitForOrders();
}

export const DISKS: readonly Scenario[] = [
  {
    name: 'syncs fail on the leader, then on a follower: each stops, and no acknowledged order is lost',
    everyday: true,
    needs: ['compiler'],
    prepare: withUnsoundSyncs,
    script: async (run) => {
      await failSyncs(run, await run.waitForLeader());
      const [follower = ''] = await run.waitForFollowers();
      await failSyncs(run, follower);
    },
  },
  {
    name: 'syncs hang on the leader for three seconds: another replica takes over long before that',
    needs: ['compiler'],
    prepare: withUnsoundSyncs,
    bounds: { gapMsMax: 2_000 },
    script: async (run) => {
      const leader = await run.waitForLeader();
      setSyncs(run, leader, 'hang');
      await run.sleep(3_000);
      setSyncs(run, leader, 'sound');
      await run.waitForOrders();
    },
  },
  {
    name: 'syncs are slow on a follower: orders continue without delay',
    needs: ['compiler'],
    prepare: withUnsoundSyncs,
    bounds: { gapMsMax: 1_000 },
    script: async (run) => {
      const [follower = ''] = await run.waitForFollowers();
      setSyncs(run, follower, 'slow 200');
      await run.sleep(5_000);
      setSyncs(run, follower, 'sound');
    },
  },
  {
    name: 'syncs are slow on the leader: orders take longer, and none is lost',
    needs: ['compiler'],
    prepare: withUnsoundSyncs,
    script: async (run) => {
      const leader = await run.waitForLeader();
      setSyncs(run, leader, 'slow 100');
      await run.sleep(3_000);
      await run.waitForOrders();
      setSyncs(run, leader, 'sound');
      await run.waitForOrders();
    },
  },
  {
    name: 'syncs are slow on all replicas',
    needs: ['compiler'],
    prepare: withUnsoundSyncs,
    script: async (run) => {
      for (const name of REPLICAS) setSyncs(run, name, 'slow 60');
      await run.sleep(6_000);
      for (const name of REPLICAS) setSyncs(run, name, 'sound');
      await run.waitForOrders();
    },
  },
  {
    name: 'the disk of the leader is full, then the disk of a follower',
    needs: ['root'],
    prepare: (dataDir) => mountAll((name) => mountSmallDisk(dataDir, name, 48)),
    script: async (run) => {
      await fillUp(run, await run.waitForLeader());
      const [follower = ''] = await run.waitForFollowers();
      await fillUp(run, follower);
    },
  },
  {
    name: 'a file size limit stops the leader, then a follower: each restarts without the limit',
    needs: ['prlimit'],
    script: async (run) => {
      await stopGrowth(run, await run.waitForLeader());
      const [follower = ''] = await run.waitForFollowers();
      await stopGrowth(run, follower);
    },
  },
  {
    name: 'a follower, then the leader, starts on a read-only disk: it exits, and restarts once the disk is writable',
    needs: ['root'],
    prepare: (dataDir) => mountAll((name) => mountSmallDisk(dataDir, name, 48)),
    script: async (run) => {
      const [follower = ''] = await run.waitForFollowers();
      await startReadOnly(run, follower);
      await startReadOnly(run, await run.waitForLeader());
    },
  },
  {
    name: 'a replica is killed when it enters a sync',
    needs: ['strace'],
    script: async (run) => {
      for (const nth of [1, 4, 5, 9, 23, 48]) await dieAtSyncs(run, await run.waitForLeader(), [nth]);
    },
  },
  {
    name: 'the leader loses power, then a follower',
    needs: ['root', 'compiler', 'loop device'],
    prepare: (dataDir) => mountAll((name) => mountLoopDisk(dataDir, name, 64)),
    script: async (run) => {
      await losePowerOf(run, [await run.waitForLeader()]);
      const [follower = ''] = await run.waitForFollowers();
      await losePowerOf(run, [follower]);
    },
  },
  {
    name: 'all replicas lose power at once, and the catalogs are killed with them',
    needs: ['root', 'compiler', 'loop device'],
    prepare: (dataDir) => mountAll((name) => mountLoopDisk(dataDir, name, 64)),
    script: async (run) => {
      await losePowerOf(run, REPLICAS, ['catalog-1', 'catalog-2']);
      await losePowerOf(run, REPLICAS, ['catalog-1', 'catalog-2']);
    },
  },
];
