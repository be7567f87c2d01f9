/**
 * The minimal work of Node for a request: one `node:http` process that answers every request with the headers
 * and body in its first message from its parent. It answers that message with its port, and exits with its parent.
 */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

const [{ headers, body }] = (await once(process, 'message')) as [
  { headers: Record<string, string>; body: string },
];
const bytes = Buffer.from(body, 'utf8');
const server = createServer((_, response) => {
  response.writeHead(200, headers);
  response.end(bytes);
});
server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port));
process.once('disconnect', () => process.exit(0));
