/**
 * Mutual TLS between the processes of a cluster. Each has a certificate of the cluster's own authority, in which its
 * common name is the name of the process: who holds the certificate of one cannot pass for another. A certificate is
 * asked of every client and judged here, not by TLS itself, so that who is refused learns why, and the log too.
 */
import { createServer as createHttpServer, type Server, type ServerOptions } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { Duplex } from 'node:stream';
import { TLSSocket, checkServerIdentity, type PeerCertificate as Certificate } from 'node:tls';
import { FrameError } from './errors.js';

/** A process's certificate and key with the authority that it trusts, as PEM text. */
export interface TlsMaterial {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

/** The material in use. It may change while the process runs: each handshake uses what there is then. */
export interface TlsSource {
  readonly current: TlsMaterial;
  /** Calls `listener` after each change of `current`, until what it returns is called. */
  onChange(listener: () => void): () => void;
}

/** Material that never changes. */
export function fixedTls(material: TlsMaterial): TlsSource {
  return { current: material, onChange: () => () => undefined };
}

/** What a dialer has, and whom it means to reach: beyond that the certificate is good for the host that was dialed. */
export interface DialTls {
  readonly source: TlsSource;
  /** Why a server with this common name is not the one that is meant, null if it is. Anyone of the cluster unless given. */
  readonly refuseServer?: (name: string) => string | null;
}

/** For one TLS handshake, in milliseconds. */
const HANDSHAKE_MS_MAX = 5_000;

/**
 * An HTTP server, over TLS where `tls` is given; it asks clients for certificates and takes them without one. New material is
 * used from the next handshake on; connections that are open stay so.
 */
export function createTlsServer(options: ServerOptions, tls: TlsSource | null): Server {
  if (tls === null) return createHttpServer(options);
  const context = (): TlsMaterial & { minVersion: 'TLSv1.3' } => ({ ...tls.current, minVersion: 'TLSv1.3' });
  const server = createHttpsServer({
    ...options,
    ...context(),
    requestCert: true,
    rejectUnauthorized: false,
    handshakeTimeout: HANDSHAKE_MS_MAX,
  });
  server.once(
    'close',
    tls.onChange(() => server.setSecureContext(context())),
  );
  return server;
}

/** What a client's certificate says. */
export interface PeerCertificate {
  /** Why it is not to be believed, null if it is. */
  readonly problem: string | null;
  /** Its common name; empty where there is none. */
  readonly name: string;
}

/** The certificate that came on a connection of a server made with TLS. */
export function certificateOf(socket: Duplex): PeerCertificate {
  if (!(socket instanceof TLSSocket)) return { problem: 'the connection is not encrypted', name: '' };
  const certificate = socket.getPeerCertificate();
  // An empty object where none was sent, whatever the types say.
  if (Object.keys(certificate).length === 0) return { problem: 'no certificate was sent', name: '' };
  const name = commonName(certificate);
  if (socket.authorized) return { problem: null, name };
  return { problem: `the certificate is not of this cluster: ${String(socket.authorizationError)}`, name };
}

/** What a request needs, besides where it goes. */
interface TlsRequestOptions extends Partial<TlsMaterial> {
  readonly checkServerIdentity?: (host: string, certificate: Certificate) => Error | undefined;
}

/**
 * What a request to `url` needs.
 * @throws FrameError `BAD_OPTION` if the url asks for TLS and there are no certificates, or the other way round: what
 *   is to be encrypted must not go out in the clear by a slip of a letter.
 */
export function tlsRequestOptions(url: URL, tls: DialTls | null): TlsRequestOptions {
  if ((url.protocol === 'https:') === (tls !== null)) return tls === null ? {} : dialing(tls);
  const why =
    tls === null ? 'there are no certificates for it' : 'there are certificates, so it must be https';
  throw new FrameError('BAD_OPTION', `cannot dial ${url.href}: ${why}`);
}

function dialing({ source, refuseServer }: DialTls): TlsRequestOptions {
  return {
    ...source.current,
    checkServerIdentity: (host, certificate) => {
      const wrongHost = checkServerIdentity(host, certificate);
      if (wrongHost !== undefined) return wrongHost;
      const why = refuseServer?.(commonName(certificate)) ?? null;
      return why === null ? undefined : new Error(why);
    },
  };
}

/** Empty where there is none, or more than one: then no name is meant. */
function commonName({ subject }: Certificate): string {
  const { CN } = subject as { readonly CN?: unknown };
  return typeof CN === 'string' ? CN : '';
}
