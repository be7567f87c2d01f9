/**
 * The network between processes: every message takes its own time, and each direction of each link may lose, repeat,
 * delay or cut what is sent. Messages are never changed. Faults come and go by themselves and add up.
 */
import type { Message, NodeId } from '#raft/core/types.js';
import type { Transport } from '#raft/transport/transport.js';
import type { Random } from '../engine/random.js';
import { MS, SECOND, type Micros, type Scheduler } from '../engine/scheduler.js';
import type { Scope } from '../engine/scope.js';
import type { Trace } from '../engine/trace.js';
import { describe, numbersOf } from './messages.js';
import type { End } from './transfer.js';
import { Transfers } from './transfers.js';

/** What is wrong with one direction of a link. */
export interface LinkFault {
  /** Nothing arrives. */
  readonly cut?: boolean;
  /** Chance that a message is lost. */
  readonly loss?: number;
  /** Chance that a message comes twice. */
  readonly duplication?: number;
  /** Added to the time of a message, on average. */
  readonly delay?: Micros;
  /** Chance that a message comes late by up to `LATE_MAX`, after many that were sent behind it. */
  readonly straggling?: number;
  /** Chance that a message comes again, up to `ECHO_MAX` later, when no one thinks of it any more. */
  readonly echo?: number;
}

const TRAVEL_MIN: Micros = 100;
const TRAVEL_MEAN: Micros = 400;
const LATE_MAX: Micros = 4 * SECOND;
const ECHO_MAX: Micros = 12 * SECOND;
/** Messages that are remembered of each type for each receiver, up to twice as many. */
const PAST_MAX = 30;
/** Chance that the sender learns that a message was lost. */
const REPORT_CHANCE = 0.2;
const REPORT_DELAY_MAX: Micros = 500 * MS;
/** A refused connection is told this soon. */
const REFUSAL_DELAY: Micros = 50;
const RESET_DELAY_MEAN: Micros = MS;

class Link {
  readonly faults = new Set<LinkFault>();
  /** All faults together. */
  sum: Required<LinkFault> = addUp([]);
  /** When the latest message arrives, for links that keep their order. */
  lastArrival: Micros = 0;
}

function addUp(faults: Iterable<LinkFault>): Required<LinkFault> {
  const sum = { cut: false, loss: 0, duplication: 0, delay: 0, straggling: 0, echo: 0 };
  for (const fault of faults) {
    sum.cut ||= fault.cut ?? false;
    sum.loss = Math.max(sum.loss, fault.loss ?? 0);
    sum.duplication = Math.max(sum.duplication, fault.duplication ?? 0);
    sum.delay += fault.delay ?? 0;
    sum.straggling = Math.max(sum.straggling, fault.straggling ?? 0);
    sum.echo = Math.max(sum.echo, fault.echo ?? 0);
  }
  return sum;
}

interface NetworkOptions {
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly trace: Trace;
  /** Whether messages of a link keep their order, as long as no fault makes one of them late. */
  readonly isOrdered: boolean;
  /** Chance, whatever faults there are, that a message comes again long after. */
  readonly echo: number;
  /** Chance that a piece of a snapshot is damaged on its way. */
  readonly damage: number;
  /** How long the sender of a snapshot waits for an answer. */
  readonly patience: Micros;
}

export class SimNetwork {
  readonly #options: NetworkOptions;
  readonly #links = new Map<string, Link>();
  readonly #endpoints = new Map<NodeId, End>();
  /** Reports that are due: one for each pair of members at a time. */
  readonly #reports = new Set<string>();
  /** Who refuses whom, as it is no member any more. */
  readonly #removed = new Set<string>();
  readonly #transfers: Transfers;
  /** What was sent to each member last, by type, the oldest first. */
  readonly #past = new Map<NodeId, Map<Message['type'], Message[]>>();

  constructor(options: NetworkOptions) {
    this.#options = options;
    const { scheduler, random, damage, patience } = options;
    this.#transfers = new Transfers({
      ...{ scheduler, random, damage, patience },
      linkOf: (from, to) => this.#link(from, to).sum,
      endOf: (member, sender) =>
        this.#isRefused(member, sender) ? null : (this.#endpoints.get(member) ?? null),
    });
  }

  /** What a process of this life sends and receives with; `sent` sees every message first. */
  transport(id: NodeId, scope: Scope, sent: (message: Message) => void): Transport {
    let isOpen = false;
    const peers = new Set<NodeId>();
    // A new life has removed no one yet, whoever is up now.
    for (const pair of this.#removed) if (pair.startsWith(`${id} `)) this.#removed.delete(pair);
    return {
      peers: () => [...peers],
      addPeer: (peer) => {
        peers.add(peer);
        this.#removed.delete(`${id} ${peer}`);
      },
      removePeer: (peer) => {
        peers.delete(peer);
        this.#removed.add(`${id} ${peer}`);
      },
      start: async (handler) => {
        isOpen = true;
        this.#endpoints.set(id, { scope, handler });
        return Promise.resolve();
      },
      send: (message) => {
        if (!isOpen) return;
        sent(message);
        this.#send(message);
      },
      sendSnapshot: async (snapshot, signal) => {
        if (!isOpen) throw new Error('the transport is stopped');
        await this.#transfers.send(snapshot, signal, scope);
      },
      stop: async () => {
        isOpen = false;
        this.#transfers.stop(id);
        this.leave(id);
        return Promise.resolve();
      },
    };
  }

  /** The process's connections end, as when it dies; its peers notice unless they are cut off. */
  leave(id: NodeId): void {
    if (!this.#endpoints.delete(id)) return;
    this.#transfers.broken(id);
    this.hangUp(id);
  }

  /** The peers of a member see their connections to it break, unless they are cut off; it notices nothing. */
  hangUp(id: NodeId): void {
    for (const peer of this.#endpoints.keys()) if (peer !== id) this.#hint(peer, id);
  }

  /** Breaks the connections between two members; both may go on at once. */
  reset(a: NodeId, b: NodeId): void {
    this.#hint(a, b);
    this.#hint(b, a);
    this.#report(a, b, REFUSAL_DELAY);
    this.#report(b, a, REFUSAL_DELAY);
    this.#transfers.broken(a, b);
  }

  /** Whether one of them has removed the other. */
  #isRefused(a: NodeId, b: NodeId): boolean {
    return this.#removed.size > 0 && (this.#removed.has(`${a} ${b}`) || this.#removed.has(`${b} ${a}`));
  }

  /** Adds a fault to the direction of a link; the result takes it away again. */
  impair(from: NodeId, to: NodeId, fault: LinkFault): () => void {
    const link = this.#link(from, to);
    // An object of its own: the same fault may be there twice, and end once.
    const own = { ...fault };
    link.faults.add(own);
    link.sum = addUp(link.faults);
    return () => {
      link.faults.delete(own);
      link.sum = addUp(link.faults);
    };
  }

  #send(message: Message): void {
    const { random, trace } = this.#options;
    const { from, to } = message;
    const link = this.#link(from, to);
    const { cut, loss, duplication, echo } = link.sum;
    const [a, b] = numbersOf(message);
    trace.note('send', from, a, b, () => describe(message));
    this.#remember(message);
    if (!cut && (this.#isRefused(to, from) || !this.#endpoints.has(to))) {
      this.#report(from, to, REFUSAL_DELAY);
      return;
    }
    if (cut || (loss > 0 && random.chance(loss))) {
      trace.note('lose', from, a, b, () => describe(message));
      if (random.chance(REPORT_CHANCE)) this.#report(from, to, random.below(REPORT_DELAY_MAX));
      return;
    }
    this.#travel(message, link);
    if (duplication > 0 && random.chance(duplication)) this.#travel(message, link);
    const echoChance = Math.max(echo, this.#options.echo);
    if (echoChance > 0 && random.chance(echoChance)) {
      this.#options.scheduler.after(random.below(ECHO_MAX), () => this.#arrive(message));
    }
  }

  #travel(message: Message, link: Link): void {
    const { random, scheduler, isOrdered } = this.#options;
    const { delay, straggling } = link.sum;
    let arrival = scheduler.now + TRAVEL_MIN + random.exponential(TRAVEL_MEAN + delay);
    if (straggling > 0 && random.chance(straggling)) arrival += random.below(LATE_MAX);
    else if (isOrdered) {
      arrival = Math.max(arrival, link.lastArrival);
      link.lastArrival = arrival;
    }
    scheduler.after(arrival - scheduler.now, () => this.#arrive(message));
  }

  /** The last messages of each type that were sent to a member, whichever life it was in, and whether or not they came. */
  pastOf(id: NodeId): readonly (readonly Message[])[] {
    return [...(this.#past.get(id)?.values() ?? [])];
  }

  /** Brings a message, late or once more, as a network may at any time. */
  again(message: Message): void {
    this.#arrive(message);
  }

  #remember(message: Message): void {
    let types = this.#past.get(message.to);
    if (types === undefined) this.#past.set(message.to, (types = new Map<Message['type'], Message[]>()));
    let past = types.get(message.type);
    if (past === undefined) types.set(message.type, (past = []));
    if (past.length >= 2 * PAST_MAX) past.splice(0, PAST_MAX);
    past.push(message);
  }

  #arrive(message: Message): void {
    const endpoint = this.#endpoints.get(message.to);
    if (endpoint === undefined || this.#link(message.from, message.to).sum.cut) return;
    if (this.#removed.has(`${message.to} ${message.from}`)) return;
    const [a, b] = numbersOf(message);
    endpoint.scope.enter(() => {
      this.#options.trace.note('receive', message.to, a, b, () => describe(message));
      endpoint.handler.message(overTheWire(message));
    });
  }

  #report(to: NodeId, about: NodeId, delay: Micros): void {
    const endpoint = this.#endpoints.get(to);
    const key = `${to} ${about}`;
    if (endpoint === undefined || this.#reports.has(key)) return;
    this.#reports.add(key);
    this.#options.scheduler.after(delay, () => {
      this.#reports.delete(key);
      endpoint.scope.enter(() => {
        this.#options.trace.note('unreachable', to, 0, 0, () => about);
        endpoint.handler.unreachable(about);
      });
    });
  }

  #hint(to: NodeId, about: NodeId): void {
    const endpoint = this.#endpoints.get(to);
    if (endpoint === undefined || this.#link(about, to).sum.cut) return;
    this.#options.scheduler.after(this.#options.random.exponential(RESET_DELAY_MEAN), () => {
      endpoint.scope.enter(() => {
        this.#options.trace.note('linkLost', to, 0, 0, () => about);
        endpoint.handler.linkLost(about);
      });
    });
  }

  #link(from: NodeId, to: NodeId): Link {
    const key = `${from} ${to}`;
    let link = this.#links.get(key);
    if (link === undefined) {
      link = new Link();
      this.#links.set(key, link);
    }
    return link;
  }
}

/** The same message in other objects, as processes share none. Bytes are shared: they are immutable. */
function overTheWire(message: Message): Message {
  if (message.type !== 'appendRequest') return message;
  return { ...message, entries: message.entries.map((entry) => ({ ...entry })) };
}
