import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { processCommands, type Substitutions, type ProcessCommand } from './services.js';

const PLACES: Substitutions = {
  addressOf: (service) => `at-${service}`,
  dataOf: (service) => `/tmp/${service}`,
  secretOf: (name) => `/tmp/secret-${name}`,
  moreCatalogs: [],
  certificateOf: null,
};

function read(places: Substitutions): ReadonlyMap<string, ProcessCommand> {
  const [compose, image] = ['compose/compose.yaml', 'container/Dockerfile'].map((file) =>
    readFileSync(fileURLToPath(new URL(`../../../../infra/${file}`, import.meta.url)), 'utf8'),
  );
  return new Map(processCommands(compose ?? '', image ?? '', places).map((one) => [one.name, one]));
}

test('processCommands returns only the Trireme processes, with the variables of the image and the file', () => {
  const services = read(PLACES);
  assert.equal(
    [...services.keys()],
    ['replica-1', 'replica-2', 'replica-3', 'catalog-1', 'catalog-2', 'frontend-1', 'frontend-2'],
  );
  assert.equal(services.get('replica-2'), {
    name: 'replica-2',
    argv: ['packages/orders/dist/main.js'],
    env: {
      TRIREME_HOST: '0.0.0.0',
      TRIREME_DATA: '/tmp/replica-2',
      TRIREME_BOOTSTRAP: '1',
      TRIREME_SECRET_FILE: '/tmp/secret-cluster',
      TRIREME_PORT: '8191',
      TRIREME_PEER_PORT: '8201',
      TRIREME_PEERS: '1=http://at-replica-1:8201,2=http://at-replica-2:8201,3=http://at-replica-3:8201',
      TRIREME_REPLICAS: '1=http://at-replica-1:8191,2=http://at-replica-2:8191,3=http://at-replica-3:8191',
      TRIREME_CATALOGS: 'catalog-1,catalog-2',
      TRIREME_ID: '2',
    },
  });
});

test('processCommands runs an additional catalog like the others and adds it to the set of a new cluster', () => {
  const services = read({ ...PLACES, moreCatalogs: ['catalog-3'] });
  const { argv, env = {} } = services.get('catalog-3') ?? {};
  assert.equal(argv, services.get('catalog-2')?.argv);
  assert.equal([env['TRIREME_ID'], env['TRIREME_URL']], ['catalog-3', 'http://at-catalog-3:8180']);
  assert.is(services.get('replica-1')?.env['TRIREME_CATALOGS'], 'catalog-1,catalog-2,catalog-3');
});

test('processCommands with certificates makes every URL https and gives each process its own certificate', () => {
  const certificateOf = (name: string) => ({ ca: 'ca.pem', cert: `${name}.pem`, key: `${name}.key` });
  const services = read({ ...PLACES, certificateOf });
  const { env = {} } = services.get('catalog-2') ?? {};
  assert.is(env['TRIREME_URL'], 'https://at-catalog-2:8180');
  assert.is(env['TRIREME_TLS_CERT'], 'catalog-2.pem');
  for (const service of services.values()) assert.not.match(JSON.stringify(service.env), 'http:');
});

test.run();
