/** Whether what alerts and dashboards ask for is what the processes tell. */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { INFRA, ROOT } from '../root.js';
import type { Finding } from './finding.js';

const MADE = /\b(?:gauge|counter|durations)\(\s*'([a-z_]+)'/g;
const ASKED = /\btrireme_([a-z_]+)/g;
const OF_HISTOGRAMS = /_(bucket|count|sum)$/;

export function checkMetricNames(): Finding[] {
  const made = new Set(['catalog', 'frontend', 'orders', 'service'].flatMap(metricsOf));
  return ['prometheus/alerts.yml', 'grafana/dashboards/trireme.json'].map((file) => {
    const unknown = unknownMetrics(readFileSync(join(INFRA, file), 'utf8'), made);
    return {
      what: `${file}: names of metrics`,
      problem: unknown.length === 0 ? null : `nobody tells ${unknown.join(', ')}`,
    };
  });
}

export function unknownMetrics(text: string, made: ReadonlySet<string>): readonly string[] {
  const asked = [...text.matchAll(ASKED)].map(([, name = '']) => name);
  return [...new Set(asked)].filter((name) => !made.has(name) && !made.has(name.replace(OF_HISTOGRAMS, '')));
}

function metricsOf(name: string): readonly string[] {
  const folder = join(ROOT, 'packages', name, 'src');
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
    .flatMap((file) =>
      [...readFileSync(join(folder, file), 'utf8').matchAll(MADE)].map(([, metric = '']) => metric),
    );
}
