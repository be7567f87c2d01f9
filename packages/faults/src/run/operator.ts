/** Runs operator commands with `trireme` on a running cluster, and repeats them until they succeed. */
import { spawn } from 'node:child_process';
import type { Server } from 'node:http';
import { fileURLToPath } from 'node:url';
import {
  InternalClient,
  parseGroupState,
  secretSource,
  serveControl,
  type GroupState,
  type LocalCluster,
} from '@trireme/cluster';
import type { SecretSource } from '@trireme/service';

/** The operator's command. */
export const TRIREME = fileURLToPath(new URL('../../../../packages/cli/bin/trireme.js', import.meta.url));

/**
 * Time limit of one command with all its retries in ms: a wiped replica must catch up, and leaders crash
 * meanwhile.
 */
const COMMAND_MS_MAX = 90_000;
const GROUP_MS_MAX = 1_000;

export class Operator {
  readonly #cluster: LocalCluster;
  readonly #calls: InternalClient;
  readonly #control: Server;

  private constructor(cluster: LocalCluster, secret: SecretSource, control: Server) {
    this.#cluster = cluster;
    this.#calls = new InternalClient({ secret, tls: null });
    this.#control = control;
  }

  /** Opens the control port, with which the command starts and stops processes. */
  static async open(cluster: LocalCluster): Promise<Operator> {
    const secret = secretSource(cluster.dataDir);
    const control = await serveControl({ cluster, secret, port: cluster.controlPort });
    return new Operator(cluster, secret, control);
  }

  /**
   * Runs `trireme` with these arguments, such as `members add 4`, until it succeeds. After an interruption or
   * a crash of the leader, the repeated command continues the change.
   * @param onRetry called before each retry with the error output of the command
   * @throws Error with its error output if it does not succeed within 90 s
   */
  async runUntilDone(
    args: readonly string[],
    onRetry: (stderr: string) => void = () => undefined,
  ): Promise<void> {
    const deadline = performance.now() + COMMAND_MS_MAX;
    for (;;) {
      const { code, stderr } = await this.#runOnce(args, deadline);
      if (code === 0) return;
      if (performance.now() > deadline)
        throw new Error(`trireme ${args.join(' ')} failed with exit code ${code}: ${stderr}`);
      onRetry(stderr);
    }
  }

  /** The group as its leader reports it; null without a leader, or if it does not answer. */
  async group(): Promise<GroupState | null> {
    const leader = await this.#cluster.leaderName();
    const entry = this.#cluster.describe().processes.find(({ id }) => id === leader);
    if (entry === undefined) return null;
    return parseGroupState((await this.#calls.requestJson(`${entry.url}/members`, GROUP_MS_MAX))?.body);
  }

  async #runOnce(
    args: readonly string[],
    deadline: number,
  ): Promise<{ code: number | null; stderr: string }> {
    const signal = AbortSignal.timeout(Math.max(1, Math.ceil(deadline - performance.now())));
    const argv = [TRIREME, ...args, '--data', this.#cluster.dataDir];
    const child = spawn(process.execPath, argv, { stdio: ['ignore', 'ignore', 'pipe'], signal });
    let stderr = '';
    child.on('error', (error) => (stderr += error.message));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
    return { code, stderr: stderr.trim() };
  }

  async close(): Promise<void> {
    this.#control.close();
    this.#control.closeAllConnections();
    await this.#calls.close();
  }
}
