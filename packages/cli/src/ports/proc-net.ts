/** Reads the kernel's table of TCP sockets (proc(5), /proc/net/tcp). */

/** State of a listening socket. */
const LISTEN = '0A';

/** Addresses of the listening sockets among `inodes`. */
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

/** Decodes an address. The kernel prints IPv4 as one number in the machine's byte order, here little-endian. */
function hostOf(address: string): string {
  if (address.length !== 8) return /^0+$/.test(address) ? '::' : address;
  const bytes = address.match(/../g) ?? [];
  return bytes
    .toReversed()
    .map((byte) => Number.parseInt(byte, 16))
    .join('.');
}
