/**
 * When a replica with an empty folder may found a group because its operator says that the group is new (`--bootstrap`).
 * The flag may be left on, and an empty folder may be one that was wiped: a group that is founded beside one that has
 * acknowledged orders loses them. So every replica that is named asks all the others first. It founds only when every one
 * has said that it is empty too: no majority is enough, as the one that does not answer may have acknowledged orders with
 * one that was wiped since.
 *
 * Each founder keeps the instances of those that told it so. Who comes late finds the others in a group already, and is of
 * it if they have founded it with this very folder.
 */
import { FormatError, asObject, asText } from '@trireme/domain';

/** The names of the replicas that found a group, each with the instance of its folder where that is known. */
export type Founders = ReadonlyMap<string, string | null>;

/** What a replica says when it is asked by one that wants to found a group. */
export type FoundingAnswer =
  /** Its folder is empty, and it waits to found a group with these replicas. */
  | {
      readonly state: 'empty';
      readonly name: string;
      readonly instance: string;
      readonly founders: string;
    }
  /** It was started without `--bootstrap`, and no group has let it in yet. */
  | { readonly state: 'waiting'; readonly name: string; readonly id: string }
  /** It is a member of a group that it founded with these (`formatFounders`), or of one that it was let into. */
  | { readonly state: 'member'; readonly name: string; readonly id: string; readonly founders: string };

export type FoundingStep =
  | { readonly step: 'found'; readonly founders: Founders }
  /** Those that have not said that they are empty, and why not. */
  | { readonly step: 'wait'; readonly missing: ReadonlyMap<string, string> }
  /** There is a group already that this folder did not found. */
  | { readonly step: 'exists'; readonly reason: string }
  | { readonly step: 'refuse'; readonly reason: string };

/** One line, such as `1=5f0c9a3100112233,2=...`; a name alone where no instance is known. */
export function formatFounders(founders: Founders): string {
  return [...founders]
    .map(([name, instance]) => (instance === null ? name : `${name}=${instance}`))
    .join(',');
}

/** Reads what `formatFounders` made. */
export function parseFounders(line: string): Founders {
  return new Map(
    line.split(',').map((item) => {
      const [name = '', instance = null] = item.split('=');
      return [name, instance];
    }),
  );
}

/** @throws FormatError if it is no answer. */
export function parseFoundingAnswer(value: unknown): FoundingAnswer {
  const answer = asObject(value, 'the answer');
  const { state } = answer;
  const text = (key: string): string => asText(answer[key], key);
  if (state === 'empty')
    return { state, name: text('name'), instance: text('instance'), founders: text('founders') };
  if (state === 'waiting') return { state, name: text('name'), id: text('id') };
  if (state === 'member') return { state, name: text('name'), id: text('id'), founders: text('founders') };
  throw new FormatError('the answer is none to a founder');
}

/**
 * @param self this replica, every one that its flags name in order, and the command that lets it into a group that exists
 * @param answers what the others have said; a text where one has not answered, saying why not
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
    // A replica that counted for two would be a vote too many for the folder of another one.
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
  // Whoever has founded it with this folder had heard from all that they were empty.
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
    `replica ${peer} runs already, as member ${member}, and has not founded its group with this folder: --bootstrap ` +
    `(TRIREME_BOOTSTRAP) on the empty folder of replica ${name} would make another group. ` +
    `Start it without the flag and let it in: ${rejoin}`
  );
}

function differentReplica(peer: string, name: string): string {
  return `replica ${name} answers at the address that --peers gives to replica ${peer}: give each replica its own address`;
}

function startedWithout(member: string): string {
  return (
    `it was started without --bootstrap and waits to be let into a group, as member ${member}. To found a group with it, ` +
    'start it again with --bootstrap'
  );
}

function differentFounders(peer: string, theirs: string, ours: string): string {
  return `replica ${peer} is to found a group of ${theirs}, this one is told ${ours}: give every replica the same --peers`;
}
