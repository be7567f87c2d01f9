/**
 * Mutual TLS between the processes of a cluster. Each process has a certificate from the cluster's own
 * certificate authority whose common name is the name of the process, so that no process can impersonate
 * another. The server requests a certificate from every client and checks it here instead of in TLS, so that
 * it can answer and log the reason of a refusal.
 */
import {
  createServer as createHttpServer,
  request as httpRequest,
  type ClientRequest,
  type RequestOptions,
  type Server,
  type ServerOptions,
} from 'node:http';
import { createServer as createHttpsServer, request as httpsRequest } from 'node:https';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { TLSSocket, checkServerIdentity, type PeerCertificate as Certificate } from 'node:tls';
import { FrameError } from './errors.js';

/** The certificate and key of a process, and the certificate authority that it trusts, as PEM text. */
export interface TlsMaterial {
  /** The certificate of the authority. */
  readonly ca: string;
  /** The certificate of this process, with intermediate ones. */
  readonly cert: string;
  /** The private key of this process. */
  readonly key: string;
}

/** The TLS material in use. It may change while the process runs; each handshake uses the current one. */
export interface TlsSource {
  /** The material for the next handshake. */
  readonly current: TlsMaterial;
  /** Calls `listener` after each change of `current`. @returns a function that removes the listener */
  onChange(listener: () => void): () => void;
}

/** A TLS source that never changes. */
export function staticTlsSource(material: TlsMaterial): TlsSource {
  return { current: material, onChange: () => () => undefined };
}

/** The client's TLS material, and a check of the server's name in addition to the usual check of the host. */
export interface ClientTls {
  /** The certificate and key of this process, and the authority that it trusts. */
  readonly source: TlsSource;
  /**
   * Returns why a server with this common name is refused, or null. Any process of the cluster is accepted
   * unless given.
   */
  readonly checkServerName?: (name: string) => string | null;
}

/** Time limit of one TLS handshake, in milliseconds. */
const HANDSHAKE_MS_MAX = 5_000;

/**
 * Creates an HTTP server, over TLS if `tls` is given. It requests client certificates, but accepts
 * connections without one; check them by `checkPeerCertificate`. New TLS material is used from the next handshake
 * on; open connections stay open.
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

/** Binds a server. @returns the port @throws the system's error, such as EADDRINUSE. */
export async function listenOn(
  server: Server,
  { host, port }: { readonly host: string; readonly port: number },
): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    // The listener stays: a later error, such as a connection without a file descriptor, must not end the
    // process.
    server.on('error', reject);
    server.listen(port, host, resolve);
  });
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : port;
}

/** The address and port of a client, for logs. */
export function clientAddress({ remoteAddress = '?', remotePort = 0 }: Socket): string {
  return `${remoteAddress}:${remotePort}`;
}

/** The result of checking a client's certificate. */
export interface CertificateCheck {
  /** Why the certificate is not trusted, or null. */
  readonly problem: string | null;
  /** Its common name; empty if there is none. */
  readonly name: string;
}

/** Checks the client certificate of a connection to a TLS server. */
export function checkPeerCertificate(socket: Duplex): CertificateCheck {
  if (!(socket instanceof TLSSocket)) return { problem: 'the connection is not encrypted', name: '' };
  const certificate = socket.getPeerCertificate();
  // Contrary to its type, Node returns an empty object if no certificate was sent.
  if (Object.keys(certificate).length === 0) return { problem: 'no certificate was sent', name: '' };
  const name = commonName(certificate);
  if (socket.authorized) return { problem: null, name };
  return {
    problem: `the certificate is not valid for this cluster: ${String(socket.authorizationError)}`,
    name,
  };
}

/**
 * Opens a request on a connection of its own, outside of any pool. The caller sends the body and ends it.
 * @throws FrameError `BAD_OPTION` like `tlsRequestOptions`
 */
export function openRequest(url: URL, tls: ClientTls | null, options: RequestOptions): ClientRequest {
  const open = url.protocol === 'https:' ? httpsRequest : httpRequest;
  return open(url, { ...tlsRequestOptions(url, tls), ...options, agent: false });
}

/** The TLS options of a request. */
interface TlsRequestOptions extends Partial<TlsMaterial> {
  readonly checkServerIdentity?: (host: string, certificate: Certificate) => Error | undefined;
}

/**
 * The TLS options of a request to `url`.
 * @throws FrameError `BAD_OPTION` if the URL is https without TLS material, or http with it: a typing error
 *   in a URL must not send data unencrypted.
 */
export function tlsRequestOptions(url: URL, tls: ClientTls | null): TlsRequestOptions {
  if ((url.protocol === 'https:') === (tls !== null)) return tls === null ? {} : clientOptions(tls);
  const why =
    tls === null
      ? 'an https URL needs TLS certificates, but none are configured'
      : 'TLS certificates are configured, so the URL must be https';
  throw new FrameError('BAD_OPTION', `cannot connect to ${url.href}: ${why}`);
}

function clientOptions({ source, checkServerName }: ClientTls): TlsRequestOptions {
  return {
    ...source.current,
    checkServerIdentity: (host, certificate) => {
      const wrongHost = checkServerIdentity(host, certificate);
      if (wrongHost !== undefined) return wrongHost;
      const why = checkServerName?.(commonName(certificate)) ?? null;
      return why === null ? undefined : new Error(why);
    },
  };
}

/** The common name; empty if there is none or more than one. */
function commonName({ subject }: Certificate): string {
  const { CN } = subject as { readonly CN?: unknown };
  return typeof CN === 'string' ? CN : '';
}
