/**
 * Where golden scenarios are played: members, the messages on their way, and a clock that stands still. Each command says
 * what happened: messages as they are delivered, and under them what has changed at whom. The commands are told in
 * `scenarios/README.md`.
 */
import { RaftError } from '../../errors.js';
import type { Message, NodeId } from '../../types.js';
import { Member, type MemberOptions } from '../member.js';
import { tellMember, tellMessage } from './tell.js';
import type { Block } from './text.js';

/** More deliveries than any scenario needs: beyond it members talk in circles. */
const DELIVERIES_MAX = 1_000;

type Words = readonly string[];

export class Stage {
  readonly #members = new Map<NodeId, Member>();
  readonly #down = new Set<NodeId>();
  readonly #cut = new Set<string>();
  /** What was last told of each member. */
  readonly #told = new Map<NodeId, ReadonlyMap<string, string>>();
  #flight: Message[] = [];
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
    flight: () => this.#lines.push(...this.#flight.map(tellMessage)),
    cut: (links) => links.forEach((link) => this.#cut.add(link)),
    isolate: (ids) => this.#isolate(ids),
    heal: () => this.#cut.clear(),
    slow: (ids) => ids.forEach((id) => (this.#member(id).slowDisk = true)),
    written: (ids) => this.#each(ids, (member) => member.finishPersist()),
    crash: (ids) => this.#crash(ids),
    restart: (ids) => this.#restart(ids),
    campaign: (ids) => this.#each(ids, (member) => this.#campaign(member)),
    propose: ([id = '', ...texts]) => texts.forEach((text) => this.#each([id], (one) => one.propose(text))),
    change: ([id = '', ...parts]) => this.#each([id], (member) => member.change(parts.join(' '))),
    read: ([id = '', ...reads]) => this.#each([id], (member) => this.#read(member, reads)),
    broken: ([id = '', ...others]) => this.#each([id], (member) => this.#broken(member, others)),
    lease: (ids) => ids.forEach((id) => this.#lease(this.#member(id))),
    transfer: ([id = '', to = '']) => this.#each([id], (member) => this.#transfer(member, to)),
    'cancel-transfer': (ids) => this.#each(ids, ({ core }) => core.cancelTransfer()),
    compact: ([id = '', index]) => this.#each([id], ({ disk }) => disk.compact(Number(index))),
    snapshot: ([link = '', ...rest]) => this.#snapshot(link, rest.includes('fails')),
    show: (ids) => ids.forEach((id) => this.#show(this.#member(id))),
  };

  /** Plays one command; says what happened, line by line. */
  play({ command, input }: Block): readonly string[] {
    const [name = '', ...words] = command.split(/\s+/);
    const run = this.#commands[name];
    if (run === undefined) throw new Error(`no command ${name}`);
    this.#lines = [];
    try {
      run(words, input);
    } catch (error) {
      if (!(error instanceof RaftError)) throw error;
      this.#lines.push(`${error.code}: ${error.message}`);
    }
    return this.#lines;
  }

  #member(id: NodeId): Member {
    const member = this.#members.get(id);
    if (member === undefined) throw new Error(`no member ${id}`);
    return member;
  }

  /** Has each of the members do something, and tells what became of it. */
  #each(ids: Words, act: (member: Member) => unknown): void {
    for (const id of ids) {
      const member = this.#member(id);
      act(member);
      this.#look(member);
    }
  }

  /** Begins anew with these members. */
  #group(ids: Words, input: Words): void {
    for (const line of input) if (!ids.includes(line.split(' ')[0] ?? '')) throw new Error(`who is ${line}?`);
    this.#flight = [];
    for (const known of [this.#members, this.#down, this.#cut, this.#told]) known.clear();
    for (const id of ids) {
      const [, ...settings] = input.find((line) => line.split(' ')[0] === id)?.split(' ') ?? [];
      const member = new Member({ id, members: ids, ...optionsOf(settings, () => this.#nowMs) });
      this.#members.set(id, member);
      this.#told.set(id, tellMember(member));
      this.#show(member);
    }
  }

  /** Takes what a member sends, and tells what is new about it. */
  #look(member: Member): void {
    for (const message of member.take()) {
      const { from, to } = message;
      if (!this.#cut.has(`${from}->${to}`) && !this.#down.has(to)) this.#flight.push(message);
    }
    const before = this.#told.get(member.id);
    const now = tellMember(member);
    this.#told.set(member.id, now);
    const say = (text: string): void => void this.#lines.push(`  ${member.id} ${text}`);
    for (const [what, told] of now) if (told !== '' && before?.get(what) !== told) say(told);
    for (const { id, index } of member.grants.splice(0))
      say(`may serve read ${id} once it has applied ${index}`);
    for (const id of member.readsLost.splice(0)) say(`gives up read ${id}: its leader is gone`);
    for (const id of member.readsExpired.splice(0)) say(`gives up read ${id}: it got no answer`);
    for (const id of member.snapshots.splice(0)) say(`has to send ${id} a snapshot`);
  }

  #show(member: Member): void {
    const told = tellMember(member);
    const shown = ['standing', 'log', 'commit'].map((what) => told.get(what) ?? '');
    this.#lines.push(`${member.id} ${shown.join(', ')}`);
  }

  #tick(words: Words): void {
    const ids = words.filter((word) => this.#members.has(word));
    const times = Number(words.find((word) => /^\d+$/.test(word)) ?? 1);
    this.#nowMs += times;
    this.#each(ids, (member) => member.tick(times));
  }

  /** All that are up tick, and after each tick everything is delivered, of which only the changes are told. */
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

  /** Delivers in the order of sending, answers too, until nothing is on the links; on all of them where none is named. */
  #deliver(links: Words, isTold: boolean): void {
    for (let delivered = 0; delivered < DELIVERIES_MAX; delivered += 1) {
      const message = this.#flight.find((one) => this.#isOn(links, one));
      if (message === undefined) return;
      this.#arrive(message, isTold);
    }
    throw new Error('the members talk in circles');
  }

  /** Delivers what is on the links now, and none of the answers. */
  #round(links: Words): void {
    for (const message of this.#flight.filter((one) => this.#isOn(links, one))) this.#arrive(message, true);
  }

  #newest(link: string): void {
    const message = this.#flight.findLast((one) => this.#isOn([link], one));
    if (message !== undefined) this.#arrive(message, true);
  }

  #arrive(message: Message, isTold: boolean): void {
    this.#flight = this.#flight.filter((one) => one !== message);
    if (isTold) this.#lines.push(tellMessage(message));
    this.#each([message.to], (member) => member.step(message));
  }

  /** Loses the oldest messages on the links, at most so many. */
  #lose(links: Words, most: number): void {
    const lost = this.#flight.filter((one) => this.#isOn(links, one)).slice(0, most);
    this.#lines.push(...lost.map((message) => `lost: ${tellMessage(message)}`));
    this.#flight = this.#flight.filter((one) => !lost.includes(one));
  }

  #isolate(ids: Words): void {
    for (const id of ids) {
      for (const other of this.#members.keys()) this.#cut.add(`${id}->${other}`).add(`${other}->${id}`);
    }
  }

  #crash(ids: Words): void {
    for (const id of ids) this.#down.add(id);
    this.#flight = this.#flight.filter(({ from, to }) => !ids.includes(from) && !ids.includes(to));
  }

  #restart(ids: Words): void {
    for (const id of ids) this.#down.delete(id);
    this.#each(ids, (member) => member.restart());
  }

  #campaign(member: Member): void {
    member.core.campaign();
    member.work();
  }

  #read(member: Member, reads: Words): void {
    for (const read of reads) member.core.read(Number(read));
    member.work();
  }

  /** The links to the others broke, as the transport tells it. */
  #broken(member: Member, others: Words): void {
    for (const other of others) {
      member.core.unreachable(other);
      member.core.linkLost(other);
    }
    member.work();
  }

  #transfer(member: Member, to: NodeId): void {
    member.core.transfer(to);
    member.work();
  }

  #lease({ id, core }: Member): void {
    const index = core.leaseIndex();
    this.#lines.push(index === null ? `${id} holds no lease` : `${id} may serve reads at ${index}`);
  }

  /** Carries a snapshot from one member to another, as it is now. */
  #snapshot(link: string, fails: boolean): void {
    const [from = '', to = ''] = link.split('->');
    const sender = this.#member(from);
    const { snapshot } = sender;
    const { term } = sender.core;
    if (!fails) {
      const { index } = snapshot.base;
      this.#lines.push(`${link} snapshot as of ${index}@${snapshot.base.term}, term ${term}`);
      this.#each([to], (member) => member.install(from, term, snapshot));
    }
    this.#each([from], (member) => {
      if (fails) member.core.snapshotFailed(to);
      else member.core.snapshotSent(to, snapshot.base.index);
      member.work();
    });
  }
}

/** Settings as a scenario writes them: `log=1,1,2 term=3 vote=b applied=2 compacted=1 alone window=2 append=40 lease=9`. */
function optionsOf(settings: Words, now: () => number): MemberOptions {
  let options: MemberOptions = {};
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
    else throw new Error(`no setting ${setting}`);
  }
  return options;
}
