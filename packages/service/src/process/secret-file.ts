/** A secret file that is read again when it changes, so that an exchange of the secret needs no restart. */
import { readFile } from 'node:fs/promises';
import type { SecretSource } from '@trireme/raft/frames';
import { RELOAD_INTERVAL_MS } from '../certificates/certificate-watch.js';
import type { Log } from '../log.js';
import { errorMessage } from '../rules/error-message.js';
import { parseSecrets, secretFingerprint, type SecretLines } from '../rules/secret.js';

export class SecretFile implements SecretSource {
  readonly #file: string;
  readonly #log: Log;
  #current: SecretLines;
  /** Why the present contents are not used; null if they are. */
  #problem: string | null = null;

  /**
   * Starts checking the file until the process ends.
   * @param current its contents now
   */
  constructor(file: string, current: SecretLines, log: Log) {
    this.#file = file;
    this.#current = current;
    this.#log = log;
    setInterval(() => void this.poll(), RELOAD_INTERVAL_MS).unref();
  }

  get current(): SecretLines {
    return this.#current;
  }

  /** Checks the file once, and uses it if it has changed. Keeps the current secrets if it is unusable. Never rejects. */
  async poll(): Promise<void> {
    try {
      const lines = parseSecrets(await readFile(this.#file, 'utf8'), this.#file);
      this.#problem = null;
      if (lines.join() === this.#current.join()) return;
      this.#current = lines;
      const accepts = lines.map(secretFingerprint);
      this.#log.info({ file: this.#file, presents: accepts[0], accepts }, 'secret file reloaded');
    } catch (error) {
      this.#refuse(errorMessage(error));
    }
  }

  /** Logs each problem once. */
  #refuse(problem: string): void {
    if (problem === this.#problem) return;
    this.#problem = problem;
    const fields = { file: this.#file, reason: problem };
    this.#log.warn(fields, 'cannot use the changed secret file, keeping the current secret');
  }
}
