/**
 * Links between processes as ordered streams, in place of sockets. A cut delays data until it ends, like packet
 * loss on a connection. An end that receives nothing for a while closes its link.
 */
import { PROTOCOL_VERSION, pack, unpack } from '@trireme/domain';
import { MS, SECOND, type Micros, type Random } from '@trireme/raft-sim';
import { Backoff } from '@trireme/raft/frames';
import type { Dialer, Link, LinkDialerOptions, LinkHandler, CreateDialer } from '@trireme/service';
import type {
  CrashKind,
  LinkedProcess,
  SimulationContext,
  ProcessInstance,
  Links,
} from '../hosts/environment.js';

/** A fault of one direction between two processes. */
interface StreamFault {
  /** Nothing arrives. */
  readonly cut?: boolean;
  /** Mean of the additional latency. */
  readonly delay?: Micros;
}

const TRAVEL_MIN: Micros = 30;
const TRAVEL_MEAN: Micros = 150;
/**
 * Limits of the product: a link without incoming data for this long is closed, and a handshake takes at most
 * that long.
 */
const SILENCE_MAX: Micros = 3 * SECOND;
const DIAL_MAX: Micros = SECOND;
const BACKOFF_MS = { msMin: 20, msMax: 500 };

type Item =
  | { readonly is: 'frame'; readonly bytes: Uint8Array }
  | { readonly is: 'accept' }
  | { readonly is: 'end'; readonly reason: string };

class Direction {
  readonly faults = new Set<StreamFault>();
  /** Start of the cut; null if the direction is not cut. */
  cutSince: Micros | null = null;
  delay: Micros = 0;
}

/** One end of a connection. */
class StreamEnd implements Link {
  readonly id: number;
  readonly peer: string;
  readonly version = PROTOCOL_VERSION;
  readonly host: LinkedProcess;
  readonly instance: ProcessInstance;
  readonly handler: LinkHandler;
  /** Null until the connection is accepted. */
  other: StreamEnd | null = null;
  lastArrival: Micros = 0;
  /** Items for this end that a cut delays. */
  delayed: Item[] = [];
  #isOpen = false;
  #isClosed = false;
  readonly #streams: StreamNetwork;

  constructor(
    streams: StreamNetwork,
    id: number,
    host: LinkedProcess,
    instance: ProcessInstance,
    peer: string,
    handler: LinkHandler,
  ) {
    this.#streams = streams;
    this.id = id;
    this.host = host;
    this.instance = instance;
    this.peer = peer;
    this.handler = handler;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Notifies the handler of the open link. Runs in the process. */
  open(): void {
    this.#isOpen = true;
    this.#guard(() => this.handler.onOpen(this));
  }

  send(message: unknown): boolean {
    if (this.#isClosed) return false;
    this.#streams.carry(this, { is: 'frame', bytes: pack(message) });
    return true;
  }

  close(reason: string): void {
    if (this.#isClosed) return;
    this.#streams.carry(this, { is: 'end', reason });
    this.end(reason);
  }

  /** The connection has ended on this side. */
  end(reason: string): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#streams.onEndClosed(this);
    if (this.host.instance !== this.instance) return;
    this.host.runInNextTurn(() => {
      if (this.#isOpen) this.handler.onClose(this, reason);
      this.#isOpen = false;
    });
  }

  /** Handles an item that has arrived. Runs in the process. */
  receive(item: Item): void {
    if (this.#isClosed) return;
    switch (item.is) {
      case 'frame':
        this.#guard(() => this.handler.onMessage(this, unpack(item.bytes)));
        return;
      case 'accept':
        this.open();
        return;
      case 'end':
        this.end(item.reason);
    }
  }

  #guard(call: () => void): void {
    try {
      call();
    } catch (error) {
      // All processes have the same version and none is malicious, so a refused frame is a violation.
      this.#streams.reportViolation(`${this.host.name} refuses a frame of ${this.peer}: ${String(error)}`);
      this.close(String(error));
    }
  }
}

/** Keeps a link of one process instance open. */
class StreamDialer implements Dialer {
  readonly #streams: StreamNetwork;
  readonly #host: LinkedProcess;
  readonly #instance: ProcessInstance;
  readonly #options: LinkDialerOptions;
  readonly #backoff: Backoff;
  #end: StreamEnd | null = null;
  #isRunning = false;

  constructor(
    streams: StreamNetwork,
    host: LinkedProcess,
    instance: ProcessInstance,
    random: Random,
    options: LinkDialerOptions,
  ) {
    this.#streams = streams;
    this.#host = host;
    this.#instance = instance;
    this.#options = options;
    this.#backoff = new Backoff({ ...BACKOFF_MS, random: random.next });
  }

  start(): void {
    if (this.#isRunning) return;
    this.#isRunning = true;
    this.#dial();
  }

  async stop(): Promise<void> {
    this.#isRunning = false;
    this.#end?.close('this process closed the link');
    this.#end = null;
    return Promise.resolve();
  }

  #dial(): void {
    if (!this.#isRunning) return;
    const { handler, url, path } = this.#options;
    const host = this.#host;
    let isOpen = false;
    const end = this.#streams.dial(host, this.#instance, url, path, {
      onOpen: (link) => {
        isOpen = true;
        handler.onOpen(link);
      },
      onMessage: (link, message) => handler.onMessage(link, message),
      onClose: (link, reason) => {
        handler.onClose(link, reason);
        this.#redial(end, 0);
      },
    });
    this.#end = end;
    if (end === null) {
      this.#redial(null, 0);
      return;
    }
    host.timer(
      DIAL_MAX / MS,
      () => {
        if (isOpen || this.#end !== end) return;
        end.close('the other side did not answer');
        this.#redial(end, 0);
      },
      false,
    );
  }

  #redial(end: StreamEnd | null, ms: number): void {
    if (this.#end !== end) return;
    this.#end = null;
    this.#host.timer(ms + this.#backoff.next(), () => this.#dial(), false);
  }
}

export class StreamNetwork implements Links {
  readonly #simulation: SimulationContext;
  readonly #random: Random;
  readonly #hosts = new Map<string, LinkedProcess>();
  readonly #listeners = new Map<ProcessInstance, Map<string, LinkHandler>>();
  readonly #ends = new Set<StreamEnd>();
  readonly #directions = new Map<string, Direction>();
  #ids = 0;
  /** Number of opened links. */
  opened = 0;

  constructor(simulation: SimulationContext) {
    this.#simulation = simulation;
    this.#random = simulation.random.fork();
  }

  add(host: LinkedProcess): void {
    this.#hosts.set(host.url, host);
  }

  /** Creates the dialer of one process instance. */
  dialer(host: LinkedProcess, instance: ProcessInstance): CreateDialer {
    return (options) => new StreamDialer(this, host, instance, this.#random.fork(), options);
  }

  listen(instance: ProcessInstance, path: string, handler: LinkHandler): void {
    const paths = this.#listeners.get(instance) ?? new Map<string, LinkHandler>();
    paths.set(path, handler);
    this.#listeners.set(instance, paths);
  }

  reportViolation(what: string): void {
    this.#simulation.violate('protocol', what);
  }

  /** Begins a handshake. Returns null if no process listens at the URL. */
  dial(
    host: LinkedProcess,
    instance: ProcessInstance,
    url: string,
    path: string,
    handler: LinkHandler,
  ): StreamEnd | null {
    const target = this.#hosts.get(url);
    if (target === undefined) return null;
    const direction = this.#direction(host, target);
    if (direction.cutSince === null && target.instance === null) return null;
    this.#ids += 1;
    const end = new StreamEnd(this, this.#ids, host, instance, target.name, handler);
    if (direction.cutSince !== null) return end;
    this.#simulation.scheduler.after(this.#travel(direction), () => {
      const { instance: targetInstance } = target;
      if (targetInstance === null || direction.cutSince !== null) return;
      target.runInNextTurn(() => {
        const accepting = this.#listeners.get(targetInstance)?.get(path);
        if (accepting === undefined || end.isClosed || host.instance !== instance) return;
        this.#ids += 1;
        this.opened += 1;
        const accepted = new StreamEnd(this, this.#ids, target, targetInstance, host.name, accepting);
        accepted.other = end;
        end.other = accepted;
        this.#ends.add(accepted).add(end);
        this.carry(accepted, { is: 'accept' });
        accepted.open();
      });
    });
    return end;
  }

  /** Sends an item to the other end. */
  carry(from: StreamEnd, item: Item): void {
    const { other } = from;
    if (other === null) return;
    const direction = this.#direction(from.host, other.host);
    const { scheduler, trace } = this.#simulation;
    const size = item.is === 'frame' ? item.bytes.byteLength : 0;
    trace.note('send', from.host.name, from.id, size, () => `to ${other.host.name}: ${describe(item)}`);
    const arrival = Math.max(other.lastArrival, scheduler.now + this.#travel(direction));
    other.lastArrival = arrival;
    scheduler.after(arrival - scheduler.now, () => {
      if (direction.cutSince !== null || other.delayed.length > 0) other.delayed.push(item);
      else this.#arrive(other, item);
    });
  }

  #arrive(end: StreamEnd, item: Item): void {
    if (end.isClosed || end.host.instance !== end.instance) return;
    end.host.runInNextTurn(() => end.receive(item));
  }

  /** An end has closed. */
  onEndClosed(end: StreamEnd): void {
    this.#ends.delete(end);
    end.delayed = [];
  }

  /** A process has died. Its operating system closes the connections, unless the machine lost power. */
  onHostDied(host: LinkedProcess, kind: CrashKind): void {
    for (const end of [...this.#ends]) {
      if (end.host !== host) continue;
      const { other } = end;
      if (kind === 'kill') this.carry(end, { is: 'end', reason: 'the other process ended' });
      else if (other !== null) this.#closeIfSilent(other, () => true);
      this.#ends.delete(end);
    }
  }

  /** A process is paused. The other ends receive nothing as long as `isSilent` is true. */
  onHostPaused(host: LinkedProcess, isSilent: () => boolean): void {
    for (const end of this.#ends)
      if (end.host === host && end.other !== null) this.#closeIfSilent(end.other, isSilent);
  }

  #closeIfSilent(end: StreamEnd, isSilent: () => boolean): void {
    this.#simulation.scheduler.after(SILENCE_MAX, () => {
      if (!end.isClosed && isSilent()) end.close('no data received for 3 s');
    });
  }

  /** Resets the links between two processes. Each end notices independently, after `noticeMean` on average. */
  reset(a: LinkedProcess, b: LinkedProcess, noticeMean: Micros): void {
    for (const end of [...this.#ends]) {
      if (end.host !== a || end.other?.host !== b) continue;
      const { other } = end;
      // Items in flight are lost, because each end ignores what arrives after its reset.
      const { scheduler } = this.#simulation;
      scheduler.after(this.#random.exponential(noticeMean), () => end.end('the connection was reset'));
      scheduler.after(this.#random.exponential(noticeMean), () => other.end('the connection was reset'));
    }
  }

  /** Adds a fault to the direction from `from` to `to`. The result removes it. */
  impair(from: LinkedProcess, to: LinkedProcess, fault: StreamFault): () => void {
    const direction = this.#direction(from, to);
    const own = { ...fault };
    direction.faults.add(own);
    this.#update(from, to, direction);
    return () => {
      direction.faults.delete(own);
      this.#update(from, to, direction);
    };
  }

  isCut(from: LinkedProcess, to: LinkedProcess): boolean {
    return this.#direction(from, to).cutSince !== null;
  }

  #update(from: LinkedProcess, to: LinkedProcess, direction: Direction): void {
    direction.delay = 0;
    for (const { delay } of direction.faults) direction.delay += delay ?? 0;
    const isCut = [...direction.faults].some(({ cut }) => cut === true);
    const { now } = this.#simulation.scheduler;
    if (isCut && direction.cutSince === null) {
      direction.cutSince = now;
      for (const end of this.#ends) {
        if (end.host === to && end.other?.host === from)
          this.#closeIfSilent(end, () => direction.cutSince === now);
      }
    }
    if (isCut || direction.cutSince === null) return;
    direction.cutSince = null;
    // Connections retransmit after a while.
    for (const end of this.#ends) {
      if (end.host !== to || end.other?.host !== from || end.delayed.length === 0) continue;
      this.#simulation.scheduler.after(this.#random.below(100 * MS), () => {
        if (direction.cutSince !== null) return;
        for (const item of end.delayed.splice(0)) this.#arrive(end, item);
      });
    }
  }

  #travel({ delay }: Direction): Micros {
    return TRAVEL_MIN + this.#random.exponential(TRAVEL_MEAN + delay);
  }

  #direction(from: LinkedProcess, to: LinkedProcess): Direction {
    const key = `${from.name} ${to.name}`;
    let direction = this.#directions.get(key);
    if (direction === undefined) this.#directions.set(key, (direction = new Direction()));
    return direction;
  }
}

function describe(item: Item): string {
  if (item.is !== 'frame') return item.is === 'end' ? `end: ${item.reason}` : item.is;
  const text = JSON.stringify(unpack(item.bytes), (_, value: unknown) =>
    value instanceof Uint8Array ? `<${value.byteLength} bytes>` : value,
  );
  return text.length > 300 ? `${text.slice(0, 300)}...` : text;
}
