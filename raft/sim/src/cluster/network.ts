/**
 * The network between processes. Every message has its own latency, and each direction of a link may lose,
 * repeat, delay or block messages. Messages are never altered. Several faults of a link add up.
 */
import type { Message, NodeId, Transport } from '@trireme/raft';
import type { Random } from '../engine/random.js';
import { MS, SECOND, type Micros, type Scheduler } from '../engine/scheduler.js';
import type { ProcessScope } from '../engine/scope.js';
import type { Trace } from '../engine/trace.js';
import { describe, numbersOf } from './messages.js';
import type { TransferEnd } from './transfer.js';
import { SimTransfers } from './transfers.js';

/** A fault of one direction of a link. */
export interface LinkFault {
  /** Nothing arrives. */
  readonly cut?: boolean;
  /** Probability that a message is lost. */
  readonly loss?: number;
  /** Probability that a message arrives twice. */
  readonly duplication?: number;
  /** Mean of the additional latency. */
  readonly delay?: Micros;
  /** Probability that a message is late by up to `LATE_MAX`, so that many later messages overtake it. */
  readonly lateness?: number;
  /** Probability that a message arrives a second time, up to `ECHO_MAX` later. */
  readonly echo?: number;
}

const TRAVEL_MIN: Micros = 100;
const TRAVEL_MEAN: Micros = 400;
const LATE_MAX: Micros = 4 * SECOND;
const ECHO_MAX: Micros = 12 * SECOND;
/** Number of recent messages stored per receiver and type; up to twice as many. */
const PAST_MAX = 30;
/** Probability that the sender is notified of a lost message. */
const REPORT_CHANCE = 0.2;
const REPORT_DELAY_MAX: Micros = 500 * MS;
/** Time after which the sender is notified of a refused connection. */
const REFUSAL_DELAY: Micros = 50;
const RESET_DELAY_MEAN: Micros = MS;

class Link {
  readonly faults = new Set<LinkFault>();
  /** The combination of all faults. */
  sum: Required<LinkFault> = addUp([]);
  /** Arrival time of the last message, for ordered links. */
  lastArrival: Micros = 0;
}

function addUp(faults: Iterable<LinkFault>): Required<LinkFault> {
  const sum = { cut: false, loss: 0, duplication: 0, delay: 0, lateness: 0, echo: 0 };
  for (const fault of faults) {
    sum.cut ||= fault.cut ?? false;
    sum.loss = Math.max(sum.loss, fault.loss ?? 0);
    sum.duplication = Math.max(sum.duplication, fault.duplication ?? 0);
    sum.delay += fault.delay ?? 0;
    sum.lateness = Math.max(sum.lateness, fault.lateness ?? 0);
    sum.echo = Math.max(sum.echo, fault.echo ?? 0);
  }
  return sum;
}

interface NetworkOptions {
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly trace: Trace;
  /** Whether links preserve the order of messages, unless a fault makes one late. */
  readonly isOrdered: boolean;
  /** Probability of an echo on every link, in addition to faults. */
  readonly echo: number;
  /** Probability that a chunk of a snapshot is damaged in transit. */
  readonly damage: number;
  /** Time after which the sender aborts a snapshot transfer. */
  readonly transferTimeout: Micros;
}

export class SimNetwork {
  readonly #options: NetworkOptions;
  readonly #links = new Map<string, Link>();
  readonly #endpoints = new Map<NodeId, TransferEnd>();
  /** Scheduled notifications of unreachable peers, one per pair of members at a time. */
  readonly #reports = new Set<string>();
  /** Pairs of members of which the first refuses the second, which it has removed. */
  readonly #removed = new Set<string>();
  readonly #transfers: SimTransfers;
  /** Recent messages to each member, by type, oldest first. */
  readonly #past = new Map<NodeId, Map<Message['type'], Message[]>>();

  constructor(options: NetworkOptions) {
    this.#options = options;
    const { scheduler, random, damage, transferTimeout } = options;
    this.#transfers = new SimTransfers({
      scheduler,
      random,
      damage,
      transferTimeout,
      linkOf: (from, to) => this.#link(from, to).sum,
      endOf: (member, sender) =>
        this.#isRefused(member, sender) ? null : (this.#endpoints.get(member) ?? null),
    });
  }

  /** The transport of one instance of a process. `sent` is called for every message before it is sent. */
  transport(id: NodeId, scope: ProcessScope, sent: (message: Message) => void): Transport {
    let isOpen = false;
    const peers = new Set<NodeId>();
    // A new instance has not removed any peer yet.
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
        this.onProcessDied(id);
        return Promise.resolve();
      },
    };
  }

  /** Closes the connections of a process that has died. Peers with a working link to it notice. */
  onProcessDied(id: NodeId): void {
    if (!this.#endpoints.delete(id)) return;
    this.#transfers.breakConnections(id);
    this.breakConnectionsOf(id);
  }

  /**
   * Notifies the peers with a working link to a member that their connection to it has broken. The member is
   * not notified.
   */
  breakConnectionsOf(id: NodeId): void {
    for (const peer of this.#endpoints.keys()) if (peer !== id) this.#hint(peer, id);
  }

  /** Resets the connections between two members. Both may send again at once. */
  reset(a: NodeId, b: NodeId): void {
    this.#hint(a, b);
    this.#hint(b, a);
    this.#report(a, b, REFUSAL_DELAY);
    this.#report(b, a, REFUSAL_DELAY);
    this.#transfers.breakConnections(a, b);
  }

  /** Whether one of the two members has removed the other. */
  #isRefused(a: NodeId, b: NodeId): boolean {
    return this.#removed.size > 0 && (this.#removed.has(`${a} ${b}`) || this.#removed.has(`${b} ${a}`));
  }

  /** Adds a fault to one direction of a link. The result removes it. */
  impair(from: NodeId, to: NodeId, fault: LinkFault): () => void {
    const link = this.#link(from, to);
    // Copied, because the same fault may be added twice and removed once.
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
    const { delay, lateness } = link.sum;
    let arrival = scheduler.now + TRAVEL_MIN + random.exponential(TRAVEL_MEAN + delay);
    if (lateness > 0 && random.chance(lateness)) arrival += random.below(LATE_MAX);
    else if (isOrdered) {
      arrival = Math.max(arrival, link.lastArrival);
      link.lastArrival = arrival;
    }
    scheduler.after(arrival - scheduler.now, () => this.#arrive(message));
  }

  /** Recent messages of each type to a member, across restarts, whether or not they arrived. */
  recentMessagesTo(id: NodeId): readonly (readonly Message[])[] {
    return [...(this.#past.get(id)?.values() ?? [])];
  }

  /** Delivers a message that was sent before, late or once more. */
  redeliver(message: Message): void {
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
      endpoint.handler.onMessage(overTheWire(message));
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
        endpoint.handler.onUnreachable(about);
      });
    });
  }

  #hint(to: NodeId, about: NodeId): void {
    const endpoint = this.#endpoints.get(to);
    if (endpoint === undefined || this.#link(about, to).sum.cut) return;
    this.#options.scheduler.after(this.#options.random.exponential(RESET_DELAY_MEAN), () => {
      endpoint.scope.enter(() => {
        this.#options.trace.note('linkLost', to, 0, 0, () => about);
        endpoint.handler.onLinkLost(about);
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

/** Copies a message, because processes share no objects. Bytes are shared, because they are immutable. */
function overTheWire(message: Message): Message {
  if (message.type !== 'appendRequest') return message;
  return { ...message, entries: message.entries.map((entry) => ({ ...entry })) };
}
