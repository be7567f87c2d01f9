/** Data folders that are old, damaged or gone. */
import { cpSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Run } from '../run/run.js';
import type { Scenario } from '../run/scenario.js';

/** Copies the data folder of a process that is down, and puts the copy back later. */
function copyData(run: Run, name: string): () => void {
  const [folder, copy] = [join(run.dataDir, name), join(run.dataDir, `copy-of-${name}`)];
  cpSync(folder, copy, { recursive: true });
  return () => {
    run.note(`${name} gets its old data back`);
    rmSync(folder, { recursive: true });
    cpSync(copy, folder, { recursive: true });
  };
}

function flipBitIn(run: Run, name: string, within: string): void {
  const folder = join(run.dataDir, name, within);
  const [path = ''] = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.(log|ldb)$/.test(file))
    .map((file) => join(folder, file))
    .sort((a, b) => statSync(b).size - statSync(a).size);
  const bytes = readFileSync(path);
  const at = Math.floor(bytes.length / 2);
  bytes[at] = (bytes[at] ?? 0) ^ 4;
  writeFileSync(path, bytes);
  run.note(`one bit of ${name} is flipped`);
}

/** Starts a process that may refuse what it finds, and waits until it has or is ready. */
async function startOrEnd(run: Run, name: string): Promise<void> {
  run.note(`start ${name}`);
  await run.cluster.startProcess(name);
  await run.until(`${name} is ready or ends`, async () => !run.isUp(name) || (await run.isReady(name)));
  run.note(`${name} ${run.isUp(name) ? 'is ready' : 'has ended'}`);
}

export const STORAGE: readonly Scenario[] = [
  {
    name: 'a follower is restored from an old copy: it finds out and stops, or catches up, and misleads nobody',
    script: async (run) => {
      const [follower = ''] = await run.followers();
      await run.kill(follower, 'SIGTERM');
      const restore = copyData(run, follower);
      await run.start(follower);
      await run.progress(200);
      await run.kill(follower);
      restore();
      // Having forgotten what it acknowledged, it breaks the first promise of Raft: to stop is right.
      run.expectEnd(follower);
      run.leaveDown(follower);
      await startOrEnd(run, follower);
      await run.progress(100);
    },
  },
  {
    name: 'a bit is flipped in the log of a follower: it refuses to start, the others go on',
    script: async (run) => {
      const [follower = ''] = await run.followers();
      await run.kill(follower);
      flipBitIn(run, follower, 'log');
      run.expectEnd(follower);
      run.leaveDown(follower);
      await startOrEnd(run, follower);
      if (run.isUp(follower)) throw new Error(`${follower} runs on a damaged log`);
      await run.progress();
    },
  },
  {
    name: 'a bit is flipped in the book of a follower: it applies its log from there again, or refuses to start',
    script: async (run) => {
      await run.progress(200);
      const [follower = ''] = await run.followers();
      await run.kill(follower, 'SIGTERM');
      flipBitIn(run, follower, 'book');
      run.expectEnd(follower);
      run.leaveDown(follower);
      await startOrEnd(run, follower);
      await run.progress();
    },
  },
];
