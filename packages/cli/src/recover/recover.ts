/** Makes a new cluster from the data of the replicas that survived the loss of a majority. */
import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { SUFFIX_BYTES, beginNewCluster, completeNewCluster, newClusterName } from '@trireme/cluster';
import {
  foundCluster,
  withSurvivor,
  compareSurvivors,
  type Comparison,
  type OpenedSurvivor,
  type Survivor,
} from '@trireme/orders';
import { examineDataFolder } from '../doctor/examine.js';
import type { DataReport } from '../doctor/report.js';
import { COMMAND_EXIT, CommandError } from '../errors.js';

/** What the data folders contain. */
export interface Survey {
  /** Folders that are damaged or in use: nothing is recovered while they are among the given ones. */
  readonly unusable: readonly DataReport[];
  readonly survivors: readonly Survivor[];
  readonly comparison: Comparison;
}

/**
 * Reads the data folders, and changes nothing.
 * @throws RaftError `BAD_CONFIG` or `LOG_DAMAGED` naming a folder that cannot be used; `STORAGE_FAILED`.
 */
export async function surveySurvivors(
  folders: readonly string[],
  onProgress: (line: string) => void,
): Promise<Survey> {
  const unusable: DataReport[] = [];
  const survivors: Survivor[] = [];
  for (const folder of folders) {
    onProgress(`reading ${folder}`);
    const report = await examineDataFolder(folder);
    if (report.condition === 'damaged' || report.condition === 'in use') unusable.push(report);
    else survivors.push(await withSurvivor(folder, async ({ survivor }) => Promise.resolve(survivor)));
  }
  return { unusable, survivors, comparison: compareSurvivors(survivors) };
}

/** Why no cluster may be made from the survivors, as sentences; empty if one may. */
export function findObstacles({ unusable, comparison }: Survey, isForced: boolean): readonly string[] {
  const { contradictions, isMajority, best } = comparison;
  const inUse = unusable.filter(({ condition }) => condition === 'in use');
  const damaged = unusable.filter(({ condition }) => condition === 'damaged');
  return [
    ...inUse.map(({ data }) => `a process has ${data} open: stop it first`),
    ...damaged.map(
      ({ data }) =>
        `${data} is damaged: leave it out and give the other folders one by one (see trireme doctor)`,
    ),
    ...contradictions,
    ...(best !== null && !best.isSeeded
      ? [`the log of ${best.data} contains no complete seed, so there is nothing to recover`]
      : []),
    ...(best !== null && isMajority && !isForced
      ? [
          'these replicas are a majority of their group, so nothing is lost: start them instead of recovering ' +
            '(--force recovers anyway)',
        ]
      : []),
  ];
}

export interface RecoveredCluster {
  readonly data: string;
  readonly cluster: string;
  /** Replica from whose data it was made. */
  readonly from: Survivor;
  readonly replicas: readonly string[];
}

/**
 * Writes the data folder `out` of a new cluster with `count` replicas. The copy of the survivor's book, to which the
 * log is applied, is beside it meanwhile.
 * @throws CommandError `refused`; ClusterError `NOT_OURS` if the folder is not empty; FormatError; RaftError; the
 *   system's error.
 */
export async function recoverFrom(
  best: Survivor,
  options: { readonly out: string; readonly count: number; readonly onProgress: (line: string) => void },
): Promise<RecoveredCluster> {
  const { out, count, onProgress } = options;
  const cluster = newClusterName(best.cluster, randomBytes(SUFFIX_BYTES));
  const replicas = Array.from({ length: count }, (_, i) => String(i + 1));
  const parent = dirname(out);
  await mkdir(parent, { recursive: true });
  const write = async ({ survivor, source }: OpenedSurvivor): Promise<RecoveredCluster> => {
    if (survivor.lastIndex !== best.lastIndex || survivor.hash !== best.hash)
      throw new CommandError(
        COMMAND_EXIT.refused,
        `${best.data} has changed meanwhile: stop its replica and run the command again`,
      );
    await beginNewCluster(out, cluster);
    await foundCluster(source, {
      cluster,
      replicas,
      folderOf: (replica) => join(out, `replica-${replica}`),
      onReplica: (replica) => onProgress(`writing replica ${replica}`),
    });
    await completeNewCluster(out);
    return { data: out, cluster, from: survivor, replicas };
  };
  return withSurvivor(best.data, write, parent);
}
