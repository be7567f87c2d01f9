/** Checks that the process in this container is alive: GET /livez on its own port, over TLS if it has certificates. */
import { readFileSync } from 'node:fs';
import { get as getPlain } from 'node:http';
import { get as getTls } from 'node:https';

const { TRIREME_PORT: port = '8080', TRIREME_TLS_CA: ca, TRIREME_ROLE: role } = process.env;
// The public port of a front-end uses plain HTTP even if its links use TLS.
const isTls = ca !== undefined && role !== 'frontend';
const options = {
  ...{ host: '127.0.0.1', port, path: '/livez', timeout: 1_500 },
  ...(isTls ? { ca: readFileSync(ca) } : {}),
};
(isTls ? getTls : getPlain)(options, (response) => process.exit(response.statusCode === 200 ? 0 : 1))
  .on('timeout', () => process.exit(1))
  .on('error', () => process.exit(1));
