export * from './link/dialer.js';
export * from './link/link.js';
export * from './link/listener.js';
export * from './log.js';
export * from './rules/handshake.js';
export * from './rules/loopback.js';
export * from './rules/usage.js';
export * from './server/internal-server.js';
