/** Where the workspace stands: the scripts run from `scripts/dist`. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Absolute path of the workspace's root, without a slash at its end. */
export const ROOT = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');

/** Containers, Kubernetes, systemd, AWS, Prometheus, Grafana. */
export const INFRA = join(ROOT, 'infra');
