/** Turns the processes of the compose file into commands that run without containers, with the same variables. */
import { parse } from 'yaml';
import type { CertificateFiles } from '@trireme/service';

/** One process, run from the root of the repository. */
export interface ProcessCommand {
  /** Name in the compose file, for example `replica-1`. */
  readonly name: string;
  /** Script and arguments, for `node`. */
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** Replacements for the host names and mounts of the containers. */
export interface Substitutions {
  readonly addressOf: (service: string) => string;
  /** Replaces `/data`. */
  readonly dataOf: (service: string) => string;
  /** Replaces `/run/secrets/NAME`. */
  readonly secretOf: (name: string) => string;
  /** Names of catalogs in addition to those of the compose file; each runs like `catalog-2`. */
  readonly moreCatalogs: readonly string[];
  /** Null for plain HTTP between the processes. */
  readonly certificateOf: ((service: string) => CertificateFiles) | null;
}

interface Definition {
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string | null>>;
}

/**
 * The services of the compose file that are Trireme processes, in the order of the file.
 * @param compose text of the compose file
 * @param image text of the Dockerfile, whose `ENV` applies to every process
 */
export function processCommands(
  compose: string,
  image: string,
  places: Substitutions,
): readonly ProcessCommand[] {
  const { services } = parse(compose, { merge: true }) as { services: Record<string, Definition> };
  const defaults = defaultsOf(image);
  const more = places.moreCatalogs.map((name) => [name, renamed(services, 'catalog-2', name)] as const);
  return [...Object.entries(services), ...more].flatMap(([name, { command, environment = {} }]) => {
    if (command === undefined) return [];
    // A variable without a value comes from the shell. The only one is TRIREME_BOOTSTRAP.
    const given = Object.entries(environment).map(([key, value]) => [key, value ?? '1'] as const);
    const all = [...defaults, ...given].map(
      ([key, value]) => [key, substituted(key, value, name, places)] as const,
    );
    return { name, argv: command, env: { ...Object.fromEntries(all), ...tlsOf(name, places) } };
  });
}

/** Copies a service under another name. @throws Error if the service does not exist. */
function renamed(services: Readonly<Record<string, Definition>>, from: string, to: string): Definition {
  const service = services[from];
  if (service === undefined) throw new Error(`the compose file has no service ${from}`);
  return JSON.parse(JSON.stringify(service).replaceAll(from, to)) as Definition;
}

/** The variables of every container, from the Dockerfile. */
function defaultsOf(image: string): readonly (readonly [string, string])[] {
  const [, line = ''] = /^ENV (TRIREME_.*)$/m.exec(image) ?? [];
  return line.split(' ').map((item) => {
    const [key = '', value = ''] = item.split('=');
    return [key, value];
  });
}

function substituted(key: string, value: string, service: string, places: Substitutions): string {
  if (key === 'TRIREME_CATALOGS') return [value, ...places.moreCatalogs].join(',');
  const scheme = places.certificateOf === null ? 'http' : 'https';
  return value
    .replace(/^\/data$/, () => places.dataOf(service))
    .replace(/^\/run\/secrets\/(\w+)$/, (_, name: string) => places.secretOf(name))
    .replace(/http:\/\/([a-z0-9-]+)(?=:)/g, (_, name: string) => `${scheme}://${places.addressOf(name)}`);
}

function tlsOf(service: string, { certificateOf }: Substitutions): Readonly<Record<string, string>> {
  if (certificateOf === null) return {};
  const { ca, cert, key } = certificateOf(service);
  return { TRIREME_TLS_CA: ca, TRIREME_TLS_CERT: cert, TRIREME_TLS_KEY: key };
}
