export * from './certificates/certificates.js';
export { expiryOf, checkCertificate, EXPIRY_WARNING_MS } from './rules/certificate.js';
export * from './files/durable-file.js';
export * from './files/folder-lock.js';
export * from './link/dialer.js';
export * from './link/handshake.js';
export * from './link/link.js';
export * from './link/listener.js';
export * from './link/replica-links.js';
export * from './log.js';
export * from './metrics/metrics.js';
export * from './metrics/counter.js';
export * from './output/line-output.js';
export * from './output/standard-output.js';
export * from './process/common-options.js';
export * from './process/operator-commands.js';
export * from './process/exit.js';
export * from './process/failure.js';
export * from './process/folder-identity.js';
export * from './process/identity.js';
export * from './process/replica-list.js';
export * from './process/free-space.js';
export * from './process/run.js';
export * from './process/wake-timer.js';
export * from './rules/loopback.js';
export * from './rules/error-message.js';
export * from './rules/readiness.js';
export * from './rules/roles.js';
export * from './rules/replica-set.js';
export * from './rules/secret.js';
export * from './rules/throttle.js';
export * from './rules/usage-error.js';
export * from './server/internal-server.js';
export * from './server/pipelining.js';
export {
  LeaseClock,
  acceptedSecrets,
  deferWork,
  presentedSecret,
  secretMatches,
  type SecretSource,
} from '@trireme/raft/frames';
