/** Attacks on internal ports beyond bad HTTP, without the secret and with a stolen one. */
import { PROTOCOL_VERSION, pack } from '@trireme/domain';
import {
  FIN,
  requestText,
  completeRequest,
  type Attack,
  type RequestTemplate,
  type PortKind,
  type AttackStep,
} from './attack.js';
import {
  frameAttacks,
  handshakeAttacks,
  harmlessMessageAttack,
  messageAttacks,
  type LinkEndpoint,
} from './frame-attacks.js';

interface Cluster {
  readonly name: string;
  readonly secret: string;
}

/** A log index that no test reaches, so messages with it have no effect. */
const FAR = 2 ** 40;

function door(port: PortKind, path: string, { name, secret }: Cluster): LinkEndpoint {
  return {
    port,
    path,
    headers: {
      'x-trireme-secret': secret,
      'x-trireme-cluster': name,
      'x-trireme-version': String(PROTOCOL_VERSION),
      'x-trireme-name': 'hostile',
    },
  };
}

/** Attacks on the links of front-ends to a replica. */
export function* replicaAttacks(cluster: Cluster): Generator<Attack> {
  const links = door('replica', '/links/frontend', cluster);
  yield* handshakeAttacks(links);
  yield* frameAttacks(links, { t: 'get', items: [[1, 1, false]] });
  // Quantity 0: the order is invalid whatever value another field has.
  yield* messageAttacks(links, 'submit', { t: 'submit', items: [[1, 0, 'hostile', 'AAPL', 0]] });
  // 62 characters and a lone surrogate: encoded, the name exceeds the limit.
  const name = `${'x'.repeat(62)}\ud83d`;
  const bad: readonly (readonly [string, unknown])[] = [
    ['a name that grows when encoded', { t: 'submit', items: [[1, 0, 'hostile', name, 1]] }],
    ['an invalid key', { t: 'submit', items: [[1, 0, 'caf\u00e9', 'AAPL', 1]] }],
    ['an invalid name for a list', { t: 'list', id: 1, after: 0, limit: 1, name }],
  ];
  for (const [what, message] of bad) yield harmlessMessageAttack(links, 'invalid item', what, message);
  yield* messageAttacks(links, 'get', { t: 'get', items: [[1, 1, false]] });
  yield* messageAttacks(links, 'list', { t: 'list', id: 1, after: 0, limit: 1, name: null });
  yield* routeAttacks('replica', '/export');
  yield* routeAttacks('replica', '/catalogs');
}

/** Attacks on the links of front-ends to a catalog, and on the links of catalogs to a replica. */
export function* catalogAttacks(cluster: Cluster): Generator<Attack> {
  const frontends = door('catalog', '/links/frontend', cluster);
  const catalogs = door('replica', '/links/catalog', cluster);
  const hello = { t: 'hello', url: 'http://127.0.0.1:9' };
  const attach = {
    t: 'attach',
    term: FAR,
    process: '0'.repeat(16),
    visible: FAR,
    hadAuthority: false,
    life: '0'.repeat(16),
    lastIndex: FAR,
    hash: '0'.repeat(64),
  };
  yield* [frontends, catalogs].flatMap(handshakeAttacks);
  yield* frameAttacks(frontends, { t: 'lookup', items: [[1, 'AAPL']] });
  yield* frameAttacks(catalogs, hello);
  yield* messageAttacks(frontends, 'renew', { t: 'renew', id: 1 });
  yield* messageAttacks(frontends, 'lookup', { t: 'lookup', items: [[1, 'AAPL']] });
  yield* messageAttacks(frontends, 'list', { t: 'list', id: 1, after: '', limit: 1 });
  yield* messageAttacks(frontends, 'dropped', { t: 'dropped', seq: 1 });
  yield* messageAttacks(catalogs, 'hello', hello);
  yield* messageAttacks(catalogs, 'attach', attach);
  yield* messageAttacks(catalogs, 'requestAuthority', { t: 'requestAuthority', id: 1 });
  yield* messageAttacks(catalogs, 'revoked', { t: 'revoked', index: FAR });
  yield harmlessMessageAttack(catalogs, 'not in the set', 'hello of an unknown catalog', hello);
  yield harmlessMessageAttack(catalogs, 'not in the set', 'attach of an unknown catalog', attach);
  yield harmlessMessageAttack(catalogs, 'not in the set', 'authority request of an unknown catalog', {
    t: 'requestAuthority',
    id: 1,
  });
  yield* routeAttacks('catalog', '/export');
}

/** Requests to a guarded route with wrong secrets. */
function routeAttacks(port: PortKind, path: string): Attack[] {
  const secrets = ['', 'x', 'x'.repeat(64), '0', 'null', '\u00e9'];
  return secrets.map((secret) => {
    const headers = { host: 'x', connection: 'close', 'x-trireme-secret': secret };
    const base: RequestTemplate = { port, method: 'GET', path, headers, body: '' };
    return {
      port,
      kind: 'guarded route',
      name: `${path} with ${secret.slice(0, 4)}`,
      steps: [requestText(base)],
    };
  });
}

/** Impersonation of member `as` towards member `to`. */
export interface Impersonation extends Cluster {
  readonly as: string;
  readonly to: string;
  /** Version of the messages between members. */
  readonly version: string;
}

/**
 * Type codes of messages, and their fields after type, sender, recipient and term. As all terms are old, none
 * has an effect.
 */
const MESSAGES: readonly (readonly [name: string, code: number, ...fields: unknown[]])[] = [
  ['pre-vote request', 0, 0, 0],
  ['pre-vote response', 1, true, 0, 0],
  ['vote request', 2, 0, 0, false],
  ['vote response', 3, true],
  ['append', 4, 0, 0, 0, []],
  ['append of an entry', 4, 0, 0, 0, [Buffer.alloc(40)]],
  ['append accepted', 5, FAR],
  ['append rejected', 6, 0, 0, 0],
  ['heartbeat', 7, 0, 0],
  ['heartbeat response', 8, FAR],
  ['timeout now', 9],
  ['read request', 10, 1],
  ['read response', 11, FAR, 0],
];

function raftDoor({ as, to, name, secret, version }: Impersonation): LinkEndpoint {
  return {
    port: 'peer',
    path: '/raft',
    headers: {
      'x-raft-secret': secret,
      'x-raft-cluster': name,
      'x-raft-version': version,
      'x-raft-from': as,
      'x-raft-to': to,
    },
  };
}

export function* peerAttacks(identity: Impersonation): Generator<Attack> {
  const { as, to } = identity;
  const raft = raftDoor(identity);
  yield* handshakeAttacks(raft);
  yield* frameAttacks(raft, [8, as, to, 0, FAR]);
  for (const [name, code, ...fields] of MESSAGES)
    yield* messageAttacks(raft, name, [code, as, to, 0, ...fields]);
  for (const id of ['7', to, '', as.repeat(200)]) {
    const kind = 'another sender or recipient';
    yield harmlessMessageAttack(raft, kind, `from ${id.slice(0, 9)}`, [8, id, to, 0, FAR]);
    yield harmlessMessageAttack(raft, kind, `to ${id.slice(0, 9)}`, [8, as, id === to ? as : id, 0, FAR]);
  }
  yield* snapshotAttacks(raft);
  yield* routeAttacks('peer', '/raft/founding');
}

/** Replays messages of a voter. @param terms older than the current term of the group */
export function* oldMessageAttacks(identity: Impersonation, terms: readonly number[]): Generator<Attack> {
  const raft = raftDoor(identity);
  for (const term of terms) {
    for (const [name, code, ...fields] of MESSAGES) {
      if (name === 'append of an entry') continue;
      const message = [code, identity.as, identity.to, term, ...fields];
      yield harmlessMessageAttack(raft, 'message of an old term', `${name} of term ${term}`, message);
    }
  }
}

/** Attacks on snapshot transfers, which are posted to the peer port. */
function snapshotAttacks({ headers }: LinkEndpoint): Attack[] {
  const base: RequestTemplate = {
    port: 'peer',
    method: 'POST',
    path: '/raft/snapshot',
    body: '',
    headers: { host: 'x', 'content-type': 'application/octet-stream', connection: 'close', ...headers },
  };
  const head = Buffer.alloc(8);
  head.writeUInt32BE(64 * 1024 * 1024);
  const bodies: readonly (readonly [string, ...AttackStep[]])[] = [
    ['nothing', ''],
    ['an immediate end', Buffer.alloc(16)],
    ['a truncated frame', Buffer.from([0, 0, 0, 40, 1, 2, 3, 4, 5])],
    ['a wrong checksum', Buffer.concat([Buffer.from([0, 0, 0, 4, 1, 2, 3, 4]), pack('abc')])],
    ['a frame of 64 MiB', head],
    [
      'a head of ones',
      Buffer.concat([Buffer.from([0, 0, 0, 32, 0xff, 0x6c, 0xab, 0x0b]), Buffer.alloc(32, 0xff)]),
    ],
    ['random', Buffer.from('f3a1d94e0c77b25581e6c39a4cd07f2b', 'hex')],
  ];
  const stranger = { ...base, headers: { ...base.headers, 'x-raft-secret': 'x' } };
  const makeAttack = (name: string, from: RequestTemplate, body: AttackStep): Attack => {
    const text = requestText(from, ['transfer-encoding: chunked'], '');
    const bytes = Buffer.from(typeof body === 'string' ? body : (body as Uint8Array));
    const chunk =
      bytes.length === 0
        ? bytes
        : Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from('\r\n')]);
    return { port: 'peer', kind: 'bad snapshot', name, steps: [text, chunk, '0\r\n\r\n'] };
  };
  return [
    ...bodies.map(([name, body = '']) => makeAttack(name, base, body)),
    ...bodies.map(([name, body = '']) => makeAttack(`${name}, without the secret`, stranger, body)),
    {
      port: 'peer',
      kind: 'bad snapshot',
      name: 'cut',
      steps: [requestText(base, ['content-length: 1000'], ''), 'x', FIN],
    },
  ];
}

export const CONTROL_BASE: RequestTemplate = {
  port: 'control',
  method: 'POST',
  path: '/kill?target=nobody',
  headers: { host: 'x', connection: 'close' },
  body: '',
};

/** Attacks on the control port. No request names a process that it may control. */
export function controlAttacks(secret: string): Attack[] {
  const authorized = { ...CONTROL_BASE, headers: { ...CONTROL_BASE.headers, 'x-trireme-secret': secret } };
  const targets = [
    '',
    'nobody',
    '0',
    '99',
    '-1',
    '1.5',
    'replica-99',
    '../../x',
    '__proto__',
    'constructor',
    '%00',
    'x'.repeat(8_000),
    'leader;ls',
  ];
  const paths = [
    ...targets.flatMap((name) => [`/kill?target=${name}`, `/start?name=${name}`, `/ready?name=${name}`]),
    '/',
    '//',
    '//[',
    '/kill',
    '/start',
    '/ready',
    '/__proto__',
    '/kill/../kill',
    '/start?name=replica-1',
    '/start?name=catalog-1',
  ];
  const makeAttack = (kind: string, base: RequestTemplate): Attack => ({
    port: 'control',
    kind,
    name: `${base.method} ${base.path.slice(0, 40)}`,
    steps: [completeRequest(base)],
  });
  return [
    ...paths.flatMap((path) => [
      makeAttack('control without the secret', { ...CONTROL_BASE, path }),
      makeAttack('unknown target', { ...authorized, path }),
      makeAttack('wrong method', { ...authorized, method: 'GET', path }),
    ]),
    ...['/kill?target=leader', '/kill?target=all-replicas', '/kill?target=catalog-1'].flatMap((path) => [
      makeAttack('control without the secret', { ...CONTROL_BASE, path }),
      makeAttack('wrong method', { ...authorized, method: 'PUT', path }),
    ]),
    makeAttack('a body', { ...authorized, path: '/x', body: 'x'.repeat(1_000_000) }),
  ];
}
