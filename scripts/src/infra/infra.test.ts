import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { NODE_FLAGS } from '@trireme/cluster';
import { INFRA } from '../root.js';
import { checkCompose, checkKubernetes, checkManifest } from './manifests.js';
import { checkMetricNames, unknownMetrics } from './metric-names.js';
import { checkWithTools } from './tools.js';

test('every manifest matches the schema of its kind', async () => {
  const findings = await checkKubernetes();
  assert.ok(findings.length >= 10, 'manifests were found');
  assert.equal(
    findings.filter(({ problem }) => problem !== null),
    [],
  );
});

test('checkManifest reports an invalid manifest', async () => {
  const wrong = {
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: { name: 'x' },
    spec: { replicas: 'three' },
  };
  assert.match((await checkManifest('x', wrong)).problem ?? '', /replicas|must/);
  assert.match(
    (await checkManifest('x', { apiVersion: 'apps/v1', kind: 'Nothing' })).problem ?? '',
    /no kind Nothing/,
  );
  assert.ok((await checkManifest('x', { apiVersion: 'none/v9', kind: 'X' })).problem);
});

test('the compose file matches its schema, and checkCompose reports an invalid one', () => {
  assert.equal(checkCompose(), { what: 'compose/compose.yaml', problem: null });
  assert.match(checkCompose('services: { x: { imagine: y } }').problem ?? '', /imagine|additional/);
});

test('alerts and dashboards query only metrics that the processes export', () => {
  assert.equal(
    checkMetricNames().filter(({ problem }) => problem !== null),
    [],
  );
  assert.equal(
    unknownMetrics('rate(trireme_x_total[1m]) trireme_y_bucket trireme_z', new Set(['x_total', 'y'])),
    ['z'],
  );
});

test('units, rules and shell scripts pass the installed tools', () => {
  const findings = checkWithTools();
  for (const { what, skipped } of findings)
    if (skipped !== undefined) console.log(`SKIPPED ${what}: ${skipped}`);
  assert.equal(
    findings.filter(({ problem }) => problem !== null),
    [],
  );
});

const STARTS = [
  'container/Dockerfile',
  'kubernetes/replica.yaml',
  'systemd/trireme-catalog@.service',
  'systemd/trireme-frontend@.service',
  'systemd/trireme-replica@.service',
];

for (const file of STARTS) {
  test(`${file} starts Node with the flags of local clusters`, () => {
    const words = readFileSync(join(INFRA, file), 'utf8').match(/[^\s"[\],\\]+/g) ?? [];
    const at = words.findIndex(
      (word, place) => /(^|\/)node$/.test(word) && words[place + 1]?.startsWith('--'),
    );
    assert.equal(words.slice(at + 1, at + 1 + NODE_FLAGS.length), [...NODE_FLAGS]);
  });
}

test('the compose file grants no privileges and contains no secret', () => {
  const compose = readFileSync(join(INFRA, 'compose/compose.yaml'), 'utf8');
  assert.not.match(compose, /privileged: true|network_mode: host|pid: host/);
  assert.not.match(compose, /TRIREME_SECRET(_FILE)?: [0-9a-f]{32}/);
});

test.run();
