/**
 * Lets the other scripts steer the cluster that `npm start` runs: on loopback, for whoever knows the cluster's secret.
 * `POST /kill?target=leader`, `POST /start?name=replica-2`, `POST /ready?name=replica-2` (answers when it is).
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { LINK_HEADERS, secretMatches } from '@trireme/service';
import { ClusterError } from '../errors.js';
import type { LocalCluster } from '../local-cluster.js';
import { parseTarget } from '../rules/target.js';
import type { ControlAnswer, KilledProcess } from './protocol.js';

/** How long `POST /ready` waits, in milliseconds. */
const READY_MS_MAX = 60_000;

/** Scripts ask one thing at a time; beyond this, connections are reset. */
const SOCKETS_MAX = 32;
const HEADERS_MS_MAX = 5_000;
const REQUEST_MS_MAX = 5_000;

/** What of a cluster may be steered from outside. */
export type Steered = Pick<LocalCluster, 'resolve' | 'kill' | 'startProcess' | 'waitProcessReady'>;

/** Serves control of a cluster; resolves when it listens. Rejects with the listen error, such as `EADDRINUSE`. */
export async function serveControl(options: {
  readonly cluster: Steered;
  readonly secret: string;
  /** 0 picks a free one. */
  readonly port: number;
}): Promise<Server> {
  const limits = {
    headersTimeout: HEADERS_MS_MAX,
    requestTimeout: REQUEST_MS_MAX,
    connectionsCheckingInterval: 1_000,
  };
  const server = createServer(limits, (request, response) => {
    if (!secretMatches(options.secret, request.headers[LINK_HEADERS.secret])) {
      answer(response, 401, { error: 'the secret is missing or wrong' });
      return;
    }
    // Nothing is read from bodies: a client that sends one is cut off with the answer.
    steer(options.cluster, request).then(
      (result) => answer(response, 200, result),
      (error: unknown) => answer(response, statusOf(error), { error: messageOf(error) }),
    );
  });
  server.maxConnections = SOCKETS_MAX;
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, '127.0.0.1', () => resolve(server));
  });
}

async function steer(cluster: Steered, request: IncomingMessage): Promise<ControlAnswer> {
  const url = urlOf(request);
  const name = url.searchParams.get('name') ?? '';
  switch (`${request.method ?? ''} ${url.pathname}`) {
    case 'POST /kill': {
      const text = url.searchParams.get('target') ?? '';
      const target = parseTarget(text);
      if (target === null) throw new ClusterError('BAD_PROCESS', `there is no ${text}`);
      const kill = async (one: string): Promise<KilledProcess> => ({
        name: one,
        pid: await cluster.kill(one),
      });
      return { killed: await Promise.all((await cluster.resolve(target)).map(kill)) };
    }
    case 'POST /start':
      return { pid: await cluster.startProcess(name) };
    case 'POST /ready':
      await cluster.waitProcessReady(name, READY_MS_MAX);
      return {};
    default:
      throw new ClusterError('BAD_OPTION', 'there are POST /kill, POST /start and POST /ready');
  }
}

/** @throws ClusterError `BAD_OPTION` if the target of the request is no url. */
function urlOf({ url = '/' }: IncomingMessage): URL {
  if (URL.canParse(url, 'http://control')) return new URL(url, 'http://control');
  throw new ClusterError('BAD_OPTION', 'the target of the request is no url');
}

function statusOf(error: unknown): number {
  if (!(error instanceof ClusterError)) return 500;
  if (error.code === 'BAD_OPTION') return 404;
  return error.code === 'NOT_READY' ? 503 : 409;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function answer(response: ServerResponse, status: number, body: ControlAnswer): void {
  response.writeHead(status, { 'content-type': 'application/json', connection: 'close' });
  response.end(JSON.stringify(body));
}
