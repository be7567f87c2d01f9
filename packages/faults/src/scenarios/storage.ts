/** Data folders that are outdated or damaged. */
import { cpSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ScenarioRun } from '../run/scenario-run.js';
import type { Scenario } from '../run/scenario.js';

/** Copies the data folder of a stopped process. @returns a function that restores the copy */
function copyData(run: ScenarioRun, name: string): () => void {
  const [folder, copy] = [join(run.dataDir, name), join(run.dataDir, `copy-of-${name}`)];
  cpSync(folder, copy, { recursive: true });
  return () => {
    run.note(`restore the old data of ${name}`);
    rmSync(folder, { recursive: true });
    cpSync(copy, folder, { recursive: true });
  };
}

function flipBitIn(run: ScenarioRun, name: string, within: string): void {
  const folder = join(run.dataDir, name, within);
  const [path = ''] = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.(log|ldb)$/.test(file))
    .map((file) => join(folder, file))
    .sort((a, b) => statSync(b).size - statSync(a).size);
  const bytes = readFileSync(path);
  const at = Math.floor(bytes.length / 2);
  bytes[at] = (bytes[at] ?? 0) ^ 4;
  writeFileSync(path, bytes);
  run.note(`flip a bit in the ${within} of ${name}`);
}

/** Starts a process that may reject its data, and waits until it is ready or has exited. */
async function startOrExit(run: ScenarioRun, name: string): Promise<void> {
  run.note(`start ${name}`);
  await run.cluster.startProcess(name);
  await run.waitUntil(`${name} is ready or exits`, async () => !run.isUp(name) || (await run.isReady(name)));
  run.note(`${name} ${run.isUp(name) ? 'is ready' : 'has exited'}`);
}

export const STORAGE: readonly Scenario[] = [
  {
    name: 'a follower is restored from an old copy of its data: it detects that and stops, or catches up',
    script: async (run) => {
      const [follower = ''] = await run.waitForFollowers();
      await run.kill(follower, 'SIGTERM');
      const restore = copyData(run, follower);
      await run.start(follower);
      await run.waitForOrders(200);
      await run.kill(follower);
      restore();
      // It has lost acknowledged entries, which Raft does not allow, so stopping is correct.
      run.expectExit(follower);
      run.keepDown(follower);
      await startOrExit(run, follower);
      await run.waitForOrders(100);
    },
  },
  {
    name: 'a bit is flipped in the log of a follower: it refuses to start, and the other replicas continue',
    script: async (run) => {
      const [follower = ''] = await run.waitForFollowers();
      await run.kill(follower);
      flipBitIn(run, follower, 'log');
      run.expectExit(follower);
      run.keepDown(follower);
      await startOrExit(run, follower);
      if (run.isUp(follower)) throw new Error(`${follower} started with a damaged log`);
      await run.waitForOrders();
    },
  },
  {
    name: 'a bit is flipped in the book of a follower: it recovers from its log, or refuses to start',
    script: async (run) => {
      await run.waitForOrders(200);
      const [follower = ''] = await run.waitForFollowers();
      await run.kill(follower, 'SIGTERM');
      flipBitIn(run, follower, 'book');
      run.expectExit(follower);
      run.keepDown(follower);
      await startOrExit(run, follower);
      await run.waitForOrders();
    },
  },
];
