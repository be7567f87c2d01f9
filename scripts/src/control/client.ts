/** The scripts' end of the control server. */
import {
  readClusterFile,
  readSecret,
  type ControlAnswer,
  type KilledProcess,
  type ProcessLook,
} from '@trireme/cluster';
import { LINK_HEADERS } from '@trireme/service';

/** Thrown when the cluster cannot be reached or refuses; the message is for the operator. */
export class ControlError extends Error {
  override readonly name = 'ControlError';
}

export class ControlClient {
  readonly #url: string;
  readonly #secret: string;

  constructor(url: string, secret: string) {
    this.#url = url;
    this.#secret = secret;
  }

  /** For the cluster that runs on a data folder. @throws ControlError, or ClusterError `NOT_OURS`, if there is none. */
  static of(dataDir: string): ControlClient {
    const file = readClusterFile(dataDir);
    if (file === null) throw new ControlError(`no cluster has run on ${dataDir}: start one with npm start`);
    return new ControlClient(file.control, readSecret(dataDir));
  }

  /** Kills what the target means with SIGKILL and waits for the end. @throws ControlError. */
  async kill(target: string): Promise<readonly KilledProcess[]> {
    return (await this.#ask(`/kill?target=${encodeURIComponent(target)}`)).killed ?? [];
  }

  /** Starts a process that is down; gives its pid. @throws ControlError. */
  async start(name: string): Promise<number> {
    return (await this.#ask(`/start?name=${encodeURIComponent(name)}`)).pid ?? 0;
  }

  /** How a process is. @throws ControlError. */
  async look(name: string): Promise<ProcessLook> {
    const { process } = await this.#ask(`/look?name=${encodeURIComponent(name)}`);
    if (process === undefined) throw new ControlError(`npm start says nothing of ${name}`);
    return process;
  }

  /** Starts one more replica, which waits to be let into the group, or one more catalog; gives its pid. @throws ControlError. */
  async add(name: string): Promise<number> {
    return (await this.#ask(`/add?name=${encodeURIComponent(name)}`)).pid ?? 0;
  }

  /** Has a replica begin anew, its data moved aside; says where to, null if it had none. @throws ControlError. */
  async renew(name: string): Promise<string | null> {
    return (await this.#ask(`/renew?name=${encodeURIComponent(name)}`)).aside ?? null;
  }

  /** Ends a replica or a catalog for good; says where its data are now, null if it had none. @throws ControlError. */
  async retire(name: string): Promise<string | null> {
    return (await this.#ask(`/retire?name=${encodeURIComponent(name)}`)).aside ?? null;
  }

  /** Resolves when the process is ready. @throws ControlError if it ends instead, or is not within a minute. */
  async awaitReady(name: string): Promise<void> {
    await this.#ask(`/ready?name=${encodeURIComponent(name)}`);
  }

  async #ask(path: string): Promise<ControlAnswer> {
    let response: Response;
    try {
      response = await fetch(this.#url + path, {
        method: 'POST',
        headers: { [LINK_HEADERS.secret]: this.#secret },
      });
    } catch (error) {
      throw new ControlError(`no cluster answers at ${this.#url}: is npm start running?`, { cause: error });
    }
    const body = (await response.json()) as ControlAnswer;
    if (!response.ok) throw new ControlError(body.error ?? `answer ${response.status}`);
    return body;
  }
}
