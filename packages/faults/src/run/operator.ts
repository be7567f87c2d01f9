/** Whoever changes a cluster while it runs: gives `trireme` its commands, again until they have come about. */
import { spawn } from 'node:child_process';
import type { Server } from 'node:http';
import { fileURLToPath } from 'node:url';
import {
  InternalCalls,
  parseGroup,
  readSecret,
  serveControl,
  type Group,
  type LocalCluster,
} from '@trireme/cluster';

const TRIREME = fileURLToPath(new URL('../../../../scripts/bin/trireme.js', import.meta.url));

/** Milliseconds for one command with all its repetitions: a wiped replica has to be fed, and leaders die meanwhile. */
const COMMAND_MS_MAX = 90_000;
const GROUP_MS_MAX = 1_000;

export class Operator {
  readonly #cluster: LocalCluster;
  readonly #calls: InternalCalls;
  readonly #control: Server;

  private constructor(cluster: LocalCluster, secret: string, control: Server) {
    this.#cluster = cluster;
    this.#calls = new InternalCalls({ secret, tls: null });
    this.#control = control;
  }

  /** Opens the door through which the command starts and stops processes. */
  static async open(cluster: LocalCluster): Promise<Operator> {
    const secret = readSecret(cluster.dataDir);
    const control = await serveControl({ cluster, secret, port: cluster.controlPort });
    return new Operator(cluster, secret, control);
  }

  /**
   * Runs `trireme`, as in `members add 4`, until it says that all is done: where it is interrupted, or the leader dies
   * under it, the same command goes on.
   * @param between called before each repetition with what the command said
   * @throws Error with its last words where that takes longer than 90 s.
   */
  async trireme(args: readonly string[], between: (said: string) => void = () => undefined): Promise<void> {
    const deadline = performance.now() + COMMAND_MS_MAX;
    for (;;) {
      const { code, said } = await this.#runOnce(args, deadline);
      if (code === 0) return;
      if (performance.now() > deadline)
        throw new Error(`trireme ${args.join(' ')}: exit code ${code}: ${said}`);
      between(said);
    }
  }

  /** The group as its leader tells of it, null while none does. */
  async group(): Promise<Group | null> {
    const leader = await this.#cluster.leader();
    const entry = this.#cluster.describe().processes.find(({ id }) => id === leader);
    if (entry === undefined) return null;
    return parseGroup((await this.#calls.ask(`${entry.url}/members`, GROUP_MS_MAX))?.body);
  }

  async #runOnce(args: readonly string[], deadline: number): Promise<{ code: number | null; said: string }> {
    const signal = AbortSignal.timeout(Math.max(1, Math.ceil(deadline - performance.now())));
    const argv = [TRIREME, ...args, '--data', this.#cluster.dataDir];
    const child = spawn(process.execPath, argv, { stdio: ['ignore', 'ignore', 'pipe'], signal });
    let said = '';
    child.on('error', (error) => (said += error.message));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
    const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
    return { code, said: said.trim() };
  }

  async close(): Promise<void> {
    this.#control.close();
    this.#control.closeAllConnections();
    await this.#calls.close();
  }
}
