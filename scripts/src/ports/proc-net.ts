/** Reads the kernel's table of TCP sockets (proc(5), /proc/net/tcp). */

/** The state of a socket that listens. */
const LISTEN = '0A';

/** Where those of the sockets listen that are named by their inodes. */
export function listeningPorts(
  table: string,
  inodes: ReadonlySet<string>,
): readonly { readonly host: string; readonly port: number }[] {
  return table.split('\n').flatMap((line) => {
    const [, local = '', , state, , , , , , inode = ''] = line.trim().split(/\s+/);
    if (state !== LISTEN || !inodes.has(inode)) return [];
    const [address = '', port = '0'] = local.split(':');
    return [{ host: hostOf(address), port: Number.parseInt(port, 16) }];
  });
}

/** IPv4 stands there as one number in the machine's byte order, little-endian on what this runs on. */
function hostOf(address: string): string {
  if (address.length !== 8) return /^0+$/.test(address) ? '::' : address;
  const bytes = address.match(/../g) ?? [];
  return bytes
    .toReversed()
    .map((byte) => Number.parseInt(byte, 16))
    .join('.');
}
