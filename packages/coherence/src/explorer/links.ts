/**
 * Ids of links: `process + STRIDE * n`. `process` is the catalog for a link to a leader, and the front-end for
 * a link to a catalog. `n` is the lowest number that neither end knows, so that states that differ only by ids
 * of past links are one.
 */
import type { LinkId } from '../index.js';

const STRIDE = 8;

export function processOf(link: LinkId): number {
  return link % STRIDE;
}

export function freeLink(process: number, isKnown: (link: LinkId) => boolean): LinkId {
  let link = process;
  while (isKnown(link)) link += STRIDE;
  return link;
}

/** The corresponding link of the other process of two. */
export function swapProcess(link: LinkId): LinkId {
  return link - processOf(link) + (1 - processOf(link));
}
