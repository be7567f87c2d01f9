/**
 * Links between processes as ordered streams, in place of sockets. A cut holds up what is sent, as a network does that drops
 * packets of a connection; a link on which nothing came in for a while is closed by its end.
 */
import { pack, unpack } from '@trireme/domain';
import { MS, SECOND, type Micros, type Random } from '@trireme/raft/sim';
import { Backoff } from '@trireme/raft/frames';
import type { Dialer, Link, LinkDialerOptions, LinkHandler, MakeDialer } from '@trireme/service';
import type { CrashKind, Endpoint, Environment, Life, Links } from '../hosts/environment.js';

/** What is wrong with what one process sends to another. */
interface StreamFault {
  /** Nothing arrives. */
  readonly cut?: boolean;
  /** Added to the time of a message, on average. */
  readonly delay?: Micros;
}

const TRAVEL_MIN: Micros = 30;
const TRAVEL_MEAN: Micros = 150;
/** As in the product: a link on which nothing came in for this long is closed, and a handshake takes no longer. */
const SILENCE_MAX: Micros = 3 * SECOND;
const DIAL_MAX: Micros = SECOND;
const BACKOFF_MS = { msMin: 20, msMax: 500 };

type Item =
  | { readonly is: 'frame'; readonly bytes: Uint8Array }
  | { readonly is: 'accept' }
  | { readonly is: 'end'; readonly reason: string };

class Way {
  readonly faults = new Set<StreamFault>();
  /** Began to be cut at this time. */
  cutSince: Micros | null = null;
  delay: Micros = 0;
}

/** One end of a connection. */
class End implements Link {
  readonly id: number;
  readonly peer: string;
  readonly host: Endpoint;
  readonly life: Life;
  readonly handler: LinkHandler;
  /** Null before the other end is there. */
  other: End | null = null;
  lastArrival: Micros = 0;
  /** What was sent to this end and is held up. */
  stuck: Item[] = [];
  #isOpen = false;
  #isClosed = false;
  readonly #streams: Streams;

  constructor(streams: Streams, id: number, host: Endpoint, life: Life, peer: string, handler: LinkHandler) {
    this.#streams = streams;
    this.id = id;
    this.host = host;
    this.life = life;
    this.peer = peer;
    this.handler = handler;
  }

  get closed(): boolean {
    return this.#isClosed;
  }

  /** In the process: the handler is told of the link. */
  open(): void {
    this.#isOpen = true;
    this.#guard(() => this.handler.opened(this));
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

  /** The connection is over on this side. */
  end(reason: string): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#streams.forget(this);
    if (this.host.life !== this.life) return;
    this.host.deliver(() => {
      if (this.#isOpen) this.handler.closed(this, reason);
      this.#isOpen = false;
    });
  }

  /** In the process: something has come. */
  receive(item: Item): void {
    if (this.#isClosed) return;
    switch (item.is) {
      case 'frame':
        this.#guard(() => this.handler.message(this, unpack(item.bytes)));
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
      // All processes are of one version and none is an attacker.
      this.#streams.violated(`${this.host.name} refuses a frame of ${this.peer}: ${String(error)}`);
      this.close(String(error));
    }
  }
}

/** Keeps a link of one life of a process open. */
class StreamDialer implements Dialer {
  readonly #streams: Streams;
  readonly #host: Endpoint;
  readonly #life: Life;
  readonly #options: LinkDialerOptions;
  readonly #backoff: Backoff;
  #end: End | null = null;
  #isRunning = false;

  constructor(streams: Streams, host: Endpoint, life: Life, random: Random, options: LinkDialerOptions) {
    this.#streams = streams;
    this.#host = host;
    this.#life = life;
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
    const end = this.#streams.dial(host, this.#life, url, path, {
      opened: (link) => {
        isOpen = true;
        handler.opened(link);
      },
      message: (link, message) => handler.message(link, message),
      closed: (link, reason) => {
        handler.closed(link, reason);
        this.#again(end, 0);
      },
    });
    this.#end = end;
    if (end === null) {
      this.#again(null, 0);
      return;
    }
    host.timer(
      DIAL_MAX / MS,
      () => {
        if (isOpen || this.#end !== end) return;
        end.close('the other side did not answer');
        this.#again(end, 0);
      },
      false,
    );
  }

  /** The other side refused at once. */
  refused(end: End): void {
    this.#again(end, 0);
  }

  #again(end: End | null, ms: number): void {
    if (this.#end !== end) return;
    this.#end = null;
    this.#host.timer(ms + this.#backoff.next(), () => this.#dial(), false);
  }
}

export class Streams implements Links {
  readonly #world: Environment;
  readonly #random: Random;
  readonly #hosts = new Map<string, Endpoint>();
  readonly #listeners = new Map<Life, Map<string, LinkHandler>>();
  readonly #ends = new Set<End>();
  readonly #ways = new Map<string, Way>();
  #ids = 0;
  /** Links that were opened. */
  opened = 0;

  constructor(world: Environment) {
    this.#world = world;
    this.#random = world.random.fork();
  }

  add(host: Endpoint): void {
    this.#hosts.set(host.url, host);
  }

  /** What opens links of this life of a process. */
  dialer(host: Endpoint, life: Life): MakeDialer {
    return (options) => new StreamDialer(this, host, life, this.#random.fork(), options);
  }

  listen(life: Life, path: string, handler: LinkHandler): void {
    const paths = this.#listeners.get(life) ?? new Map<string, LinkHandler>();
    paths.set(path, handler);
    this.#listeners.set(life, paths);
  }

  violated(what: string): void {
    this.#world.violate('protocol', what);
  }

  /** Begins a handshake; null where nobody listens there. */
  dial(host: Endpoint, life: Life, url: string, path: string, handler: LinkHandler): End | null {
    const target = this.#hosts.get(url);
    if (target === undefined) return null;
    const there = this.#way(host, target);
    if (there.cutSince === null && target.life === null) return null;
    this.#ids += 1;
    const end = new End(this, this.#ids, host, life, target.name, handler);
    if (there.cutSince !== null) return end;
    this.#world.scheduler.after(this.#travel(there), () => {
      const { life: targetLife } = target;
      if (targetLife === null || there.cutSince !== null) return;
      target.deliver(() => {
        const accepting = this.#listeners.get(targetLife)?.get(path);
        if (accepting === undefined || end.closed || host.life !== life) return;
        this.#ids += 1;
        this.opened += 1;
        const accepted = new End(this, this.#ids, target, targetLife, host.name, accepting);
        accepted.other = end;
        end.other = accepted;
        this.#ends.add(accepted).add(end);
        this.carry(accepted, { is: 'accept' });
        accepted.open();
      });
    });
    return end;
  }

  /** Sends something to the other end. */
  carry(from: End, item: Item): void {
    const { other } = from;
    if (other === null) return;
    const way = this.#way(from.host, other.host);
    const { scheduler, trace } = this.#world;
    const size = item.is === 'frame' ? item.bytes.byteLength : 0;
    trace.note('send', from.host.name, from.id, size, () => `to ${other.host.name}: ${describe(item)}`);
    const arrival = Math.max(other.lastArrival, scheduler.now + this.#travel(way));
    other.lastArrival = arrival;
    scheduler.after(arrival - scheduler.now, () => {
      if (way.cutSince !== null || other.stuck.length > 0) other.stuck.push(item);
      else this.#arrive(other, item);
    });
  }

  #arrive(end: End, item: Item): void {
    if (end.closed || end.host.life !== end.life) return;
    end.host.deliver(() => end.receive(item));
  }

  /** The end is closed. */
  forget(end: End): void {
    this.#ends.delete(end);
    end.stuck = [];
  }

  /** The process is gone: the system closes its sockets, unless it is gone as well. */
  hostDied(host: Endpoint, kind: CrashKind): void {
    for (const end of [...this.#ends]) {
      if (end.host !== host) continue;
      const { other } = end;
      if (kind === 'kill') this.carry(end, { is: 'end', reason: 'the other process ended' });
      else if (other !== null) this.#silent(other, () => true);
      this.#ends.delete(end);
    }
  }

  /** The process is halted: the other ends hear nothing for as long as `isSilent` holds. */
  hostSilent(host: Endpoint, isSilent: () => boolean): void {
    for (const end of this.#ends)
      if (end.host === host && end.other !== null) this.#silent(end.other, isSilent);
  }

  #silent(end: End, isSilent: () => boolean): void {
    this.#world.scheduler.after(SILENCE_MAX, () => {
      if (!end.closed && isSilent()) end.close('nothing came in for 3 s');
    });
  }

  /** Breaks the links between two processes; each end notices by itself. */
  reset(a: Endpoint, b: Endpoint): void {
    for (const end of [...this.#ends]) {
      if (end.host !== a || end.other?.host !== b) continue;
      const { other } = end;
      // What is under way is lost: neither end takes in anything that arrives after this.
      const { scheduler } = this.#world;
      scheduler.after(this.#random.exponential(MS), () => end.end('the connection was reset'));
      scheduler.after(this.#random.exponential(MS), () => other.end('the connection was reset'));
    }
  }

  /** Adds a fault to what `from` sends to `to`; the result takes it away. */
  impair(from: Endpoint, to: Endpoint, fault: StreamFault): () => void {
    const way = this.#way(from, to);
    const own = { ...fault };
    way.faults.add(own);
    this.#update(from, to, way);
    return () => {
      way.faults.delete(own);
      this.#update(from, to, way);
    };
  }

  isCut(from: Endpoint, to: Endpoint): boolean {
    return this.#way(from, to).cutSince !== null;
  }

  #update(from: Endpoint, to: Endpoint, way: Way): void {
    way.delay = 0;
    for (const { delay } of way.faults) way.delay += delay ?? 0;
    const isCut = [...way.faults].some(({ cut }) => cut === true);
    const { now } = this.#world.scheduler;
    if (isCut && way.cutSince === null) {
      way.cutSince = now;
      for (const end of this.#ends) {
        if (end.host === to && end.other?.host === from) this.#silent(end, () => way.cutSince === now);
      }
    }
    if (isCut || way.cutSince === null) return;
    way.cutSince = null;
    // Connections send again what was not acknowledged, after a while.
    for (const end of this.#ends) {
      if (end.host !== to || end.other?.host !== from || end.stuck.length === 0) continue;
      this.#world.scheduler.after(this.#random.below(100 * MS), () => {
        if (way.cutSince !== null) return;
        for (const item of end.stuck.splice(0)) this.#arrive(end, item);
      });
    }
  }

  #travel({ delay }: Way): Micros {
    return TRAVEL_MIN + this.#random.exponential(TRAVEL_MEAN + delay);
  }

  #way(from: Endpoint, to: Endpoint): Way {
    const key = `${from.name} ${to.name}`;
    let way = this.#ways.get(key);
    if (way === undefined) this.#ways.set(key, (way = new Way()));
    return way;
  }
}

function describe(item: Item): string {
  if (item.is !== 'frame') return item.is === 'end' ? `end: ${item.reason}` : item.is;
  const text = JSON.stringify(unpack(item.bytes), (_, value: unknown) =>
    value instanceof Uint8Array ? `<${value.byteLength} bytes>` : value,
  );
  return text.length > 300 ? `${text.slice(0, 300)}...` : text;
}
