/** Files of the pages, read once when the process starts: what is served later cannot depend on a disk or a path. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

/** Everything that a page may load. */
const FILES = {
  'dashboard.css': { folder: '../../browser/', type: 'text/css; charset=utf-8' },
  'docs.css': { folder: '../../browser/', type: 'text/css; charset=utf-8' },
  'icon.svg': { folder: '../../browser/', type: 'image/svg+xml' },
  'dom.js': { folder: '../../browser/dist/', type: 'text/javascript; charset=utf-8' },
  'format.js': { folder: '../../browser/dist/', type: 'text/javascript; charset=utf-8' },
  'group-layout.js': { folder: '../../browser/dist/', type: 'text/javascript; charset=utf-8' },
  'group.js': { folder: '../../browser/dist/', type: 'text/javascript; charset=utf-8' },
  'main.js': { folder: '../../browser/dist/', type: 'text/javascript; charset=utf-8' },
  'order-form.js': { folder: '../../browser/dist/', type: 'text/javascript; charset=utf-8' },
  'stream.js': { folder: '../../browser/dist/', type: 'text/javascript; charset=utf-8' },
  'tables.js': { folder: '../../browser/dist/', type: 'text/javascript; charset=utf-8' },
  'tiles.js': { folder: '../../browser/dist/', type: 'text/javascript; charset=utf-8' },
} as const;

export interface Asset {
  readonly body: string;
  readonly type: string;
  /** A strong entity tag. */
  readonly etag: string;
}

/**
 * Reads every file.
 * @returns them by the name that they are served under.
 * @throws the system's error if one is missing, as in a build that left `packages/frontend/browser` out.
 */
export function readAssets(): ReadonlyMap<string, Asset> {
  return new Map(
    Object.entries(FILES).map(([name, { folder, type }]) => {
      const body = readFileSync(new URL(folder + name, import.meta.url), 'utf8');
      const etag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`;
      return [name, { body, type, etag }];
    }),
  );
}
