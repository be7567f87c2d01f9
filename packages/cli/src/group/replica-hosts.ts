/** Starts and stops replicas: through the supervisor of a local cluster, or with instructions to the operator. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { readClusterFile, type ControlClient, type GroupState, type ProcessEntry } from '@trireme/cluster';
import { triremeCommand } from '@trireme/service';
import { COMMAND_EXIT, CommandError } from '../errors.js';
import type { GroupClient, ReplicaStatus } from './group-client.js';

/** Time limit for a started replica to open its data and report its id, in milliseconds. */
const START_MS_MAX = 60_000;
const POLL_MS = 50;

export interface ReplicaAddress {
  readonly peerUrl: string;
  readonly url: string;
}

/** A running replica with its status. */
export interface RunningReplica {
  readonly address: ReplicaAddress;
  readonly status: ReplicaStatus & { readonly id: string };
}

export interface ReplicaHost {
  /**
   * Starts a replica if it is down, and reads its id.
   * @param name for example `2`
   * @param options.isNew whether the replica may be a new one
   * @param options.renews whether damaged data are moved aside
   * @throws CommandError `refused`, or `incomplete` if the operator must do something first.
   */
  run(name: string, options: { readonly isNew: boolean; readonly renews: boolean }): Promise<RunningReplica>;
  /** Moves a replica's data aside, starts it with an empty folder, and reads its new id. Throws like `run`. */
  reset(name: string): Promise<RunningReplica>;
  /** Stops a replica that has left the group. */
  stop(name: string): Promise<void>;
  /** Resolves once a replica that was added to the group is ready. */
  awaitReady(name: string): Promise<void>;
}

/** Controls the replicas of a cluster that `npm start` runs. */
export class SupervisedReplicaHost implements ReplicaHost {
  readonly #dataDir: string;
  readonly #control: ControlClient;
  readonly #client: GroupClient;
  readonly #tell: (line: string) => void;

  constructor(options: {
    readonly dataDir: string;
    readonly control: ControlClient;
    readonly client: GroupClient;
    readonly tell: (line: string) => void;
  }) {
    this.#dataDir = options.dataDir;
    this.#control = options.control;
    this.#client = options.client;
    this.#tell = options.tell;
  }

  async run(name: string, { isNew, renews }: { isNew: boolean; renews: boolean }): Promise<RunningReplica> {
    const process = processOf(name);
    if (this.#address(name) === null) {
      if (!isNew)
        throw new CommandError(COMMAND_EXIT.refused, `the cluster on ${this.#dataDir} has no ${process}`);
      this.#tell(`starting ${process}`);
      await this.#control.add(process);
    } else if ((await this.#control.processState(process)).pid === null) {
      this.#tell(`starting ${process}`);
      await this.#control.start(process);
    }
    const running = await this.#awaitId(name);
    if (running !== null && !(renews && this.#isWiped(name))) return running;
    if (running !== null) {
      this.#tell(`the log of ${process} was deleted while it was running`);
      return this.reset(name);
    }
    const { damaged, reason } = await this.#control.processState(process);
    const why = reason === null ? '' : `: ${reason}`;
    if (!damaged)
      throw new CommandError(COMMAND_EXIT.refused, `${process} exited right after its start${why}`);
    if (!renews) {
      throw new CommandError(
        COMMAND_EXIT.refused,
        `${process} has damaged data. To rebuild it: ` +
          triremeCommand('members', 'rejoin', name, '--data', this.#dataDir),
      );
    }
    this.#tell(`${process} has damaged data${why}`);
    return this.reset(name);
  }

  async reset(name: string): Promise<RunningReplica> {
    const process = processOf(name);
    const aside = await this.#control.resetReplica(process);
    this.#tell(
      aside === null
        ? `started ${process} with an empty data folder`
        : `moved its data to ${aside} and started ${process} with an empty data folder`,
    );
    const running = await this.#awaitId(name);
    if (running !== null) return running;
    const { reason } = await this.#control.processState(process);
    throw new CommandError(
      COMMAND_EXIT.refused,
      `${process} exited right after its start: ${reason ?? 'see its log'}`,
    );
  }

  async stop(name: string): Promise<void> {
    if (this.#address(name) === null) return;
    const aside = await this.#control.removeProcess(processOf(name));
    this.#tell(`stopped ${processOf(name)}${aside === null ? '' : ` and moved its data to ${aside}`}`);
  }

  async awaitReady(name: string): Promise<void> {
    await this.#control.awaitReady(processOf(name));
  }

  /** Whether the log was deleted. A replica that has it open keeps running, but could not start again. */
  #isWiped(name: string): boolean {
    const data = this.#entry(name)?.data ?? null;
    return data !== null && !existsSync(join(data, 'log'));
  }

  #entry(name: string): ProcessEntry | null {
    const { processes } = readClusterFile(this.#dataDir) ?? { processes: [] };
    return processes.find(({ id }) => id === processOf(name)) ?? null;
  }

  #address(name: string): ReplicaAddress | null {
    const entry = this.#entry(name);
    return entry?.peerUrl === undefined ? null : { url: entry.url, peerUrl: entry.peerUrl };
  }

  /** Waits until a replica reports its id; null if it ends first. */
  async #awaitId(name: string): Promise<RunningReplica | null> {
    const until = performance.now() + START_MS_MAX;
    while (performance.now() < until) {
      const address = this.#address(name);
      const status = address === null ? null : await this.#client.status(address.url);
      if (address !== null && status?.id !== null && status?.id !== undefined)
        return { address, status: { ...status, id: status.id } };
      if ((await this.#control.processState(processOf(name))).pid === null) return null;
      await delay(POLL_MS);
    }
    throw new CommandError(
      COMMAND_EXIT.incomplete,
      `${processOf(name)} has not reported its id after ${START_MS_MAX / 1000} s: run the same command again`,
    );
  }
}

/** URLs of a joining replica that the operator gave; by default those of the member with its name. */
export interface GivenUrls {
  readonly url?: string | undefined;
  readonly peerUrl?: string | undefined;
}

/** For replicas that the operator starts and stops: prints instructions. */
export class ManualReplicaHost implements ReplicaHost {
  readonly #client: GroupClient;
  readonly #tell: (line: string) => void;
  readonly #given: GivenUrls;

  constructor(client: GroupClient, tell: (line: string) => void, given: GivenUrls) {
    this.#client = client;
    this.#tell = tell;
    this.#given = given;
  }

  async run(name: string): Promise<RunningReplica> {
    const address = this.#addressIn(await this.#client.group(), name);
    const status = await this.#client.status(address.url);
    if (status === null || status.id === null) {
      throw toDo(
        `replica ${name} does not answer at ${address.url}: start it. If it is new or exits with code 65, move any ` +
          'old data folder aside, keep it, and start the replica with an empty one and without --bootstrap',
      );
    }
    return { address, status: { ...status, id: status.id } };
  }

  async reset(name: string): Promise<RunningReplica> {
    const { status } = await this.run(name);
    throw toDo(
      `replica ${name} still has the id ${status.id}: stop it, move its data folder aside, and start it with an ` +
        'empty one and without --bootstrap',
    );
  }

  async stop(name: string): Promise<void> {
    this.#tell(`replica ${name} has left the group: stop it now and move its data folder aside`);
    return Promise.resolve();
  }

  async awaitReady(): Promise<void> {
    return Promise.resolve();
  }

  #addressIn({ members }: GroupState, name: string): ReplicaAddress {
    const known = members.find(
      (member) => member.name === name && member.url !== null && member.peerUrl !== null,
    );
    const url = this.#given.url ?? known?.url ?? null;
    const peerUrl = this.#given.peerUrl ?? known?.peerUrl ?? null;
    if (url !== null && peerUrl !== null) return { url, peerUrl };
    throw new CommandError(
      COMMAND_EXIT.usage,
      `the URLs of replica ${name} are unknown: give --url and --peer-url`,
    );
  }
}

function toDo(what: string): CommandError {
  return new CommandError(COMMAND_EXIT.incomplete, `${what}; then run the same command again`);
}

function processOf(name: string): string {
  return `replica-${name}`;
}
