/**
 * Hosts on one machine: network namespaces with an address each, behind one switch, and partitions between them by
 * packet filters. Needs root. Nothing has a name that could be left behind: each namespace lives as long as the process
 * that holds it, which ends with this one, however that ends, and what is connected to a namespace goes with it.
 */
import { execFile, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { randomBytes, randomInt } from 'node:crypto';
import { readlinkSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { ClusterError } from '../errors.js';
import { packetFilter } from '../rules/packet-filter.js';

/** Hosts of one network at most: what fits into its addresses beside this machine's own. */
const HOSTS_MAX = 200;
/** This machine's own place in the network. */
const OWN_PLACE = 254;
const HOLDER_MS_MAX = 5_000;
const POLL_MS = 2;

interface Host {
  readonly name: string;
  readonly address: string;
  readonly holder: ChildProcess;
  /** Share of packets lost, by the sender's name. */
  readonly lost: Map<string, number>;
}

/** A few hosts that see each other and this machine; whoever opened it has to `close` it. */
export class HostNetwork {
  readonly #switch: ChildProcess;
  /** This machine's end of its cable. */
  readonly #port: string;
  readonly #hosts: ReadonlyMap<string, Host>;
  #imposing: Promise<void> = Promise.resolve();

  private constructor(hub: ChildProcess, port: string, hosts: readonly Host[]) {
    this.#switch = hub;
    this.#port = port;
    this.#hosts = new Map(hosts.map((host) => [host.name, host]));
  }

  /**
   * Makes the hosts, 1 to 200, which may be reached from this machine by their addresses.
   * @throws ClusterError `BAD_OPTION` for names that are doubled or too many, `NO_HOSTS` where this machine cannot make
   *   them; nothing is left then.
   */
  static async open(names: readonly string[]): Promise<HostNetwork> {
    if (names.length < 1 || names.length > HOSTS_MAX || new Set(names).size !== names.length) {
      throw new ClusterError('BAD_OPTION', `hosts must be 1 to ${HOSTS_MAX} different names`);
    }
    const holders: ChildProcess[] = [];
    const held = async (): Promise<ChildProcess> => {
      const holder = await holdNamespace();
      holders.push(holder);
      return holder;
    };
    try {
      const network = freeNetwork();
      const hub = await held();
      const port = `tr-${randomBytes(5).toString('hex')}`;
      await inside(hub, ['ip', 'link', 'add', 'switch', 'type', 'bridge']);
      await inside(hub, ['ip', 'link', 'set', 'switch', 'up']);
      await run(['ip', 'link', 'add', port, 'type', 'veth', 'peer', 'name', 'machine', 'netns', pidOf(hub)]);
      await run(['ip', 'address', 'add', `${network}.${OWN_PLACE}/24`, 'dev', port]);
      await run(['ip', 'link', 'set', port, 'up']);
      await plugIn(hub, 'machine');
      const hosts: Host[] = [];
      for (const [i, name] of names.entries()) {
        const holder = await held();
        const address = `${network}.${i + 1}`;
        await connect(hub, holder, `host-${i + 1}`, address);
        hosts.push({ name, address, holder, lost: new Map() });
      }
      return new HostNetwork(hub, port, hosts);
    } catch (error) {
      await Promise.all(holders.map(release));
      throw error;
    }
  }

  /** IPv4 address of a host. @throws ClusterError `BAD_OPTION` if there is none of that name. */
  addressOf(host: string): string {
    return this.#host(host).address;
  }

  /** A command in front of another one that runs it on a host, in its own pid. @throws ClusterError `BAD_OPTION`. */
  wrapper(host: string): readonly string[] {
    return enter(this.#host(host).holder);
  }

  /** No packet of any of `from` gets to any of `to`; the other way they do. Resolves once it is so. */
  async cutOneWay(from: readonly string[], to: readonly string[]): Promise<void> {
    await this.lose(from, to, 1);
  }

  /** No packet gets from one side to the other, either way. */
  async cut(one: readonly string[], other: readonly string[]): Promise<void> {
    this.#set(one, other, 1);
    this.#set(other, one, 1);
    await this.#impose();
  }

  /** Of the packets of `from` to `to` a share is lost at random, from 0 to 1. */
  async lose(from: readonly string[], to: readonly string[], share: number): Promise<void> {
    this.#set(from, to, share);
    await this.#impose();
  }

  /** Every packet gets through again. */
  async heal(): Promise<void> {
    for (const { lost } of this.#hosts.values()) lost.clear();
    await this.#impose();
  }

  /** Removes everything; whatever still runs on a host sees nobody any more. */
  async close(): Promise<void> {
    await this.#imposing.catch(() => undefined);
    // It goes with the switch, too, but only after a while.
    await run(['ip', 'link', 'delete', this.#port]).catch(() => undefined);
    await Promise.all([this.#switch, ...[...this.#hosts.values()].map(({ holder }) => holder)].map(release));
  }

  #set(from: readonly string[], to: readonly string[], share: number): void {
    for (const sender of from) {
      this.#host(sender);
      for (const receiver of to) if (receiver !== sender) this.#host(receiver).lost.set(sender, share);
    }
  }

  /** One after the other, as a table is imposed as a whole. */
  async #impose(): Promise<void> {
    const before = this.#imposing.catch(() => undefined);
    this.#imposing = before.then(async () => {
      await Promise.all([...this.#hosts.values()].map(async (host) => this.#filter(host)));
    });
    await this.#imposing;
  }

  async #filter({ holder, lost }: Host): Promise<void> {
    const blocks = [...lost].map(([from, share]) => ({ from: this.#host(from).address, lost: share }));
    await inside(holder, ['iptables-restore'], packetFilter(blocks));
  }

  #host(name: string): Host {
    const host = this.#hosts.get(name);
    if (host === undefined) throw new ClusterError('BAD_OPTION', `there is no host ${name}`);
    return host;
  }
}

/** What hosts are made of, tried in a namespace that is gone with the command. */
const PROBE =
  'ip link add name tr-a type veth peer name tr-b && ip link add name tr-s type bridge && nsenter --net=/proc/self/ns/net iptables-restore';

/** Why this machine cannot make hosts, null if it can. */
export function whyNoHosts(): string | null {
  if (process.getuid?.() !== 0) return 'it needs root';
  const tried = spawnSync('unshare', ['--net', 'sh', '-c', PROBE], {
    input: packetFilter([{ from: '198.18.0.1', lost: 0.5 }]),
    encoding: 'utf8',
  });
  if (tried.error !== undefined) return `unshare cannot be run: ${tried.error.message}`;
  return tried.status === 0 ? null : `no network namespaces with packet filters: ${tried.stderr.trim()}`;
}

/** Three numbers of an address that no interface of this machine has, in the range for tests of networks (RFC 2544). */
function freeNetwork(): string {
  const taken = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  for (let tries = 0; tries < 100; tries++) {
    const network = `198.${randomInt(18, 20)}.${randomInt(256)}`;
    if (!taken.some(({ address }) => address.startsWith(`${network}.`))) return network;
  }
  throw new ClusterError('NO_HOSTS', 'there is no room for addresses in 198.18.0.0/15');
}

/** Gives a host its cable to the switch, and its address. */
async function connect(hub: ChildProcess, host: ChildProcess, port: string, address: string): Promise<void> {
  const cable = ['ip', 'link', 'add', port, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', pidOf(host)];
  await inside(hub, cable);
  await plugIn(hub, port);
  await inside(host, ['ip', 'address', 'add', `${address}/24`, 'dev', 'eth0']);
  for (const device of ['lo', 'eth0']) await inside(host, ['ip', 'link', 'set', device, 'up']);
}

async function plugIn(hub: ChildProcess, port: string): Promise<void> {
  await inside(hub, ['ip', 'link', 'set', port, 'master', 'switch', 'up']);
}

/** A process in a network namespace of its own, that ends when its standard input does. */
async function holdNamespace(): Promise<ChildProcess> {
  const holder = spawn('unshare', ['--net', 'cat'], { stdio: ['pipe', 'ignore', 'ignore'], detached: true });
  const failures: Error[] = [];
  holder.on('error', (error) => failures.push(error));
  // Its end is seen elsewhere: a broken pipe is no news.
  holder.stdin.on('error', () => undefined);
  const own = readlinkSync('/proc/self/ns/net');
  const deadline = performance.now() + HOLDER_MS_MAX;
  while (holder.pid === undefined || namespaceOf(holder.pid) === own) {
    await delay(POLL_MS);
    const hasEnded = failures.length > 0 || holder.exitCode !== null;
    if (!hasEnded && performance.now() < deadline) continue;
    await release(holder);
    throw new ClusterError('NO_HOSTS', 'this machine makes no network namespace (unshare --net)');
  }
  return holder;
}

/** That of this process where it cannot be read any more: the other one has ended. */
function namespaceOf(pid: number): string {
  try {
    return readlinkSync(`/proc/${pid}/ns/net`);
  } catch {
    return readlinkSync('/proc/self/ns/net');
  }
}

async function release(holder: ChildProcess): Promise<void> {
  if (holder.pid === undefined || holder.exitCode !== null || holder.signalCode !== null) return;
  const ended = new Promise<void>((resolve) => holder.once('exit', () => resolve()));
  holder.kill('SIGKILL');
  await ended;
}

function pidOf({ pid }: ChildProcess): string {
  return String(pid);
}

function enter(holder: ChildProcess): readonly string[] {
  return ['nsenter', `--net=/proc/${pidOf(holder)}/ns/net`, '--'];
}

async function inside(holder: ChildProcess, command: readonly string[], input = ''): Promise<void> {
  await run([...enter(holder), ...command], input);
}

/** @throws ClusterError `NO_HOSTS` with what the command said. */
async function run([program = '', ...args]: readonly string[], input = ''): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const child = execFile(program, args, (error, _, said) => {
      if (error === null) resolve();
      else
        reject(
          new ClusterError('NO_HOSTS', `${[program, ...args].join(' ')}: ${said.trim() || error.message}`, {
            cause: error,
          }),
        );
    });
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(input);
  });
}
