/** Checks that use external tools. A check is skipped if its tool is not installed. */
import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { INFRA } from '../root.js';
import type { InfraCheck } from './infra-check-result.js';

const PROMETHEUS = join(INFRA, 'prometheus');

/** Checks the unit files, the rules and configuration of Prometheus, and the shell scripts. */
export function checkWithTools(): InfraCheck[] {
  const units = filesIn('systemd', '.service');
  const scripts = filesIn('aws', '.sh');
  return [
    ...units.map((unit) => run('systemd-analyze', ['verify', unit], 'Debian: systemd')),
    run('promtool', ['check', 'rules', 'alerts.yml'], 'Debian: prometheus'),
    run('promtool', ['check', 'config', 'prometheus.yml'], 'Debian: prometheus'),
    run('promtool', ['test', 'rules', 'alerts.test.yml'], 'Debian: prometheus'),
    run('shellcheck', scripts, 'Debian: shellcheck'),
  ];
}

function filesIn(folder: string, ending: string): string[] {
  return readdirSync(join(INFRA, folder))
    .filter((name) => name.endsWith(ending))
    .map((name) => join(INFRA, folder, name));
}

function run(tool: string, args: readonly string[], where: string): InfraCheck {
  const what = `${tool} ${args.map((arg) => arg.replace(`${INFRA}/`, '')).join(' ')}`;
  try {
    execFileSync(tool, args, { cwd: PROMETHEUS, stdio: 'pipe', encoding: 'utf8' });
    return { what, problem: null };
  } catch (error) {
    const { code, stdout, stderr } = error as { code?: unknown; stdout?: string; stderr?: string };
    if (code === 'ENOENT') return { what, problem: null, skipped: `${tool} is not installed (${where})` };
    return { what, problem: `${stdout ?? ''}${stderr ?? ''}`.trim() };
  }
}
