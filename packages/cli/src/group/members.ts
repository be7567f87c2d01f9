/** `trireme members`: shows and changes the members of the group. Each command may be interrupted and run again. */
import { lagOf, type GroupState, type GroupMember } from '@trireme/cluster';
import { COMMAND_EXIT, CommandError } from '../errors.js';
import type { GroupClient } from './group-client.js';
import type { ReplicaHost, RunningReplica } from './replica-hosts.js';
import { formatTable } from '../table.js';
import { changeGroup, type GroupChangeOptions } from './group-change.js';

export interface MembersOptions extends GroupChangeOptions {
  readonly replicaHost: ReplicaHost;
}

/** Replaces the member of a replica that has lost its data or whose data are damaged with a new member. */
export async function rejoinReplica(name: string, options: MembersOptions): Promise<GroupState> {
  const { client, replicaHost, onProgress, force } = options;
  let group = await client.group();
  if (force) {
    group = await ensureOtherLeads(group, name, options);
    await ensureMajorityWithout(group, name, client);
    // The operator forces the removal of the data, not a membership change that the leader refuses.
    return join(name, await replicaHost.reset(name), [name], { ...options, force: false });
  }
  const running = await renewIfRemoved(
    name,
    await replicaHost.run(name, { isNew: false, renews: true }),
    options,
  );
  group = await client.group();
  const isAlone = group.members.filter((member) => member.name === name).length === 1;
  const isVoter = roleOf(group, running.status.id) === 'voter';
  if (isVoter && isAlone)
    onProgress(
      `${running.status.id} is a voter and its data are intact: nothing to do (--force rebuilds it anyway)`,
    );
  return join(name, running, [name], options);
}

/** Adds a replica to the group. */
export async function addReplica(name: string, options: MembersOptions): Promise<GroupState> {
  await options.client.group();
  const running = await options.replicaHost.run(name, { isNew: true, renews: false });
  const group = await join(name, await renewIfRemoved(name, running, options), [name], options);
  const voters = group.members.filter(({ role }) => role === 'voter').length;
  if (voters % 2 === 0)
    options.onProgress(`${voters} voters tolerate no more failures than ${voters - 1}: add another replica`);
  return group;
}

/** Replaces the replica `old` with the replica `name`. */
export async function replaceReplica(
  old: string,
  name: string,
  options: MembersOptions,
): Promise<GroupState> {
  if (old === name)
    throw new CommandError(
      COMMAND_EXIT.usage,
      `cannot replace replica ${name} with itself: to rebuild it, use members rejoin ${name}`,
    );
  const { members } = await options.client.group();
  const isDone = members.some((member) => member.name === name && member.role === 'voter');
  if (!isDone && !members.some((member) => member.name === old))
    throw new CommandError(COMMAND_EXIT.refused, `the group has no replica ${old}: see members list`);
  const running = await options.replicaHost.run(name, { isNew: true, renews: false });
  const group = await join(name, await renewIfRemoved(name, running, options), [old, name], options);
  await options.replicaHost.stop(old);
  return group;
}

/** Removes the replica `name` from the group and stops it. */
export async function removeReplica(name: string, options: MembersOptions): Promise<GroupState> {
  const group = await changeGroup({ joins: null, leaves: [name] }, options);
  await options.replicaHost.stop(name);
  return group;
}

/** Makes a learner a voter once it has caught up. */
export async function promoteLearner(id: string, options: GroupChangeOptions): Promise<GroupState> {
  return changeGroup({ joins: { id, address: null, mayLag: options.force }, leaves: [] }, options);
}

/** Transfers leadership to the voter `to`, by id or name; to the voter with the most complete log if it is null. */
export async function transferLeadership(
  to: string | null,
  { client, onProgress }: GroupChangeOptions,
): Promise<GroupState> {
  const group = await client.group();
  const target = to === null ? null : voterOf(group, to);
  if (target === group.self) return group;
  onProgress(`transferring leadership${target === null ? '' : ` to ${target}`}`);
  const refusal = await client.transferLeadership(group, target);
  const after = await client.group();
  if (target === null ? after.self !== group.self : after.self === target) return after;
  throw new CommandError(
    COMMAND_EXIT.incomplete,
    `${after.self} leads: ${refusal?.message ?? 'it was elected meanwhile'}; run the same command again`,
  );
}

/** Formats the group as a table. */
export function formatMembers(group: GroupState): string {
  const rows = group.members.map((member) => [
    member.id,
    member.name,
    member.id === group.self ? 'leader' : member.role,
    String(member.match ?? '-'),
    member.match === null ? '-' : String(lagOf(group, member)),
    member.reachable === false ? 'no' : 'yes',
    member.url ?? '-',
  ]);
  return formatTable([['id', 'replica', 'role', 'match', 'lag', 'answers', 'url'], ...rows]);
}

async function join(
  name: string,
  { address, status }: RunningReplica,
  leaves: readonly string[],
  options: MembersOptions,
): Promise<GroupState> {
  const group = await changeGroup({ joins: { id: status.id, address, mayLag: false }, leaves }, options);
  await options.replicaHost.awaitReady(name);
  return group;
}

/** A replica with a log that is not a member was removed. Its id cannot return: it restarts with a new id and no data. */
async function renewIfRemoved(
  name: string,
  running: RunningReplica,
  options: MembersOptions,
): Promise<RunningReplica> {
  const { id, lastIndex } = running.status;
  const hasLog = typeof lastIndex === 'number' && lastIndex > 0;
  if (!hasLog || roleOf(await options.client.group(), id) !== null) return running;
  options.onProgress(`member ${id} was removed from the group and cannot return`);
  return options.replicaHost.reset(name);
}

/** Transfers leadership away from the replica `name`, if it leads. */
async function ensureOtherLeads(
  group: GroupState,
  name: string,
  options: GroupChangeOptions,
): Promise<GroupState> {
  if (nameOf(group, group.self) !== name) return group;
  const after = await transferLeadership(null, options);
  if (nameOf(after, after.self) !== name) return after;
  throw new CommandError(COMMAND_EXIT.refused, `replica ${name} leads, and no other voter takes over`);
}

/** @throws CommandError `refused` if no majority of the voters answers without the replica `name`. */
async function ensureMajorityWithout(
  { members }: GroupState,
  name: string,
  client: GroupClient,
): Promise<void> {
  const voters = members.filter(({ role }) => role === 'voter');
  const others = voters.filter((member) => member.name !== name);
  const answers = await Promise.all(
    others.map(async ({ id, url }) => url !== null && (await client.status(url))?.id === id),
  );
  const up = answers.filter((isUp) => isUp).length;
  if (up > voters.length / 2) return;
  throw new CommandError(
    COMMAND_EXIT.refused,
    `only ${up} of ${voters.length} voters answer without replica ${name}: start the others first; nothing was changed`,
  );
}

function voterOf({ members }: GroupState, text: string): string {
  const voters = members.filter(({ role }) => role === 'voter');
  const found = voters.find(({ id }) => id === text) ?? voters.find(({ name }) => name === text);
  if (found !== undefined) return found.id;
  throw new CommandError(
    COMMAND_EXIT.refused,
    `there is no voter ${text}; the voters are ${voters.map(({ id }) => id).join(', ')}`,
  );
}

function roleOf({ members }: GroupState, id: string): GroupMember['role'] | null {
  return members.find((member) => member.id === id)?.role ?? null;
}

function nameOf({ members }: GroupState, id: string): string | null {
  return members.find((member) => member.id === id)?.name ?? null;
}
