/** Who starts and stops catalogs: the supervisor of a cluster on this machine, or whoever reads what there is to do. */
import { catalogNumber, readClusterFile } from '@trireme/cluster';
import type { ControlClient } from '../control/client.js';
import { COMMAND_EXIT, CommandError } from './errors.js';

export interface CatalogHost {
  /** Starts a catalog that is in the set. */
  run(id: string): Promise<void>;
  /** Ends a catalog that is in the set no more. */
  retire(id: string): Promise<void>;
}

/** Where `npm start` runs. */
export class SupervisedCatalogs implements CatalogHost {
  readonly #dataDir: string;
  readonly #control: ControlClient;
  readonly #tell: (line: string) => void;

  constructor(options: {
    readonly dataDir: string;
    readonly control: ControlClient;
    readonly tell: (line: string) => void;
  }) {
    this.#dataDir = options.dataDir;
    this.#control = options.control;
    this.#tell = options.tell;
  }

  /** @throws CommandError `again` for a name that no process of `npm start` has; ControlError. */
  async run(id: string): Promise<void> {
    if (catalogNumber(id) === null) {
      throw new CommandError(
        COMMAND_EXIT.again,
        `${id} is in the set. npm start runs catalog-1 to catalog-16 only: start ${id} yourself, or remove it`,
      );
    }
    if (!this.#isKnown(id)) {
      this.#tell(`starting ${id}`);
      await this.#control.add(id);
    } else if ((await this.#control.look(id)).pid === null) {
      this.#tell(`starting ${id}`);
      await this.#control.start(id);
    }
    await this.#control.awaitReady(id);
  }

  async retire(id: string): Promise<void> {
    if (!this.#isKnown(id)) return;
    await this.#control.retire(id);
    this.#tell(`stopped ${id}`);
  }

  #isKnown(name: string): boolean {
    const { processes } = readClusterFile(this.#dataDir) ?? { processes: [] };
    return processes.some(({ id }) => id === name);
  }
}

/** Where catalogs are started and stopped by other means: what there is to do is told. */
export class CatalogsByHand implements CatalogHost {
  readonly #tell: (line: string) => void;

  constructor(tell: (line: string) => void) {
    this.#tell = tell;
  }

  async run(id: string): Promise<void> {
    this.#tell(`${id} is in the set: start it, if it does not run, with --id ${id} and --replicas`);
    return Promise.resolve();
  }

  async retire(id: string): Promise<void> {
    this.#tell(`${id} is not in the set: stop it, if it runs`);
    return Promise.resolve();
  }
}
