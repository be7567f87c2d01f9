/** Who starts and stops replicas: the supervisor of a cluster on this machine, or whoever reads what there is to do. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { readClusterFile, type Group, type ProcessEntry } from '@trireme/cluster';
import { operatorCommand } from '@trireme/service';
import type { ControlClient } from '../control/client.js';
import { COMMAND_EXIT, CommandError } from './errors.js';
import type { GroupClient, ReplicaStatus } from './group-client.js';

/** A replica's process gets this long to open its data and to say who it is, in milliseconds. */
const START_MS_MAX = 60_000;
const POLL_MS = 50;

export interface Address {
  readonly peerUrl: string;
  readonly url: string;
}

/** A replica by its number's text, such as `2`, with what it says of itself. */
export interface Running {
  readonly address: Address;
  readonly status: ReplicaStatus & { readonly id: string };
}

export interface Host {
  /**
   * Has a replica run, and asks it who it is.
   * @param options.isNew whether it may be one that was not there before
   * @param options.renews whether its data are moved aside if they are damaged
   * @throws CommandError `refused`, or `again` where something is to be done by hand.
   */
  run(name: string, options: { readonly isNew: boolean; readonly renews: boolean }): Promise<Running>;
  /** Moves a replica's data aside, has it begin anew, and asks it who it is now. @throws as `run`. */
  renew(name: string): Promise<Running>;
  /** Ends a replica that is out of the group. */
  retire(name: string): Promise<void>;
  /** Resolves once a replica that was let in serves. */
  awaitReady(name: string): Promise<void>;
}

/** Where `npm start` runs. */
export class SupervisedHost implements Host {
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

  async run(name: string, { isNew, renews }: { isNew: boolean; renews: boolean }): Promise<Running> {
    const process = processOf(name);
    if (this.#address(name) === null) {
      if (!isNew) throw new CommandError(COMMAND_EXIT.refused, `${this.#dataDir} has no ${process}`);
      this.#tell(`starting ${process}`);
      await this.#control.add(process);
    } else if ((await this.#control.look(process)).pid === null) {
      this.#tell(`starting ${process}`);
      await this.#control.start(process);
    }
    const running = await this.#awaitId(name);
    if (running !== null && !(renews && this.#isWiped(name))) return running;
    if (running !== null) {
      this.#tell(`the data of ${process} are gone from under it`);
      return this.renew(name);
    }
    const { damaged, reason } = await this.#control.look(process);
    const why = reason === null ? '' : `: ${reason}`;
    if (!damaged) throw new CommandError(COMMAND_EXIT.refused, `${process} does not stay up${why}`);
    if (!renews) {
      throw new CommandError(
        COMMAND_EXIT.refused,
        `${process} is damaged: bring it back: ${operatorCommand('members', 'rejoin', name, '--data', this.#dataDir)}`,
      );
    }
    this.#tell(`${process} is damaged${why}`);
    return this.renew(name);
  }

  async renew(name: string): Promise<Running> {
    const process = processOf(name);
    const aside = await this.#control.renew(process);
    this.#tell(
      aside === null ? `started ${process} anew` : `moved its data to ${aside}, started ${process} anew`,
    );
    const running = await this.#awaitId(name);
    if (running !== null) return running;
    const { reason } = await this.#control.look(process);
    throw new CommandError(COMMAND_EXIT.refused, `${process} does not stay up: ${reason ?? 'see its log'}`);
  }

  async retire(name: string): Promise<void> {
    if (this.#address(name) === null) return;
    const aside = await this.#control.retire(processOf(name));
    this.#tell(`stopped ${processOf(name)}${aside === null ? '' : `, its data are in ${aside}`}`);
  }

  async awaitReady(name: string): Promise<void> {
    await this.#control.awaitReady(processOf(name));
  }

  /** Whether the log is gone, though whoever has it open still goes on: it could not start again. */
  #isWiped(name: string): boolean {
    const data = this.#entry(name)?.data ?? null;
    return data !== null && !existsSync(join(data, 'log'));
  }

  #entry(name: string): ProcessEntry | null {
    const { processes } = readClusterFile(this.#dataDir) ?? { processes: [] };
    return processes.find(({ id }) => id === processOf(name)) ?? null;
  }

  #address(name: string): Address | null {
    const entry = this.#entry(name);
    return entry?.peerUrl === undefined ? null : { url: entry.url, peerUrl: entry.peerUrl };
  }

  /** Null if it ends before it says who it is. */
  async #awaitId(name: string): Promise<Running | null> {
    const until = performance.now() + START_MS_MAX;
    while (performance.now() < until) {
      const address = this.#address(name);
      const status = address === null ? null : await this.#client.status(address.url);
      if (address !== null && status?.id !== null && status?.id !== undefined)
        return { address, status: { ...status, id: status.id } };
      if ((await this.#control.look(processOf(name))).pid === null) return null;
      await delay(POLL_MS);
    }
    throw new CommandError(COMMAND_EXIT.again, `${processOf(name)} does not say who it is after a minute`);
  }
}

/** Where replicas are started and stopped by other means: what there is to do is told. */
export class HostByHand implements Host {
  readonly #client: GroupClient;
  readonly #tell: (line: string) => void;
  /** Where the one that joins is, as the operator said; else it is where the member of its name was. */
  readonly #given: { readonly url?: string; readonly peerUrl?: string };

  constructor(client: GroupClient, tell: (line: string) => void, given: { url?: string; peerUrl?: string }) {
    this.#client = client;
    this.#tell = tell;
    this.#given = given;
  }

  async run(name: string): Promise<Running> {
    const address = this.#addressIn(await this.#client.group(), name);
    const status = await this.#client.status(address.url);
    if (status === null || status.id === null) {
      throw toDo(
        `replica ${name} does not answer at ${address.url}: start it. If it is new, or ends with exit code 65, start it with an ` +
          'empty data folder, any old one moved aside and kept, and without --bootstrap',
      );
    }
    return { address, status: { ...status, id: status.id } };
  }

  async renew(name: string): Promise<Running> {
    const { status } = await this.run(name);
    throw toDo(
      `replica ${name} is still ${status.id}: stop it, move its data folder aside, and start it with an empty one, without --bootstrap`,
    );
  }

  async retire(name: string): Promise<void> {
    this.#tell(`replica ${name} is out of the group: stop it now, and move its data folder aside`);
    return Promise.resolve();
  }

  async awaitReady(): Promise<void> {
    return Promise.resolve();
  }

  #addressIn({ members }: Group, name: string): Address {
    const known = members.find(
      (member) => member.name === name && member.url !== null && member.peerUrl !== null,
    );
    const url = this.#given.url ?? known?.url ?? null;
    const peerUrl = this.#given.peerUrl ?? known?.peerUrl ?? null;
    if (url !== null && peerUrl !== null) return { url, peerUrl };
    throw new CommandError(COMMAND_EXIT.usage, `where is replica ${name}? give --url and --peer-url`);
  }
}

function toDo(what: string): CommandError {
  return new CommandError(COMMAND_EXIT.again, `${what}; then run this again`);
}

function processOf(name: string): string {
  return `replica-${name}`;
}
