/** Where the workspace stands: the scripts run from `scripts/dist`. */
import { fileURLToPath } from 'node:url';

/** Absolute path of the workspace's root, without a slash at its end. */
export const ROOT = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');
