/** Values of `Host` that were found to be valid: to find out makes a URL of the request, which costs as much as a look-up. */

/** Remembered at most: the oldest is forgotten, and remembered anew when it comes again. */
const HOSTS_MAX = 64;

export class KnownHosts {
  readonly #hosts = new Set<string>();

  has(host: string | undefined): boolean {
    return host !== undefined && this.#hosts.has(host);
  }

  /** A request with this `Host` was found to be valid. */
  admit(host: string | undefined): void {
    if (host === undefined || this.#hosts.has(host)) return;
    // Else who makes up hosts would keep everyone else's from being known, for good.
    const [oldest] = this.#hosts;
    if (oldest !== undefined && this.#hosts.size >= HOSTS_MAX) this.#hosts.delete(oldest);
    this.#hosts.add(host);
  }
}
