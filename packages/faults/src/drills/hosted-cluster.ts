/** The processes of three hosts, each with its own address, and their cleanup. */
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { GroupClient } from '@trireme/cli';
import { HostNetwork, InternalClient, ManagedProcess } from '@trireme/cluster';
import { createCertificate, readCertificateFiles } from '@trireme/service';
import { processCommands } from './services.js';

/** The root of the repository. */
const ROOT = fileURLToPath(new URL('../../../../', import.meta.url));

/**
 * Placement of the processes. As in the compose file, each process has its own network address. One catalog more than
 * in the compose file gives each host one.
 */
export const HOSTS = {
  one: ['catalog-1', 'replica-1', 'frontend-1'],
  two: ['catalog-2', 'replica-2', 'frontend-2'],
  three: ['catalog-3', 'replica-3'],
} as const;

type HostName = keyof typeof HOSTS;

const STOP_MS_MAX = 15_000;
const LINES_KEPT = 400;

export class HostedCluster {
  readonly client: GroupClient;
  readonly calls: InternalClient;
  /** Internal URLs of the replicas. */
  readonly replicas: readonly string[];
  readonly frontends: readonly string[];
  readonly #network: HostNetwork;
  readonly #folder: string;
  readonly #processes: readonly ManagedProcess[];
  readonly #lines: string[] = [];
  #isStopping = false;

  /** @throws ClusterError `NO_HOSTS` if this machine cannot make hosts; UsageError with `isTls` but without openssl. */
  static async open(isTls: boolean): Promise<HostedCluster> {
    const network = await HostNetwork.open(Object.values(HOSTS).flat());
    const folder = mkdtempSync(join(tmpdir(), 'trireme-hosts-'));
    try {
      return new HostedCluster(network, folder, isTls);
    } catch (error) {
      await network.close();
      rmSync(folder, { recursive: true });
      throw error;
    }
  }

  private constructor(network: HostNetwork, folder: string, isTls: boolean) {
    this.#network = network;
    this.#folder = folder;
    const secret = randomBytes(32).toString('hex');
    for (const name of ['cluster', 'operator'])
      writeFileSync(join(folder, name), `${secret}\n`, { mode: 0o600 });
    const addressOf = (service: string): string => network.addressOf(service);
    const certify = (name: string, hosts: readonly string[]) =>
      createCertificate(join(folder, 'certificates'), name, hosts);
    const services = processCommands(
      readFileSync(join(ROOT, 'infra/compose/compose.yaml'), 'utf8'),
      readFileSync(join(ROOT, 'infra/container/Dockerfile'), 'utf8'),
      {
        addressOf,
        dataOf: (service) => join(folder, service),
        secretOf: (name) => join(folder, name),
        moreCatalogs: ['catalog-3'],
        certificateOf: isTls ? (service) => certify(service, [addressOf(service)]) : null,
      },
    );
    this.#processes = services.map(({ name, argv: [script = '', ...flags], env }) => {
      mkdirSync(join(folder, name), { mode: 0o700 });
      return new ManagedProcess({
        name,
        argv: [join(ROOT, script), ...flags],
        env: () => ({ ...env, TRIREME_EXIT_WITH_PARENT: '1' }),
        wrapper: () => network.wrapper(name),
        onLine: (line) => this.#keep(`[${name}] ${line}`),
        onEnd: ({ code, signal }) => this.#onEnd(name, code, signal),
      });
    });
    const at = (role: string): string[] =>
      services.filter(({ name }) => name.startsWith(role)).map(({ name }) => addressOf(name));
    this.replicas = at('replica').map((address) => `${isTls ? 'https' : 'http'}://${address}:8191`);
    this.frontends = at('frontend').map((address) => `http://${address}:8080`);
    const tls = isTls ? readCertificateFiles(certify('operator', ['127.0.0.1'])) : null;
    this.calls = new InternalClient({ secret, tls });
    this.client = new GroupClient(() => this.replicas, this.calls);
  }

  /** Starts every process. @throws ClusterError `BAD_PROCESS`. */
  async start(): Promise<void> {
    for (const process of this.#processes) await process.start();
  }

  /** Drops all packets between the host and the other hosts. This machine still reaches all of them. */
  async isolate(host: HostName): Promise<void> {
    const others = (Object.keys(HOSTS) as HostName[]).filter((one) => one !== host);
    const away = others.flatMap((one) => [...HOSTS[one]]);
    await this.#network.partition(HOSTS[host], away);
  }

  async heal(): Promise<void> {
    await this.#network.heal();
  }

  /** The last log lines of the processes. */
  get lines(): readonly string[] {
    return this.#lines;
  }

  /** Stops every process and removes hosts and data, even after a failure. */
  async close(): Promise<void> {
    this.#isStopping = true;
    await Promise.all(this.#processes.map(async (process) => process.stop(STOP_MS_MAX)));
    await this.calls.close();
    await this.#network.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #keep(line: string): void {
    this.#lines.push(line);
    if (this.#lines.length > LINES_KEPT) this.#lines.shift();
  }

  #onEnd(name: string, code: number | null, signal: NodeJS.Signals | null): void {
    if (!this.#isStopping) this.#keep(`!!! ${name} has exited (${signal ?? `exit code ${code ?? '?'}`})`);
  }
}
