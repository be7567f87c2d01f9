/**
 * Mutual TLS between the processes of a cluster. Each has a certificate of the cluster's own authority, in which its
 * common name is the name of the process: who holds the certificate of one cannot pass for another. A certificate is
 * asked of every client and judged here, not by TLS itself, so that who is refused learns why, and the log too.
 */
import { createServer as createHttpServer, type Server, type ServerOptions } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';
import { FrameError } from './errors.js';

/** A process's certificate and key with the authority that it trusts, as PEM text. */
export interface TlsMaterial {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

/** For one TLS handshake, in milliseconds. */
const HANDSHAKE_MS_MAX = 5_000;

/** An HTTP server, over TLS where `tls` is given; it asks clients for certificates and takes them without one. */
export function createTlsServer(options: ServerOptions, tls: TlsMaterial | null): Server {
  if (tls === null) return createHttpServer(options);
  return createHttpsServer({
    ...options,
    ...tls,
    minVersion: 'TLSv1.3',
    requestCert: true,
    rejectUnauthorized: false,
    handshakeTimeout: HANDSHAKE_MS_MAX,
  });
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
  const { CN } = certificate.subject;
  const name = typeof CN === 'string' ? CN : '';
  if (socket.authorized) return { problem: null, name };
  return { problem: `the certificate is not of this cluster: ${String(socket.authorizationError)}`, name };
}

/**
 * What a request to `url` needs.
 * @throws FrameError `BAD_OPTION` if the url asks for TLS and there are no certificates, or the other way round: what
 *   is to be encrypted must not go out in the clear by a slip of a letter.
 */
export function tlsRequestOptions(url: URL, tls: TlsMaterial | null): Readonly<Partial<TlsMaterial>> {
  if ((url.protocol === 'https:') === (tls !== null)) return tls ?? {};
  const why =
    tls === null ? 'there are no certificates for it' : 'there are certificates, so it must be https';
  throw new FrameError('BAD_OPTION', `cannot dial ${url.href}: ${why}`);
}
