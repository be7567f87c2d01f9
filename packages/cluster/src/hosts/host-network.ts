/**
 * Simulates hosts on one machine: network namespaces with one address each, connected by a bridge, and partitions
 * between them by packet filters. Requires root. The namespaces have no names, so nothing can be left behind: each
 * exists as long as the process that holds it, which ends with this process, and its links disappear with it.
 */
import { execFile, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { randomBytes, randomInt } from 'node:crypto';
import { readlinkSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { ClusterError } from '../errors.js';
import { iptablesRules } from '../rules/packet-filter.js';

/** Maximum number of hosts: they share a /24 network with this machine. */
const HOSTS_MAX = 200;
/** Last number of this machine's address in the network. */
const OWN_ADDRESS = 254;
const HOLDER_MS_MAX = 5_000;
const POLL_MS = 2;

interface Host {
  readonly name: string;
  readonly address: string;
  readonly holder: ChildProcess;
  /** Share of lost packets, by the name of the sender. */
  readonly lost: Map<string, number>;
}

/** Hosts that reach each other and this machine. The opener must call `close`. */
export class HostNetwork {
  readonly #switch: ChildProcess;
  /** This machine's interface of its link to the bridge. */
  readonly #port: string;
  readonly #hosts: ReadonlyMap<string, Host>;
  #applying: Promise<void> = Promise.resolve();

  private constructor(hub: ChildProcess, port: string, hosts: readonly Host[]) {
    this.#switch = hub;
    this.#port = port;
    this.#hosts = new Map(hosts.map((host) => [host.name, host]));
  }

  /**
   * Creates 1 to 200 hosts, which this machine can reach by their addresses.
   * @throws ClusterError `BAD_OPTION` for duplicate or too many names, `NO_HOSTS` if this machine cannot create the
   *   hosts; then nothing is left behind.
   */
  static async open(names: readonly string[]): Promise<HostNetwork> {
    if (names.length < 1 || names.length > HOSTS_MAX || new Set(names).size !== names.length) {
      throw new ClusterError('BAD_OPTION', `give 1 to ${HOSTS_MAX} distinct host names`);
    }
    const holders: ChildProcess[] = [];
    const hold = async (): Promise<ChildProcess> => {
      const holder = await holdNamespace();
      holders.push(holder);
      return holder;
    };
    try {
      const network = freeNetwork();
      const hub = await hold();
      const port = `tr-${randomBytes(5).toString('hex')}`;
      await inside(hub, ['ip', 'link', 'add', 'switch', 'type', 'bridge']);
      await inside(hub, ['ip', 'link', 'set', 'switch', 'up']);
      await run(['ip', 'link', 'add', port, 'type', 'veth', 'peer', 'name', 'machine', 'netns', pidOf(hub)]);
      await run(['ip', 'address', 'add', `${network}.${OWN_ADDRESS}/24`, 'dev', port]);
      await run(['ip', 'link', 'set', port, 'up']);
      await attachToBridge(hub, 'machine');
      const hosts: Host[] = [];
      for (const [i, name] of names.entries()) {
        const holder = await hold();
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

  /** IPv4 address of a host. @throws ClusterError `BAD_OPTION` if there is no such host. */
  addressOf(host: string): string {
    return this.#host(host).address;
  }

  /** Command prefix that runs a command on a host, in the same pid. @throws ClusterError `BAD_OPTION`. */
  wrapper(host: string): readonly string[] {
    return enter(this.#host(host).holder);
  }

  /** Drops all packets from any of `from` to any of `to`, but not in the other direction. Resolves once it applies. */
  async partitionOneWay(from: readonly string[], to: readonly string[]): Promise<void> {
    await this.dropPackets(from, to, 1);
  }

  /** Drops all packets between the two sides, in both directions. */
  async partition(one: readonly string[], other: readonly string[]): Promise<void> {
    this.#setLoss(one, other, 1);
    this.#setLoss(other, one, 1);
    await this.#applyFilters();
  }

  /** Drops a random share of the packets from `from` to `to`, from 0 to 1. */
  async dropPackets(from: readonly string[], to: readonly string[], share: number): Promise<void> {
    this.#setLoss(from, to, share);
    await this.#applyFilters();
  }

  /** Removes all packet filters. */
  async heal(): Promise<void> {
    for (const { lost } of this.#hosts.values()) lost.clear();
    await this.#applyFilters();
  }

  /** Removes the hosts. A process that still runs on one loses its network. */
  async close(): Promise<void> {
    await this.#applying.catch(() => undefined);
    // The kernel also removes it with the bridge, but only after some time.
    await run(['ip', 'link', 'delete', this.#port]).catch(() => undefined);
    await Promise.all([this.#switch, ...[...this.#hosts.values()].map(({ holder }) => holder)].map(release));
  }

  #setLoss(from: readonly string[], to: readonly string[], share: number): void {
    for (const sender of from) {
      this.#host(sender);
      for (const receiver of to) if (receiver !== sender) this.#host(receiver).lost.set(sender, share);
    }
  }

  /** Applies the filters of all hosts. Calls run one after another, as each replaces whole tables. */
  async #applyFilters(): Promise<void> {
    const before = this.#applying.catch(() => undefined);
    this.#applying = before.then(async () => {
      await Promise.all([...this.#hosts.values()].map(async (host) => this.#applyFilter(host)));
    });
    await this.#applying;
  }

  async #applyFilter({ holder, lost }: Host): Promise<void> {
    const blocks = [...lost].map(([from, share]) => ({ from: this.#host(from).address, lost: share }));
    await inside(holder, ['iptables-restore'], iptablesRules(blocks));
  }

  #host(name: string): Host {
    const host = this.#hosts.get(name);
    if (host === undefined) throw new ClusterError('BAD_OPTION', `unknown host ${name}`);
    return host;
  }
}

/** Tries the commands that hosts need, in a namespace that ends with the command. */
const PROBE =
  'ip link add name tr-a type veth peer name tr-b && ip link add name tr-s type bridge && nsenter --net=/proc/self/ns/net iptables-restore';

/** Reason why this machine cannot create hosts; null if it can. */
export function hostNetworkProblem(): string | null {
  if (process.getuid?.() !== 0) return 'requires root';
  const tried = spawnSync('unshare', ['--net', 'sh', '-c', PROBE], {
    input: iptablesRules([{ from: '198.18.0.1', lost: 0.5 }]),
    encoding: 'utf8',
  });
  if (tried.error !== undefined) return `cannot run unshare: ${tried.error.message}`;
  return tried.status === 0
    ? null
    : `cannot create network namespaces with packet filters: ${tried.stderr.trim()}`;
}

/** Prefix of a /24 network that no interface of this machine uses, in the range for benchmarks (RFC 2544). */
function freeNetwork(): string {
  const taken = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  for (let tries = 0; tries < 100; tries++) {
    const network = `198.${randomInt(18, 20)}.${randomInt(256)}`;
    if (!taken.some(({ address }) => address.startsWith(`${network}.`))) return network;
  }
  throw new ClusterError('NO_HOSTS', 'found no unused /24 network in 198.18.0.0/15');
}

/** Links a host to the bridge and sets its address. */
async function connect(hub: ChildProcess, host: ChildProcess, port: string, address: string): Promise<void> {
  const addLink = ['ip', 'link', 'add', port, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', pidOf(host)];
  await inside(hub, addLink);
  await attachToBridge(hub, port);
  await inside(host, ['ip', 'address', 'add', `${address}/24`, 'dev', 'eth0']);
  for (const device of ['lo', 'eth0']) await inside(host, ['ip', 'link', 'set', device, 'up']);
}

async function attachToBridge(hub: ChildProcess, port: string): Promise<void> {
  await inside(hub, ['ip', 'link', 'set', port, 'master', 'switch', 'up']);
}

/** Starts a process in its own network namespace that ends with its standard input. */
async function holdNamespace(): Promise<ChildProcess> {
  const holder = spawn('unshare', ['--net', 'cat'], { stdio: ['pipe', 'ignore', 'ignore'], detached: true });
  const failures: Error[] = [];
  holder.on('error', (error) => failures.push(error));
  // The `exit` event reports its end; ignore the broken pipe.
  holder.stdin.on('error', () => undefined);
  const own = readlinkSync('/proc/self/ns/net');
  const deadline = performance.now() + HOLDER_MS_MAX;
  while (holder.pid === undefined || namespaceOf(holder.pid) === own) {
    await delay(POLL_MS);
    const hasEnded = failures.length > 0 || holder.exitCode !== null;
    if (!hasEnded && performance.now() < deadline) continue;
    await release(holder);
    throw new ClusterError('NO_HOSTS', 'cannot create a network namespace (unshare --net)');
  }
  return holder;
}

/** Network namespace of a process; that of this process if the other one has ended. */
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

/** @throws ClusterError `NO_HOSTS` with the error output of the command. */
async function run([program = '', ...args]: readonly string[], input = ''): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const child = execFile(program, args, (error, _, stderr) => {
      if (error === null) resolve();
      else
        reject(
          new ClusterError('NO_HOSTS', `${[program, ...args].join(' ')}: ${stderr.trim() || error.message}`, {
            cause: error,
          }),
        );
    });
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(input);
  });
}
