/** `trireme members`: who is in the group, and changing it, each as one command that may be interrupted and run again. */
import { lagOf, type Group, type GroupMember } from '@trireme/cluster';
import { COMMAND_EXIT, CommandError } from './errors.js';
import type { GroupClient } from './group-client.js';
import type { Host, Running } from './hosts.js';
import { formatTable } from './table.js';
import { regroup, type RegroupOptions } from './regroup.js';

export interface MembersOptions extends RegroupOptions {
  readonly host: Host;
}

/** Has a replica that lost its data, or whose data are damaged, come back as another member in its old one's place. */
export async function rejoin(name: string, options: MembersOptions): Promise<Group> {
  const { client, host, tell, force } = options;
  let group = await client.group();
  if (force) {
    group = await othersLead(group, name, options);
    await othersAnswer(group, name, client);
    // What was forced is the loss of its data, not a change that the leader refuses.
    return join(name, await host.renew(name), [name], { ...options, force: false });
  }
  const running = await asNewIfRemoved(name, await host.run(name, { isNew: false, renews: true }), options);
  group = await client.group();
  const isAlone = group.members.filter((member) => member.name === name).length === 1;
  const isVoter = roleOf(group, running.status.id) === 'voter';
  if (isVoter && isAlone)
    tell(`${running.status.id} votes and its data are whole: nothing to do (--force moves them aside)`);
  return join(name, running, [name], options);
}

/** Has one more replica in the group. */
export async function add(name: string, options: MembersOptions): Promise<Group> {
  await options.client.group();
  const running = await options.host.run(name, { isNew: true, renews: false });
  const group = await join(name, await asNewIfRemoved(name, running, options), [name], options);
  const voters = group.members.filter(({ role }) => role === 'voter').length;
  if (voters % 2 === 0)
    options.tell(`${voters} voters tolerate no more failures than ${voters - 1}: add another one`);
  return group;
}

/** Has the replica `name` in the place of `old`. */
export async function replace(old: string, name: string, options: MembersOptions): Promise<Group> {
  if (old === name)
    throw new CommandError(COMMAND_EXIT.usage, `a replica replaces itself by members rejoin ${name}`);
  const { members } = await options.client.group();
  const isDone = members.some((member) => member.name === name && member.role === 'voter');
  if (!isDone && !members.some((member) => member.name === old))
    throw new CommandError(COMMAND_EXIT.refused, `no member of the group is replica ${old}`);
  const running = await options.host.run(name, { isNew: true, renews: false });
  const group = await join(name, await asNewIfRemoved(name, running, options), [old, name], options);
  await options.host.retire(old);
  return group;
}

/** Has no member of the group be the replica `name`. */
export async function remove(name: string, options: MembersOptions): Promise<Group> {
  const group = await regroup({ joins: null, leaves: [name] }, options);
  await options.host.retire(name);
  return group;
}

/** Gives a learner the vote, once it has caught up. */
export async function promote(id: string, options: RegroupOptions): Promise<Group> {
  return regroup({ joins: { id, address: null, mayLag: options.force }, leaves: [] }, options);
}

/** Transfers leadership, to the voter `to` by id or name; to the one whose log reaches furthest where it is null. */
export async function transfer(to: string | null, { client, tell }: RegroupOptions): Promise<Group> {
  const group = await client.group();
  const target = to === null ? null : voterOf(group, to);
  if (target === group.self) return group;
  tell(`handing the lead over${target === null ? '' : ` to ${target}`}`);
  const refusal = await client.transfer(group, target);
  const after = await client.group();
  if (target === null ? after.self !== group.self : after.self === target) return after;
  throw new CommandError(
    COMMAND_EXIT.again,
    `${after.self} leads: ${refusal?.message ?? 'it was elected meanwhile'}; run it again`,
  );
}

/** The group for people. */
export function formatMembers(group: Group): string {
  const rows = group.members.map((member) => [
    ...[member.id, member.name, member.id === group.self ? 'leader' : member.role],
    ...[String(member.match ?? '-'), member.match === null ? '-' : String(lagOf(group, member))],
    member.reachable === false ? 'no' : 'yes',
    member.url ?? '-',
  ]);
  return formatTable([['id', 'replica', 'role', 'match', 'lag', 'answers', 'url'], ...rows]);
}

async function join(
  name: string,
  { address, status }: Running,
  leaves: readonly string[],
  options: MembersOptions,
): Promise<Group> {
  const group = await regroup({ joins: { id: status.id, address, mayLag: false }, leaves }, options);
  await options.host.awaitReady(name);
  return group;
}

/** Whoever has a log and is no member was removed: its id never comes back, its replica does as another member. */
async function asNewIfRemoved(name: string, running: Running, options: MembersOptions): Promise<Running> {
  const { id, lastIndex } = running.status;
  const isUsed = typeof lastIndex === 'number' && lastIndex > 0;
  if (!isUsed || roleOf(await options.client.group(), id) !== null) return running;
  options.tell(`${id} was removed from the group, for ever`);
  return options.host.renew(name);
}

/** Has another replica than `name` lead. */
async function othersLead(group: Group, name: string, options: RegroupOptions): Promise<Group> {
  if (nameOf(group, group.self) !== name) return group;
  const after = await transfer(null, options);
  if (nameOf(after, after.self) !== name) return after;
  throw new CommandError(COMMAND_EXIT.refused, `replica ${name} leads, and nobody takes over`);
}

/** @throws CommandError `refused` if without `name` no majority of the voters would answer. */
async function othersAnswer({ members }: Group, name: string, client: GroupClient): Promise<void> {
  const voters = members.filter(({ role }) => role === 'voter');
  const others = voters.filter((member) => member.name !== name);
  const answers = await Promise.all(
    others.map(async ({ id, url }) => url !== null && (await client.status(url))?.id === id),
  );
  const up = answers.filter((isUp) => isUp).length;
  if (up > voters.length / 2) return;
  throw new CommandError(
    COMMAND_EXIT.refused,
    `without replica ${name} only ${up} of ${voters.length} voters answer: nothing was touched`,
  );
}

function voterOf({ members }: Group, text: string): string {
  const voters = members.filter(({ role }) => role === 'voter');
  const found = voters.find(({ id }) => id === text) ?? voters.find(({ name }) => name === text);
  if (found !== undefined) return found.id;
  throw new CommandError(
    COMMAND_EXIT.refused,
    `no voter is ${text}; there are ${voters.map(({ id }) => id).join(', ')}`,
  );
}

function roleOf({ members }: Group, id: string): GroupMember['role'] | null {
  return members.find((member) => member.id === id)?.role ?? null;
}

function nameOf({ members }: Group, id: string): string | null {
  return members.find((member) => member.id === id)?.name ?? null;
}
