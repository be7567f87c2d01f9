/** Checks that the processes export every metric that alerts and dashboards query. */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { INFRA, ROOT } from '../root.js';
import type { InfraCheck } from './infra-check-result.js';

const DEFINITION = /\b(?:addGauge|addCounter|addHistogram)\(\s*'([a-z_]+)'/g;
const QUERY = /\btrireme_([a-z_]+)/g;
const HISTOGRAM_SUFFIX = /_(bucket|count|sum)$/;

export function checkMetricNames(): InfraCheck[] {
  const exported = new Set(['catalog', 'frontend', 'orders', 'service'].flatMap(metricsOf));
  return ['prometheus/alerts.yml', 'grafana/dashboards/trireme.json'].map((file) => {
    const unknown = unknownMetrics(readFileSync(join(INFRA, file), 'utf8'), exported);
    return {
      what: `${file}: names of metrics`,
      problem: unknown.length === 0 ? null : `no process exports ${unknown.join(', ')}`,
    };
  });
}

export function unknownMetrics(text: string, exported: ReadonlySet<string>): readonly string[] {
  const queried = [...text.matchAll(QUERY)].map(([, name = '']) => name);
  return [...new Set(queried)].filter(
    (name) => !exported.has(name) && !exported.has(name.replace(HISTOGRAM_SUFFIX, '')),
  );
}

function metricsOf(name: string): readonly string[] {
  const folder = join(ROOT, 'packages', name, 'src');
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
    .flatMap((file) =>
      [...readFileSync(join(folder, file), 'utf8').matchAll(DEFINITION)].map(([, metric = '']) => metric),
    );
}
