/**
 * Flags of Node for every process of Trireme; the start lines in `infra/` have the same.
 *
 * No code is made of text: whoever gets text in shall not get code in with it. Half of the young generation is 16 MiB,
 * as it was up to Node 22: V8 looks through the whole heap as soon as that may grow by less than such a half, and with
 * the 64 MiB of Node 24 it did so every few seconds in a replica, though next to nothing there had died. A process
 * also takes 20 to 40 MiB less. The young generation is collected by one thread: a collection moves a megabyte or two, and
 * where more processes than cores are at work, the helping threads keep it waiting longer than they help.
 */
export const NODE_FLAGS = [
  '--enable-source-maps',
  '--disallow-code-generation-from-strings',
  '--max-semi-space-size=16',
  '--no-parallel-scavenge',
] as const;
