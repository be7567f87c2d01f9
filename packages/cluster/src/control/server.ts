/**
 * HTTP server through which scripts control the cluster that `npm start` runs. It listens on loopback and requires the
 * secret of the cluster.
 * `POST /kill?target=leader`, `/start?name=replica-2`, `/ready?name=replica-2` (answers once it is ready), `/state`.
 * `POST /add?name=replica-4` and `/reset` start a replica that waits until it is added to the group; `/remove` removes
 * one. `/add` and `/remove` also take catalogs. Requests that start or change processes run one after another.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import {
  HANDSHAKE_HEADERS,
  errorMessage,
  closeIfPipelined,
  secretMatches,
  type SecretSource,
} from '@trireme/service';
import { ClusterError } from '../errors.js';
import type { LocalCluster } from '../local-cluster.js';
import { parseTarget } from '../rules/target.js';
import type { ControlResponse, KilledProcess } from './protocol.js';

/** How long `POST /ready` waits, in milliseconds. */
const READY_MS_MAX = 60_000;

/** A script sends one request at a time. Connections beyond this limit are reset. */
const SOCKETS_MAX = 32;
const HEADERS_MS_MAX = 5_000;
const REQUEST_MS_MAX = 5_000;
/** Time limit for a client that does not read its answer, in milliseconds. */
const STALL_MS_MAX = 5_000;

const ACTIONS = '/kill, /start, /ready, /state, /add, /reset and /remove';

/** The methods of a cluster that scripts may call. */
export type ControllableCluster = Pick<
  LocalCluster,
  | 'resolveTarget'
  | 'kill'
  | 'startProcess'
  | 'awaitProcessReady'
  | 'processState'
  | 'addProcess'
  | 'resetReplica'
  | 'removeProcess'
>;

/** Starts the control server; resolves once it listens. Rejects with the listen error, for example `EADDRINUSE`. */
export async function serveControl(options: {
  readonly cluster: ControllableCluster;
  readonly secret: string | SecretSource;
  /** 0 picks a free port. */
  readonly port: number;
}): Promise<Server> {
  const limits = {
    headersTimeout: HEADERS_MS_MAX,
    requestTimeout: REQUEST_MS_MAX,
    connectionsCheckingInterval: 1_000,
  };
  const runSerially = serialQueue();
  const server = createServer(limits, (request, response) => {
    if (closeIfPipelined(request, response)) return;
    if (!secretMatches(options.secret, request.headers[HANDSHAKE_HEADERS.secret])) {
      answer(response, 401, { error: 'the secret is missing or wrong' });
      return;
    }
    // The server never reads a body: the answer closes the connection of a client that sends one.
    handle(options.cluster, request, runSerially).then(
      (result) => answer(response, 200, result),
      (error: unknown) => answer(response, statusOf(error), { error: errorMessage(error) }),
    );
  });
  server.maxConnections = SOCKETS_MAX;
  return new Promise((resolve, reject) => {
    // Later errors concern single connections, for example a lack of descriptors: they must not end this process.
    server.on('error', reject);
    server.listen(options.port, '127.0.0.1', () => resolve(server));
  });
}

type RunSerially = (work: () => Promise<ControlResponse>) => Promise<ControlResponse>;

/** Runs one piece of work after another, also after a failure. The number of sockets bounds the queue. */
function serialQueue(): RunSerially {
  let last: Promise<unknown> = Promise.resolve();
  return async (work) => {
    const result = last.then(work, work);
    last = result.catch(() => undefined);
    return result;
  };
}

async function handle(
  cluster: ControllableCluster,
  request: IncomingMessage,
  runSerially: RunSerially,
): Promise<ControlResponse> {
  const url = urlOf(request);
  const name = url.searchParams.get('name') ?? '';
  switch (`${request.method ?? ''} ${url.pathname}`) {
    case 'POST /kill': {
      const text = url.searchParams.get('target') ?? '';
      const target = parseTarget(text);
      if (target === null) {
        throw new ClusterError(
          'BAD_PROCESS',
          `unknown target ${text}: use the name of a process, leader, all-replicas or all-catalogs`,
        );
      }
      const kill = async (one: string): Promise<KilledProcess> => ({
        name: one,
        pid: await cluster.kill(one),
      });
      return { killed: await Promise.all((await cluster.resolveTarget(target)).map(kill)) };
    }
    case 'POST /start':
      return runSerially(async () => ({ pid: await cluster.startProcess(name) }));
    case 'POST /ready':
      await cluster.awaitProcessReady(name, READY_MS_MAX);
      return {};
    case 'POST /state':
      return { process: cluster.processState(name) };
    case 'POST /add':
      return runSerially(async () => ({ pid: await cluster.addProcess(name) }));
    case 'POST /reset':
      return runSerially(async () => cluster.resetReplica(name));
    case 'POST /remove':
      return runSerially(async () => ({ aside: await cluster.removeProcess(name) }));
    default:
      throw new ClusterError('BAD_OPTION', `unknown request: use POST ${ACTIONS}`);
  }
}

/** @throws ClusterError `BAD_OPTION` if the request target is not a valid URL. */
function urlOf({ url = '/' }: IncomingMessage): URL {
  if (URL.canParse(url, 'http://control')) return new URL(url, 'http://control');
  throw new ClusterError('BAD_OPTION', 'the request target is not a valid URL');
}

function statusOf(error: unknown): number {
  if (!(error instanceof ClusterError)) return 500;
  if (error.code === 'BAD_OPTION') return 404;
  return error.code === 'NOT_READY' ? 503 : 409;
}

function answer(response: ServerResponse, status: number, body: ControlResponse): void {
  response.setTimeout(STALL_MS_MAX, () => response.destroy());
  response.writeHead(status, { 'content-type': 'application/json', connection: 'close' });
  response.end(JSON.stringify(body));
}
