/** Client of the control server that `npm start` runs. */
import { HANDSHAKE_HEADERS, presentedSecret, type SecretSource } from '@trireme/service';
import { readClusterFile } from '../data/cluster-file.js';
import { secretSource } from '../data/data-folder.js';
import type { ControlResponse, KilledProcess, ProcessState } from './protocol.js';

/** Thrown if the cluster cannot be reached or refuses a request; the message is for the operator. */
export class ControlError extends Error {
  override readonly name = 'ControlError';
}

export class ControlClient {
  readonly #url: string;
  readonly #secret: string | SecretSource;

  constructor(url: string, secret: string | SecretSource) {
    this.#url = url;
    this.#secret = secret;
  }

  /** Client of the cluster on a data folder. @throws ControlError, or ClusterError `NOT_OURS`, if there is none. */
  static forDataFolder(dataDir: string): ControlClient {
    const file = readClusterFile(dataDir);
    if (file === null) throw new ControlError(`${dataDir} has no cluster: start one with npm start`);
    return new ControlClient(file.control, secretSource(dataDir));
  }

  /** Kills the processes of a target with SIGKILL and waits until they have ended. @throws ControlError. */
  async kill(target: string): Promise<readonly KilledProcess[]> {
    return (await this.#request(`/kill?target=${encodeURIComponent(target)}`)).killed ?? [];
  }

  /** Starts a stopped process and returns its pid. @throws ControlError. */
  async start(name: string): Promise<number> {
    return (await this.#request(`/start?name=${encodeURIComponent(name)}`)).pid ?? 0;
  }

  /** State of a process. @throws ControlError. */
  async processState(name: string): Promise<ProcessState> {
    const { process } = await this.#request(`/state?name=${encodeURIComponent(name)}`);
    if (process === undefined) throw new ControlError(`the answer of npm start does not describe ${name}`);
    return process;
  }

  /**
   * Starts an additional catalog, or an additional replica that waits until it is added to the group. Returns its pid.
   * @throws ControlError.
   */
  async add(name: string): Promise<number> {
    return (await this.#request(`/add?name=${encodeURIComponent(name)}`)).pid ?? 0;
  }

  /**
   * Moves a replica's data aside and restarts it with an empty folder. Returns the new path of the data, null if none.
   * @throws ControlError.
   */
  async resetReplica(name: string): Promise<string | null> {
    return (await this.#request(`/reset?name=${encodeURIComponent(name)}`)).aside ?? null;
  }

  /**
   * Stops a replica or a catalog for good and moves its data aside. Returns the new path of the data, null if none.
   * @throws ControlError.
   */
  async removeProcess(name: string): Promise<string | null> {
    return (await this.#request(`/remove?name=${encodeURIComponent(name)}`)).aside ?? null;
  }

  /** Waits until a process is ready. @throws ControlError if it ends instead, or is not ready within a minute. */
  async awaitReady(name: string): Promise<void> {
    await this.#request(`/ready?name=${encodeURIComponent(name)}`);
  }

  async #request(path: string): Promise<ControlResponse> {
    let response: Response;
    try {
      response = await fetch(this.#url + path, {
        method: 'POST',
        headers: { [HANDSHAKE_HEADERS.secret]: presentedSecret(this.#secret) ?? '' },
      });
    } catch (error) {
      throw new ControlError(`npm start does not answer at ${this.#url}: is it running?`, { cause: error });
    }
    const body = (await response.json()) as ControlResponse;
    if (!response.ok)
      throw new ControlError(body.error ?? `npm start answered with status ${response.status}`);
    return body;
  }
}
