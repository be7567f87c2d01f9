/** Starts and stops catalogs: through the supervisor of a local cluster, or with instructions to the operator. */
import { catalogNumber, readClusterFile, type ControlClient } from '@trireme/cluster';
import { COMMAND_EXIT, CommandError } from '../errors.js';

export interface CatalogHost {
  /** Starts a catalog that is in the set, if it is down. */
  ensureRunning(id: string): Promise<void>;
  /** Stops a catalog that is no longer in the set. */
  stop(id: string): Promise<void>;
}

/** Controls the catalogs of a cluster that `npm start` runs. */
export class SupervisedCatalogHost implements CatalogHost {
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

  /** @throws CommandError `incomplete` for an id that `npm start` cannot run; ControlError. */
  async ensureRunning(id: string): Promise<void> {
    if (catalogNumber(id) === null) {
      throw new CommandError(
        COMMAND_EXIT.incomplete,
        `${id} is in the set, but npm start runs only catalog-1 to catalog-16: start ${id} yourself, or remove it`,
      );
    }
    if (!this.#isKnown(id)) {
      this.#tell(`starting ${id}`);
      await this.#control.add(id);
    } else if ((await this.#control.processState(id)).pid === null) {
      this.#tell(`starting ${id}`);
      await this.#control.start(id);
    }
    await this.#control.awaitReady(id);
  }

  async stop(id: string): Promise<void> {
    if (!this.#isKnown(id)) return;
    await this.#control.removeProcess(id);
    this.#tell(`stopped ${id}`);
  }

  #isKnown(name: string): boolean {
    const { processes } = readClusterFile(this.#dataDir) ?? { processes: [] };
    return processes.some(({ id }) => id === name);
  }
}

/** For catalogs that the operator starts and stops: prints instructions. */
export class ManualCatalogHost implements CatalogHost {
  readonly #tell: (line: string) => void;

  constructor(tell: (line: string) => void) {
    this.#tell = tell;
  }

  async ensureRunning(id: string): Promise<void> {
    this.#tell(`${id} is in the set: if it is not running, start it with --id ${id} and --replicas`);
    return Promise.resolve();
  }

  async stop(id: string): Promise<void> {
    this.#tell(`${id} is not in the set: if it is running, stop it`);
    return Promise.resolve();
  }
}
