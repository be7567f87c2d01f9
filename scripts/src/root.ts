/** Paths of the workspace. The scripts run from `scripts/dist`. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Absolute path of the workspace's root, without a trailing slash. */
export const ROOT = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');

/** Folder with the files for containers, Kubernetes, systemd, AWS, Prometheus and Grafana. */
export const INFRA = join(ROOT, 'infra');
