/**
 * Flags of Node for every process of Trireme; the start lines in `infra/` have the same.
 *
 * No code is made of text: whoever gets text in shall not get code in with it. Half of the young generation is 16 MiB,
 * as it was up to Node 22: V8 looks through the whole heap as soon as that may grow by less than such a half, and with
 * the 64 MiB of Node 24 it did so every few seconds in a replica, though next to nothing there had died. A process
 * also takes 20 to 40 MiB less. The young generation is collected by one thread: a collection moves a megabyte or two, and
 * where more processes than cores are at work, the helping threads keep it waiting longer than they help.
 *
 * V8 does not learn from what survives where objects are to be made. Left to itself it makes those of some places old at
 * once, where it has seen most of them survive. Under load it sees that of objects which live as long as an order is under
 * way: old and dead they then keep all that belongs to it from every minor collection. A front-end copied four times as
 * much in each, in one start out of ten and for as long as the load went on.
 *
 * Between two looks through the whole heap it may grow to three times what lived in it: where little of
 * it grows old V8 allows 8 MiB more, and as the latest entries of the log die old, a replica of 25 MiB was looked through
 * every few seconds, which kept its orders waiting for tens of milliseconds.
 */
export const NODE_FLAGS = [
  '--enable-source-maps',
  '--disallow-code-generation-from-strings',
  '--max-semi-space-size=16',
  '--no-parallel-scavenge',
  '--no-allocation-site-pretenuring',
  '--heap-growing-percent=200',
] as const;
