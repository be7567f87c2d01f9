/** Reloads the certificates of a process when their files change, so that a renewal needs no restart. */
import { readFile } from 'node:fs/promises';
import { createSecureContext } from 'node:tls';
import type { TlsMaterial, TlsSource } from '@trireme/raft/frames';
import type { Log } from '../log.js';
import type { Metrics } from '../metrics/metrics.js';
import {
  formatDate,
  expiryOf,
  checkCertificate,
  isWarningDue,
  renewalProblem,
  type CertificateInfo,
} from '../rules/certificate.js';
import { errorMessage } from '../rules/error-message.js';
import { UsageError } from '../rules/usage-error.js';
import type { CertificateFiles } from './certificates.js';

/** Milliseconds between two checks of the files that a process reads again: certificates and secrets. */
export const RELOAD_INTERVAL_MS = 5_000;

interface WatchOptions {
  readonly files: CertificateFiles;
  /** The contents of the files when the process started. */
  readonly material: TlsMaterial;
  readonly log: Log;
  readonly metrics: Metrics;
  /** Milliseconds since 1970; `Date.now` unless given. */
  readonly now?: (() => number) | undefined;
}

export class CertificateReloader implements TlsSource {
  readonly #options: WatchOptions;
  readonly #now: () => number;
  readonly #listeners = new Set<() => void>();
  #current: TlsMaterial;
  #facts: CertificateInfo;
  /** Why the current files are not used; null if they are. */
  #problem: string | null = null;
  #warnedAt = Number.NEGATIVE_INFINITY;

  /** Starts checking the files until the process ends. @throws UsageError if the material cannot be used. */
  constructor(options: WatchOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
    this.#current = options.material;
    this.#facts = factsOf(options.material);
    this.#describe(options.metrics);
    this.#warn();
    setInterval(() => void this.poll(), RELOAD_INTERVAL_MS).unref();
  }

  get current(): TlsMaterial {
    return this.#current;
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Checks the files once, and uses them if they have changed. Never rejects. */
  async poll(): Promise<void> {
    try {
      const { ca, cert, key } = this.#options.files;
      const [caText, certText, keyText] = await Promise.all([ca, cert, key].map(readText));
      this.#renew({ ca: caText ?? '', cert: certText ?? '', key: keyText ?? '' });
    } catch (error) {
      this.#refuse(errorMessage(error));
    }
    this.#warn();
  }

  #renew(material: TlsMaterial): void {
    const { ca, cert, key } = this.#current;
    if (material.ca === ca && material.cert === cert && material.key === key) {
      this.#problem = null;
      return;
    }
    const facts = factsOf(material);
    const problem = renewalProblem(facts, this.#facts, this.#now());
    if (problem !== null) {
      this.#refuse(problem);
      return;
    }
    this.#current = material;
    this.#facts = facts;
    this.#problem = null;
    this.#warnedAt = Number.NEGATIVE_INFINITY;
    for (const listener of this.#listeners) listener();
    const { log, files } = this.#options;
    log.info({ cert: files.cert, until: formatDate(expiryOf(facts)) }, 'certificates renewed');
  }

  /** Logs each problem once. */
  #refuse(problem: string): void {
    if (problem === this.#problem) return;
    this.#problem = problem;
    const { log, files } = this.#options;
    log.warn({ ...files, reason: problem }, 'cannot use the renewed certificates, keeping the current ones');
  }

  #warn(): void {
    const now = this.#now();
    const end = expiryOf(this.#facts);
    if (!isWarningDue(end, now, this.#warnedAt)) return;
    this.#warnedAt = now;
    const { log, files } = this.#options;
    const fields = { cert: files.cert, until: formatDate(end) };
    if (end <= now)
      log.error(fields, 'certificate expired, new connections are refused: renew the certificate files');
    else log.warn(fields, 'certificate expires soon: renew the certificate files');
  }

  #describe(metrics: Metrics): void {
    metrics.addGauge(
      'tls_not_after_timestamp_seconds',
      'Expiry of the certificate in use and of its authority, in seconds since 1970.',
      () => [
        [{ kind: 'process' }, this.#facts.notAfter / 1000],
        [{ kind: 'authority' }, this.#facts.authorityNotAfter / 1000],
      ],
    );
    metrics.addGauge(
      'tls_renewal_refused',
      '1 if the certificate files have changed and cannot be used, else 0.',
      () => (this.#problem === null ? 0 : 1),
    );
  }
}

/** @throws UsageError if the files do not belong together, or TLS does not accept them. */
function factsOf(material: TlsMaterial): CertificateInfo {
  const facts = checkCertificate(material);
  try {
    createSecureContext(material);
  } catch (error) {
    throw new UsageError(errorMessage(error), { cause: error });
  }
  return facts;
}

async function readText(file: string): Promise<string> {
  return readFile(file, 'utf8');
}
