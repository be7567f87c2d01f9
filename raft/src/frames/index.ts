/**
 * Binary frames between processes over upgraded HTTP connections, and a clock for leases. Uses Node built-ins
 * only.
 */
export * from './accept.js';
export * from './backoff.js';
export * from './connection.js';
export * from './decoder.js';
export * from './dial.js';
export * from './errors.js';
export * from './handshake.js';
export * from './header.js';
export * from './lease-clock.js';
export * from './redialer.js';
export * from './tls.js';
export * from './turn-queue.js';
