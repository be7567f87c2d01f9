/**
 * The version, limits and paths of the links between processes. Links are ordered. The files in `frames/` define the
 * frames: each is one MessagePack object whose field `t` is its type.
 */

/** The version of these frames. */
export const PROTOCOL_VERSION = 9;

/** The version of the previous release, which processes speak until the cluster has switched to the newest one. */
export const PREVIOUS_PROTOCOL_VERSION = 8;

/** Maximum number of items in a frame. The sender splits longer lists, the receiver rejects them. */
export const FRAME_ITEMS_MAX = 1024;

/** Maximum number of rows of a page, and so the highest `limit` of a list. */
export const PAGE_ROWS_MAX = 1000;

/** Maximum length of a request id, in characters. */
export const REQUEST_ID_LENGTH_MAX = 128;

const VISIBLE_ASCII = /^[\x21-\x7e]+$/;

/** Whether a client's request id is used: 1 to `REQUEST_ID_LENGTH_MAX` visible ASCII characters. */
export function isRequestId(value: unknown): value is string {
  return typeof value === 'string' && value.length <= REQUEST_ID_LENGTH_MAX && VISIBLE_ASCII.test(value);
}

/** The paths at which links are opened. */
export const LINK_PATHS = {
  frontendToReplica: '/links/frontend',
  frontendToCatalog: '/links/frontend',
  catalogToReplica: '/links/catalog',
} as const;
