/** Keeps the certificates of a process in step with their files, so that renewed ones are used without a restart. */
import { readFile } from 'node:fs/promises';
import { createSecureContext } from 'node:tls';
import type { TlsMaterial, TlsSource } from '@trireme/raft/frames';
import type { Log } from '../log.js';
import type { Metrics } from '../metrics/metrics.js';
import {
  dayOf,
  endOf,
  examineCertificate,
  isWarningDue,
  refuseRenewal,
  type CertificateFacts,
} from '../rules/certificate.js';
import { messageOf } from '../rules/message.js';
import { UsageError } from '../rules/usage.js';
import type { CertificateFiles } from './certificates.js';

/** Milliseconds between two checks of the files. */
const LOOK_MS = 5_000;

interface WatchOptions {
  readonly files: CertificateFiles;
  /** What the files said when the process started. */
  readonly material: TlsMaterial;
  readonly log: Log;
  readonly metrics: Metrics;
  /** Milliseconds since 1970; `Date.now` unless set. */
  readonly now?: () => number;
}

export class CertificateWatch implements TlsSource {
  readonly #o: WatchOptions;
  readonly #now: () => number;
  readonly #listeners = new Set<() => void>();
  #current: TlsMaterial;
  #facts: CertificateFacts;
  /** Why the files are not used as they are now; null if they are. */
  #problem: string | null = null;
  #warnedAt = Number.NEGATIVE_INFINITY;

  /** Looks at the files until the process ends. @throws UsageError where the material cannot be used. */
  constructor(options: WatchOptions) {
    this.#o = options;
    this.#now = options.now ?? Date.now;
    this.#current = options.material;
    this.#facts = factsOf(options.material);
    this.#describe(options.metrics);
    this.#warn();
    setInterval(() => void this.look(), LOOK_MS).unref();
  }

  get current(): TlsMaterial {
    return this.#current;
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Looks at the files once, and uses what is new. Never rejects. */
  async look(): Promise<void> {
    try {
      const { ca, cert, key } = this.#o.files;
      const [caText, certText, keyText] = await Promise.all([ca, cert, key].map(readText));
      this.#renew({ ca: caText ?? '', cert: certText ?? '', key: keyText ?? '' });
    } catch (error) {
      this.#refuse(messageOf(error));
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
    const refused = refuseRenewal(facts, this.#facts, this.#now());
    if (refused !== null) {
      this.#refuse(refused);
      return;
    }
    this.#current = material;
    this.#facts = facts;
    this.#problem = null;
    this.#warnedAt = Number.NEGATIVE_INFINITY;
    for (const listener of this.#listeners) listener();
    this.#o.log.info({ cert: this.#o.files.cert, until: dayOf(endOf(facts)) }, 'certificates renewed');
  }

  /** Logs each reason once. */
  #refuse(problem: string): void {
    if (problem === this.#problem) return;
    this.#problem = problem;
    this.#o.log.warn(
      { ...this.#o.files, reason: problem },
      'renewed certificates cannot be used; those before stay in use',
    );
  }

  #warn(): void {
    const now = this.#now();
    const end = endOf(this.#facts);
    if (!isWarningDue(end, now, this.#warnedAt)) return;
    this.#warnedAt = now;
    const { cert } = this.#o.files;
    const fields = { cert, until: dayOf(end) };
    if (end <= now)
      this.#o.log.error(fields, 'certificate expired; new connections are refused: renew its files');
    else this.#o.log.warn(fields, 'certificate expires soon: renew its files');
  }

  #describe(metrics: Metrics): void {
    metrics.gauge(
      'tls_not_after_timestamp_seconds',
      'When the certificate in use ends, and its authority, in seconds since 1970.',
      () => [
        [{ kind: 'process' }, this.#facts.notAfter / 1000],
        [{ kind: 'authority' }, this.#facts.authorityNotAfter / 1000],
      ],
    );
    metrics.gauge(
      'tls_renewal_refused',
      'Whether the files of the certificates have changed and cannot be used.',
      () => (this.#problem === null ? 0 : 1),
    );
  }
}

/** @throws UsageError if the material does not go together, or TLS does not take it. */
function factsOf(material: TlsMaterial): CertificateFacts {
  const facts = examineCertificate(material);
  try {
    createSecureContext(material);
  } catch (error) {
    throw new UsageError(messageOf(error), { cause: error });
  }
  return facts;
}

async function readText(file: string): Promise<string> {
  return readFile(file, 'utf8');
}
