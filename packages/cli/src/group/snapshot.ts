/** `trireme snapshot`: makes replicas write their books to disk and compact their logs at once. */
import type { GroupState } from '@trireme/cluster';
import { COMMAND_EXIT, CommandError } from '../errors.js';
import type { GroupClient } from './group-client.js';
import { formatTable } from '../table.js';

/** Result of one replica. */
export interface SnapshotRow {
  readonly id: string;
  readonly name: string;
  /** Index after which the log starts now; null if the snapshot failed. */
  readonly index: number | null;
  /** Entries left in the log; null if the snapshot failed. */
  readonly held: number | null;
  /** Why the snapshot failed; null if it did not. */
  readonly problem: string | null;
}

interface SnapshotOptions {
  readonly client: GroupClient;
  /** Log entries to keep; null for as many as the replica keeps by default. */
  readonly keep: number | null;
}

/**
 * Compacts the replica `name`, or all replicas if it is null, one after another so that not all disks are busy at once.
 * @throws CommandError `unavailable` if no replica leads; `refused` if the group has no such replica; `denied`.
 */
export async function snapshotReplicas(
  name: string | null,
  { client, keep }: SnapshotOptions,
): Promise<readonly SnapshotRow[]> {
  const { members } = await client.group();
  const selected = name === null ? members : members.filter((member) => member.name === name);
  if (selected.length === 0)
    throw new CommandError(COMMAND_EXIT.refused, `the group has no replica ${name ?? ''}: see members list`);
  const rows: SnapshotRow[] = [];
  for (const member of selected) rows.push(await rowOf(member, client, keep));
  return rows;
}

/** Formats the results as a table. */
export function formatSnapshots(rows: readonly SnapshotRow[]): string {
  const cells = rows.map(({ id, name, index, held, problem }) => [
    id,
    name,
    index === null ? '-' : String(index),
    held === null ? '-' : String(held),
    problem ?? 'done',
  ]);
  return formatTable([['id', 'replica', 'log starts after', 'log entries', 'snapshot'], ...cells]);
}

async function rowOf(
  { id, name, url }: GroupState['members'][number],
  client: GroupClient,
  keep: number | null,
): Promise<SnapshotRow> {
  const nothing = { id, name, index: null, held: null };
  if (url === null) return { ...nothing, problem: 'the group does not know its URL' };
  const answer = await client.snapshot(url, keep);
  if ('status' in answer) return { ...nothing, problem: `${answer.message} (${answer.status})` };
  return { id, name, index: answer.index, held: answer.lastIndex - answer.index, problem: null };
}
