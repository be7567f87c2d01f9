/** `trireme snapshot`: replicas make their books durable and drop the log behind them, now instead of when it is due. */
import type { Group } from '@trireme/cluster';
import { COMMAND_EXIT, CommandError } from './errors.js';
import type { GroupClient } from './group-client.js';
import { formatTable } from './table.js';

/** What became of one replica. */
export interface SnapshotRow {
  readonly id: string;
  readonly name: string;
  /** The last log entry that is in the book alone; null where it was not done. */
  readonly index: number | null;
  /** Entries that the log holds yet. */
  readonly held: number | null;
  /** Why it was not done, null if it was. */
  readonly problem: string | null;
}

interface SnapshotOptions {
  readonly client: GroupClient;
  /** Entries of the log that stay; null for as many as the replica always keeps. */
  readonly keep: number | null;
}

/**
 * Asks the replica `name`, or all of the group where it is null, one after another: not all disks are busy at once.
 * @throws CommandError `unavailable` if nobody leads; `refused` if no member is that replica; `denied`.
 */
export async function snapshot(
  name: string | null,
  { client, keep }: SnapshotOptions,
): Promise<readonly SnapshotRow[]> {
  const { members } = await client.group();
  const asked = name === null ? members : members.filter((member) => member.name === name);
  if (asked.length === 0)
    throw new CommandError(COMMAND_EXIT.refused, `no member of the group is replica ${name ?? ''}`);
  const rows: SnapshotRow[] = [];
  for (const member of asked) rows.push(await rowOf(member, client, keep));
  return rows;
}

/** The same for people. */
export function formatSnapshots(rows: readonly SnapshotRow[]): string {
  const cells = rows.map(({ id, name, index, held, problem }) => [
    ...[id, name, index === null ? '-' : String(index), held === null ? '-' : String(held)],
    problem ?? 'done',
  ]);
  return formatTable([['id', 'replica', 'log dropped to', 'log holds', 'snapshot'], ...cells]);
}

async function rowOf(
  { id, name, url }: Group['members'][number],
  client: GroupClient,
  keep: number | null,
): Promise<SnapshotRow> {
  const nothing = { id, name, index: null, held: null };
  if (url === null) return { ...nothing, problem: 'nobody knows where it is' };
  const answer = await client.snapshot(url, keep);
  if ('status' in answer) return { ...nothing, problem: `${answer.message} (${answer.status})` };
  return { id, name, index: answer.index, held: answer.lastIndex - answer.index, problem: null };
}
