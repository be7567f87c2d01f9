/** `trireme restore`: founds a new cluster from backups. */
import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { SUFFIX_BYTES, beginNewCluster, completeNewCluster, newClusterName } from '@trireme/cluster';
import {
  foundCluster,
  openChain,
  requireInRange,
  restoreBook,
  type BookMeta,
  type RestorePoint,
} from '@trireme/orders';
import { COMMAND_EXIT, CommandError } from '../errors.js';

interface RestoreOptions {
  readonly files: readonly string[];
  /** Path of the new data folder. */
  readonly data: string;
  readonly point: RestorePoint;
  /** Number of replicas. */
  readonly replicas: number;
  /** Name of the new cluster; null for that of the old one with another suffix. */
  readonly cluster: string | null;
  readonly onProgress: (line: string) => void;
}

export interface RestoredCluster {
  readonly data: string;
  readonly cluster: string;
  /** Name of the cluster that the backups are of. */
  readonly from: string;
  /** The book that was restored. */
  readonly meta: BookMeta;
}

/** Folder of the book until it is copied to the replicas. */
const WORK_FOLDER = 'restoring';

/**
 * Writes the data folder.
 * @throws FormatError if a file is damaged, the files do not fit, or do not contain the point; ClusterError `NOT_OURS` if
 *   the folder is not empty: then nothing was written. The system's error.
 */
export async function restoreCluster(options: RestoreOptions): Promise<RestoredCluster> {
  const { files, data, point, replicas, onProgress } = options;
  onProgress(`checking ${files.length === 1 ? 'the backup' : `${files.length} backups`}`);
  const chain = await openChain(files);
  requireInRange(chain, point);
  const from = chain.full.header.cluster;
  const cluster = options.cluster ?? newClusterName(from, randomBytes(SUFFIX_BYTES));
  if (cluster === from)
    throw new CommandError(
      COMMAND_EXIT.refused,
      `the new cluster must not have the name of the old one, ${from}: its processes could reach each other`,
    );
  await beginNewCluster(data, cluster);
  const work = join(data, WORK_FOLDER);
  const { store, meta } = await restoreBook(chain, point, work, ({ path }) =>
    onProgress(`restoring ${path}`),
  );
  const view = store.view();
  try {
    await foundCluster(view, {
      cluster,
      replicas: Array.from({ length: replicas }, (_, i) => String(i + 1)),
      folderOf: (replica) => join(data, `replica-${replica}`),
      onReplica: (replica) => onProgress(`writing replica ${replica}`),
    });
  } finally {
    await view.close();
    await store.close();
  }
  await rm(work, { recursive: true });
  await completeNewCluster(data);
  return { data, cluster, from, meta };
}
