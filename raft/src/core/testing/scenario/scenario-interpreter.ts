/**
 * Runs golden scenarios: members, the messages in flight, and a clock that only commands advance. The output of
 * a command lists the delivered messages, each followed by the changes at its receiver. `scenarios/README.md`
 * describes the commands.
 */
import { RaftError } from '../../errors.js';
import type { Message, NodeId } from '../../types.js';
import { TestMember, type TestMemberOptions } from '../test-member.js';
import { formatMember, formatMessage } from './format.js';
import type { ScenarioCommand } from './scenario-file.js';

/** More deliveries than any scenario needs: beyond it, members exchange messages for ever. */
const DELIVERIES_MAX = 1_000;

type Words = readonly string[];

export class ScenarioInterpreter {
  readonly #members = new Map<NodeId, TestMember>();
  readonly #down = new Set<NodeId>();
  readonly #cut = new Set<string>();
  /** The last printed description of each member. */
  readonly #described = new Map<NodeId, ReadonlyMap<string, string>>();
  #inFlight: Message[] = [];
  #nowMs = 0;
  #lines: string[] = [];

  readonly #commands: Readonly<Record<string, (words: Words, input: Words) => void>> = {
    group: (ids, input) => this.#group(ids, input),
    tick: (words) => this.#tick(words),
    time: ([ticks]) => this.#time(Number(ticks)),
    pause: ([ms]) => void (this.#nowMs += Number(ms)),
    deliver: (links) => this.#deliver(links, true),
    settle: (links) => this.#deliver(links, false),
    round: (links) => this.#round(links),
    newest: ([link = '']) => this.#newest(link),
    lose: (links) => this.#lose(links, Infinity),
    'lose-one': (links) => this.#lose(links, 1),
    'in-flight': () => this.#lines.push(...this.#inFlight.map(formatMessage)),
    cut: (links) => links.forEach((link) => this.#cut.add(link)),
    isolate: (ids) => this.#isolate(ids),
    heal: () => this.#cut.clear(),
    slow: (ids) => ids.forEach((id) => (this.#member(id).slowDisk = true)),
    'finish-write': (ids) => this.#each(ids, (member) => member.finishPersist()),
    crash: (ids) => this.#crash(ids),
    restart: (ids) => this.#restart(ids),
    campaign: (ids) => this.#each(ids, (member) => this.#campaign(member)),
    propose: ([id = '', ...texts]) => texts.forEach((text) => this.#each([id], (one) => one.propose(text))),
    change: ([id = '', ...parts]) => this.#each([id], (member) => member.change(parts.join(' '))),
    read: ([id = '', ...reads]) => this.#each([id], (member) => this.#read(member, reads)),
    'break-link': ([id = '', ...others]) => this.#each([id], (member) => this.#breakLinks(member, others)),
    lease: (ids) => ids.forEach((id) => this.#lease(this.#member(id))),
    transfer: ([id = '', to = '']) => this.#each([id], (member) => this.#transfer(member, to)),
    'cancel-transfer': (ids) => this.#each(ids, ({ core }) => core.cancelTransfer()),
    compact: ([id = '', index]) => this.#each([id], ({ disk }) => disk.compact(Number(index))),
    snapshot: ([link = '', ...rest]) => this.#snapshot(link, rest.includes('fails')),
    show: (ids) => ids.forEach((id) => this.#show(this.#member(id))),
  };

  /** Runs one command and returns the lines of its output. */
  run({ command, input }: ScenarioCommand): readonly string[] {
    const [name = '', ...words] = command.split(/\s+/);
    const run = this.#commands[name];
    if (run === undefined) throw new Error(`unknown command: ${name}`);
    this.#lines = [];
    try {
      run(words, input);
    } catch (error) {
      if (!(error instanceof RaftError)) throw error;
      this.#lines.push(`${error.code}: ${error.message}`);
    }
    return this.#lines;
  }

  #member(id: NodeId): TestMember {
    const member = this.#members.get(id);
    if (member === undefined) throw new Error(`unknown member: ${id}`);
    return member;
  }

  /** Runs an action of each of the members, and prints the changes. */
  #each(ids: Words, action: (member: TestMember) => unknown): void {
    for (const id of ids) {
      const member = this.#member(id);
      action(member);
      this.#printChanges(member);
    }
  }

  /** Replaces all members by new ones. */
  #group(ids: Words, input: Words): void {
    for (const line of input) {
      if (!ids.includes(line.split(' ')[0] ?? '')) throw new Error(`settings of an unknown member: ${line}`);
    }
    this.#inFlight = [];
    for (const known of [this.#members, this.#down, this.#cut, this.#described]) known.clear();
    for (const id of ids) {
      const [, ...settings] = input.find((line) => line.split(' ')[0] === id)?.split(' ') ?? [];
      const member = new TestMember({ id, members: ids, ...optionsOf(settings, () => this.#nowMs) });
      this.#members.set(id, member);
      this.#described.set(id, formatMember(member));
      this.#show(member);
    }
  }

  /** Collects the messages that a member sends, and prints the changes of its state. */
  #printChanges(member: TestMember): void {
    for (const message of member.takeSent()) {
      const { from, to } = message;
      if (!this.#cut.has(`${from}->${to}`) && !this.#down.has(to)) this.#inFlight.push(message);
    }
    const before = this.#described.get(member.id);
    const now = formatMember(member);
    this.#described.set(member.id, now);
    const print = (text: string): void => void this.#lines.push(`  ${member.id} ${text}`);
    for (const [key, text] of now) if (text !== '' && before?.get(key) !== text) print(text);
    for (const { id, index } of member.grantedReads.splice(0))
      print(`may serve read ${id} once it has applied ${index}`);
    for (const id of member.failedReads.splice(0)) print(`fails read ${id}: its leader no longer leads`);
    for (const id of member.expiredReads.splice(0)) print(`fails read ${id}: no answer`);
    for (const id of member.snapshots.splice(0)) print(`must send ${id} a snapshot`);
  }

  #show(member: TestMember): void {
    const described = formatMember(member);
    const parts = ['role', 'log', 'commit'].map((key) => described.get(key) ?? '');
    this.#lines.push(`${member.id} ${parts.join(', ')}`);
  }

  #tick(words: Words): void {
    const ids = words.filter((word) => this.#members.has(word));
    const times = Number(words.find((word) => /^\d+$/.test(word)) ?? 1);
    this.#nowMs += times;
    this.#each(ids, (member) => member.tick(times));
  }

  /** Advances time at all running members. After each tick it delivers all messages, and prints only the changes. */
  #time(ticks: number): void {
    for (let count = 0; count < ticks; count += 1) {
      this.#nowMs += 1;
      this.#each(
        [...this.#members.keys()].filter((id) => !this.#down.has(id)),
        (member) => member.tick(),
      );
      this.#deliver([], false);
    }
  }

  #isOn(links: Words, { from, to }: Message): boolean {
    return links.length === 0 || links.includes(`${from}->${to}`);
  }

  /**
   * Delivers messages and their answers in order, until none is in flight on `links`; on all links if there are
   * none.
   */
  #deliver(links: Words, printsMessages: boolean): void {
    for (let delivered = 0; delivered < DELIVERIES_MAX; delivered += 1) {
      const message = this.#inFlight.find((one) => this.#isOn(links, one));
      if (message === undefined) return;
      this.#deliverOne(message, printsMessages);
    }
    throw new Error(`members still send messages after ${DELIVERIES_MAX} deliveries`);
  }

  /** Delivers the messages that are in flight now, without the answers to them. */
  #round(links: Words): void {
    const messages = this.#inFlight.filter((one) => this.#isOn(links, one));
    for (const message of messages) this.#deliverOne(message, true);
  }

  #newest(link: string): void {
    const message = this.#inFlight.findLast((one) => this.#isOn([link], one));
    if (message !== undefined) this.#deliverOne(message, true);
  }

  #deliverOne(message: Message, printsMessage: boolean): void {
    this.#inFlight = this.#inFlight.filter((one) => one !== message);
    if (printsMessage) this.#lines.push(formatMessage(message));
    this.#each([message.to], (member) => member.step(message));
  }

  /** Loses the oldest `countMax` messages on the links. */
  #lose(links: Words, countMax: number): void {
    const lost = this.#inFlight.filter((one) => this.#isOn(links, one)).slice(0, countMax);
    this.#lines.push(...lost.map((message) => `lost: ${formatMessage(message)}`));
    this.#inFlight = this.#inFlight.filter((one) => !lost.includes(one));
  }

  #isolate(ids: Words): void {
    for (const id of ids) {
      for (const other of this.#members.keys()) this.#cut.add(`${id}->${other}`).add(`${other}->${id}`);
    }
  }

  #crash(ids: Words): void {
    for (const id of ids) this.#down.add(id);
    this.#inFlight = this.#inFlight.filter(({ from, to }) => !ids.includes(from) && !ids.includes(to));
  }

  #restart(ids: Words): void {
    for (const id of ids) this.#down.delete(id);
    this.#each(ids, (member) => member.restart());
  }

  #campaign(member: TestMember): void {
    member.core.campaign();
    member.handleReady();
  }

  #read(member: TestMember, reads: Words): void {
    for (const read of reads) member.core.requestRead(Number(read));
    member.handleReady();
  }

  /** Reports broken links to the others, as the transport does. */
  #breakLinks(member: TestMember, others: Words): void {
    for (const other of others) {
      member.core.onUnreachable(other);
      member.core.onLinkLost(other);
    }
    member.handleReady();
  }

  #transfer(member: TestMember, to: NodeId): void {
    member.core.transferLeadership(to);
    member.handleReady();
  }

  #lease({ id, core }: TestMember): void {
    const index = core.leaseIndex();
    this.#lines.push(index === null ? `${id} has no lease` : `${id} may serve reads at ${index}`);
  }

  /** Sends a snapshot of the current state from one member to another. */
  #snapshot(link: string, fails: boolean): void {
    const [from = '', to = ''] = link.split('->');
    const sender = this.#member(from);
    const { snapshot } = sender;
    const { term } = sender.core;
    if (!fails) {
      const { index } = snapshot.base;
      this.#lines.push(`${link} snapshot as of ${index}@${snapshot.base.term}, term ${term}`);
      this.#each([to], (member) => member.receiveSnapshot(from, term, snapshot));
    }
    this.#each([from], (member) => {
      if (fails) member.core.onSnapshotFailed(to);
      else member.core.onSnapshotAccepted(to, snapshot.base.index);
      member.handleReady();
    });
  }
}

/**
 * Parses the settings of a member: `log=1,1,2 term=3 vote=b applied=2 compacted=1 outside window=2 append=40
 * lease=9`.
 */
function optionsOf(settings: Words, now: () => number): TestMemberOptions {
  let options: TestMemberOptions = {};
  for (const setting of settings) {
    const [name = '', text = ''] = setting.split('=');
    const value = Number(text);
    if (name === 'log') options = { ...options, log: text.split(',').map(Number) };
    else if (name === 'term') options = { ...options, term: value };
    else if (name === 'vote') options = { ...options, vote: text };
    else if (name === 'applied') options = { ...options, applied: value };
    else if (name === 'compacted') options = { ...options, compacted: value };
    else if (name === 'outside') options = { ...options, members: [] };
    else if (name === 'group') options = { ...options, members: text.split(',') };
    else if (name === 'window')
      options = { ...options, limits: { ...options.limits, inflightMessagesMax: value } };
    else if (name === 'append')
      options = { ...options, limits: { ...options.limits, appendBytesMax: value } };
    else if (name === 'lease') options = { ...options, lease: { now, durationMs: value } };
    else throw new Error(`unknown setting: ${setting}`);
  }
  return options;
}
