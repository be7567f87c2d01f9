/** The processes of the compose file as commands for hosts without containers: the same programs, the same variables. */
import { parse } from 'yaml';
import type { CertificateFiles } from '@trireme/service';

/** One process, to be run from the top of the repository. */
export interface Service {
  /** As in the compose file, such as `replica-1`. */
  readonly name: string;
  /** Script and arguments, for `node`. */
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** What takes the place of a container's own names and mounts. */
export interface Places {
  readonly addressOf: (service: string) => string;
  /** Takes the place of `/data`. */
  readonly dataOf: (service: string) => string;
  /** Takes the place of `/run/secrets/NAME`. */
  readonly secretOf: (name: string) => string;
  /** Names of catalogs beside those of the compose file, each run as `catalog-2` is. */
  readonly moreCatalogs: readonly string[];
  /** Null for plain HTTP between the processes. */
  readonly certificateOf: ((service: string) => CertificateFiles) | null;
}

interface Definition {
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string | null>>;
}

/**
 * The services that are processes of ours, in the order of the file.
 * @param compose text of the compose file
 * @param image text of the image's Dockerfile, whose `ENV` every process has
 */
export function servicesOf(compose: string, image: string, places: Places): readonly Service[] {
  const { services } = parse(compose, { merge: true }) as { services: Record<string, Definition> };
  const defaults = defaultsOf(image);
  const more = places.moreCatalogs.map((name) => [name, renamed(services, 'catalog-2', name)] as const);
  return [...Object.entries(services), ...more].flatMap(([name, { command, environment = {} }]) => {
    if (command === undefined) return [];
    // Without a value they come from the shell: the only one says that the group is new.
    const given = Object.entries(environment).map(([key, value]) => [key, value ?? '1'] as const);
    const all = [...defaults, ...given].map(
      ([key, value]) => [key, placed(key, value, name, places)] as const,
    );
    return { name, argv: command, env: { ...Object.fromEntries(all), ...tlsOf(name, places) } };
  });
}

/** A service as it were if it had the other name. @throws Error if there is none of the first name. */
function renamed(services: Readonly<Record<string, Definition>>, from: string, to: string): Definition {
  const service = services[from];
  if (service === undefined) throw new Error(`the compose file has no ${from}`);
  return JSON.parse(JSON.stringify(service).replaceAll(from, to)) as Definition;
}

/** What every container has in its environment. */
function defaultsOf(image: string): readonly (readonly [string, string])[] {
  const [, line = ''] = /^ENV (TRIREME_.*)$/m.exec(image) ?? [];
  return line.split(' ').map((item) => {
    const [key = '', value = ''] = item.split('=');
    return [key, value];
  });
}

function placed(key: string, value: string, service: string, places: Places): string {
  if (key === 'TRIREME_CATALOGS') return [value, ...places.moreCatalogs].join(',');
  const scheme = places.certificateOf === null ? 'http' : 'https';
  return value
    .replace(/^\/data$/, () => places.dataOf(service))
    .replace(/^\/run\/secrets\/(\w+)$/, (_, name: string) => places.secretOf(name))
    .replace(/http:\/\/([a-z0-9-]+)(?=:)/g, (_, name: string) => `${scheme}://${places.addressOf(name)}`);
}

function tlsOf(service: string, { certificateOf }: Places): Readonly<Record<string, string>> {
  if (certificateOf === null) return {};
  const { ca, cert, key } = certificateOf(service);
  return { TRIREME_TLS_CA: ca, TRIREME_TLS_CERT: cert, TRIREME_TLS_KEY: key };
}
