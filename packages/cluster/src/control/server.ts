/**
 * Lets the other scripts steer the cluster that `npm start` runs: on loopback, for whoever knows the cluster's secret.
 * `POST /kill?target=leader`, `POST /start?name=replica-2`, `POST /ready?name=replica-2` (answers when it is),
 * `POST /look`; and what changes which processes there are, one after the other: `POST /add?name=replica-4` and `/renew`,
 * which start one that waits to be let into the group, and `/retire`; `/add` and `/retire` take catalogs as well.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { LINK_HEADERS, messageOf, refusePipelined, secretMatches } from '@trireme/service';
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
/** How long a client may take nothing of its answer, in milliseconds. */
const STALL_MS_MAX = 5_000;

const ACTIONS = '/kill, /start, /ready, /look, /add, /renew and /retire';

/** What of a cluster may be steered from outside. */
export type Steered = Pick<
  LocalCluster,
  'resolve' | 'kill' | 'startProcess' | 'waitProcessReady' | 'look' | 'add' | 'renewReplica' | 'retire'
>;

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
  const inTurn = turns();
  const server = createServer(limits, (request, response) => {
    if (refusePipelined(request, response)) return;
    if (!secretMatches(options.secret, request.headers[LINK_HEADERS.secret])) {
      answer(response, 401, { error: 'the secret is missing or wrong' });
      return;
    }
    // Nothing is read from bodies: a client that sends one is cut off with the answer.
    steer(options.cluster, request, inTurn).then(
      (result) => answer(response, 200, result),
      (error: unknown) => answer(response, statusOf(error), { error: messageOf(error) }),
    );
  });
  server.maxConnections = SOCKETS_MAX;
  return new Promise((resolve, reject) => {
    // Later errors are those of single connections, such as no descriptor for one: they must not end this process.
    server.on('error', reject);
    server.listen(options.port, '127.0.0.1', () => resolve(server));
  });
}

type InTurn = (work: () => Promise<ControlAnswer>) => Promise<ControlAnswer>;

/** Has each piece of work begin when the one before it has ended, well or not; as many wait as there are sockets. */
function turns(): InTurn {
  let last: Promise<unknown> = Promise.resolve();
  return async (work) => {
    const mine = last.then(work, work);
    last = mine.catch(() => undefined);
    return mine;
  };
}

async function steer(cluster: Steered, request: IncomingMessage, inTurn: InTurn): Promise<ControlAnswer> {
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
      return inTurn(async () => ({ pid: await cluster.startProcess(name) }));
    case 'POST /ready':
      await cluster.waitProcessReady(name, READY_MS_MAX);
      return {};
    case 'POST /look':
      return { process: cluster.look(name) };
    case 'POST /add':
      return inTurn(async () => ({ pid: await cluster.add(name) }));
    case 'POST /renew':
      return inTurn(async () => cluster.renewReplica(name));
    case 'POST /retire':
      return inTurn(async () => ({ aside: await cluster.retire(name) }));
    default:
      throw new ClusterError('BAD_OPTION', `there are POST ${ACTIONS}`);
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

function answer(response: ServerResponse, status: number, body: ControlAnswer): void {
  response.setTimeout(STALL_MS_MAX, () => response.destroy());
  response.writeHead(status, { 'content-type': 'application/json', connection: 'close' });
  response.end(JSON.stringify(body));
}
