/**
 * Decides when a replica with an empty folder may found a group because it was started with `--bootstrap`.
 * The flag may have been left on, and an empty folder may be one that was wiped: founding a second group
 * beside one that has acknowledged orders would lose them. So each replica asks all others that the flags
 * name, and founds only once every one has confirmed that it is empty too. A majority is not enough: the
 * missing replica may have acknowledged orders together with one that was wiped since.
 *
 * Each founder stores the instance ids of the others. A replica that starts late finds the others in a group,
 * and belongs to it if they founded it with exactly this folder.
 */
import { FormatError, expectObject, expectText } from '@trireme/domain';

/** The names of the founders, each with the instance id of its folder if known. */
export type Founders = ReadonlyMap<string, string | null>;

/** The answer of a replica to one that wants to found a group. */
export type FoundingAnswer =
  /** Its folder is empty, and it waits to found a group with these replicas. */
  | {
      readonly state: 'empty';
      readonly name: string;
      readonly instance: string;
      readonly founders: string;
    }
  /** It was started without `--bootstrap`, and no group has added it yet. */
  | { readonly state: 'waiting'; readonly name: string; readonly id: string }
  /** It is a member of a group that it founded with these (`formatFounders`), or that added it. */
  | { readonly state: 'member'; readonly name: string; readonly id: string; readonly founders: string };

export type FoundingStep =
  | { readonly step: 'found'; readonly founders: Founders }
  /** The replicas that have not confirmed that they are empty, and why. */
  | { readonly step: 'wait'; readonly missing: ReadonlyMap<string, string> }
  /** A group exists already that this folder did not found. */
  | { readonly step: 'exists'; readonly reason: string }
  | { readonly step: 'refuse'; readonly reason: string };

/** Formats one line, such as `1=5f0c9a3100112233,2=...`; only the name if no instance id is known. */
export function formatFounders(founders: Founders): string {
  return [...founders]
    .map(([name, instance]) => (instance === null ? name : `${name}=${instance}`))
    .join(',');
}

/** Parses a line of `formatFounders`. */
export function parseFounders(line: string): Founders {
  return new Map(
    line.split(',').map((item) => {
      const [name = '', instance = null] = item.split('=');
      return [name, instance];
    }),
  );
}

/** @throws FormatError if the value is not an answer. */
export function parseFoundingAnswer(value: unknown): FoundingAnswer {
  const answer = expectObject(value, 'the answer');
  const { state } = answer;
  const text = (key: string): string => expectText(answer[key], key);
  if (state === 'empty')
    return { state, name: text('name'), instance: text('instance'), founders: text('founders') };
  if (state === 'waiting') return { state, name: text('name'), id: text('id') };
  if (state === 'member') return { state, name: text('name'), id: text('id'), founders: text('founders') };
  throw new FormatError('the answer has an unknown state');
}

/**
 * @param self this replica, all replicas of its flags in order, and the command that adds it to an existing
 *   group
 * @param answers the answers of the others; for one that did not answer, a text with the reason
 */
export function decideFounding(
  self: {
    readonly name: string;
    readonly instance: string;
    readonly founders: readonly string[];
    readonly rejoin: string;
  },
  answers: ReadonlyMap<string, FoundingAnswer | string>,
): FoundingStep {
  const { name, instance, founders } = self;
  const empty = new Map([[name, instance]]);
  const missing = new Map<string, string>();
  let joined: Founders | null = null;
  for (const [peer, answer] of answers) {
    if (typeof answer === 'string') {
      missing.set(peer, answer);
      continue;
    }
    // A replica that counts for two would vote in place of another one's folder.
    if (answer.name !== peer) return { step: 'refuse', reason: differentReplica(peer, answer.name) };
    switch (answer.state) {
      case 'empty':
        if (answer.founders !== founders.join(','))
          return { step: 'refuse', reason: differentFounders(peer, answer.founders, founders.join(',')) };
        empty.set(peer, answer.instance);
        break;
      case 'waiting':
        missing.set(peer, startedWithout(answer.id));
        break;
      case 'member':
        joined = parseFounders(answer.founders);
        if (joined.get(name) !== instance)
          return { step: 'exists', reason: groupExists(self, peer, answer.id) };
    }
  }
  // A member that founded the group with this folder has heard from all founders that they were empty.
  if (joined !== null) return { step: 'found', founders: joined };
  if (missing.size > 0) return { step: 'wait', missing };
  return { step: 'found', founders: new Map(founders.map((one) => [one, empty.get(one) ?? null])) };
}

function groupExists(
  { name, rejoin }: { readonly name: string; readonly rejoin: string },
  peer: string,
  member: string,
): string {
  return (
    `replica ${peer} already runs as member ${member} of a group that was not founded with this data folder: --bootstrap ` +
    `(TRIREME_BOOTSTRAP) with the empty folder of replica ${name} would create a second group. ` +
    `Start it without the flag and add it to the group: ${rejoin}`
  );
}

function differentReplica(peer: string, name: string): string {
  return (
    `replica ${name} answers at the address that --peers gives to replica ${peer}; ` +
    'give each replica its own address'
  );
}

function startedWithout(member: string): string {
  return (
    `started without --bootstrap and waiting to be added to a group, as member ${member}; to found a group with it, ` +
    'start it again with --bootstrap'
  );
}

function differentFounders(peer: string, theirs: string, ours: string): string {
  return (
    `replica ${peer} founds a group of ${theirs}, but this replica founds one of ${ours}; ` +
    'give every replica the same --peers'
  );
}
