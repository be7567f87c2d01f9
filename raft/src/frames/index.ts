/**
 * Binary frames between processes over upgraded HTTP connections, and a clock for leases. Uses Node built-ins
 * only.
 */
export { FRAMES_PROTOCOL, acceptFrames, refuseSocket, type FrameAcceptOptions } from './accept.js';
export { Backoff, type BackoffOptions } from './backoff.js';
export {
  FrameConnection,
  type CloseReason,
  type FrameCloseCode,
  type FrameHandler,
  type FrameLimits,
} from './connection.js';
export { dialFrames, type DialedFrames, type FrameDialOptions } from './dial.js';
export { FrameError, type FrameErrorCode, type FrameRefusal } from './errors.js';
export {
  acceptedSecrets,
  accessHeaders,
  checkAccess,
  checkCertificate,
  presentedVersion,
  presentedSecret,
  secretMatches,
  spokenVersions,
  versionHeaders,
  type AccessRefusal,
  type ClusterCredentials,
  type HandshakeProtocol,
  type SecretSource,
} from './handshake.js';
export { encodeFrame } from './header.js';
export { LeaseClock } from './lease-clock.js';
export { Redialer, type RedialerOptions, type VersionedFrames } from './redialer.js';
export {
  checkPeerCertificate,
  clientAddress,
  createTlsServer,
  listenOn,
  staticTlsSource,
  type CertificateCheck,
  type ClientTls,
  type TlsMaterial,
  type TlsSource,
} from './tls.js';
export { deferWork } from './turn-queue.js';
