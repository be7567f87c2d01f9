/** Counts the events of the peer port, and logs them at a rate that unknown processes cannot raise. */
import type { TransportEvent } from '@trireme/raft/http';
import { Counter, LogThrottle, UsageError, type Log, type Metrics } from '@trireme/service';
import { DUPLICATE_MS, DuplicateDetector } from '../rules/group/duplicate-detector.js';
import { MemberClocks } from '../rules/leader/log-clock.js';
import { PeerLinks } from '../rules/group/peer-links.js';

export class PeerMonitor {
  readonly #log: Log;
  readonly #now: () => number;
  readonly #throttle = new LogThrottle();
  readonly links = new PeerLinks();
  readonly clocks = new MemberClocks();
  readonly #duplicate = new DuplicateDetector();
  readonly #fatal: (error: unknown) => void;
  #isWatching = false;
  readonly #events = new Counter();

  /**
   * @param options.fatal called if this process turns out to run on a copy of another replica's folder; ends
   *   the process
   * @param options.now monotonic milliseconds; default `performance.now`
   */
  constructor(options: {
    readonly log: Log;
    readonly metrics: Metrics;
    readonly fatal: (error: unknown) => void;
    readonly now?: () => number;
  }) {
    const { log, metrics, fatal, now = () => performance.now() } = options;
    this.#log = log;
    this.#fatal = fatal;
    this.#now = now;
    metrics.addGauge('network_active_peers', 'Open links to and from other replicas.', () =>
      this.links.open.map((labels) => [labels, 1] as const),
    );
    metrics.addGauge(
      'network_peer_clock_lead_seconds',
      "Lead of each other voter's wall clock over the one of this replica.",
      () =>
        this.clocks.offsets(Date.now(), now()).map(([peer, leadMs]) => [{ peer }, leadMs / 1000] as const),
    );
    metrics.addCounter(
      'network_peer_events_total',
      'Opened and closed links, failed dials, refused handshakes and dropped messages, by peer and reason.',
      () => this.#events,
    );
  }

  readonly onEvent = (event: TransportEvent): void => {
    const { type: kind } = event;
    this.links.onEvent(event);
    this.#duplicate.onEvent(event, this.#now());
    if (this.#duplicate.isRefused) this.#watchDuplicate();
    switch (event.type) {
      case 'connected': {
        this.#events.increment({ kind, peer: event.peer });
        this.#log.info(event, 'peer link opened');
        return;
      }
      case 'disconnected': {
        this.#events.increment({ kind, peer: event.peer, reason: event.code });
        this.#log.info(event, 'peer link closed');
        return;
      }
      case 'dialFailed': {
        this.#events.increment({ kind, peer: event.peer, reason: event.code });
        this.#log.warn(event, 'dialing peer failed; retrying');
        return;
      }
      case 'clock': {
        this.clocks.onClock(event.peer, event.wallMs, this.#now());
        return;
      }
      case 'dropped': {
        this.#events.increment({ kind, peer: event.peer, reason: event.reason });
        this.#log.debug(event, 'message to peer dropped');
        return;
      }
      case 'refused': {
        // Anyone who can reach the port can cause these events: they are limited per reason, not per address.
        this.#events.increment({ kind, reason: event.status });
        const suppressed = this.#throttle.suppressedIfDue(event.status, this.#now());
        if (suppressed !== null) this.#log.warn({ ...event, suppressed }, 'peer handshake refused');
      }
    }
  };

  /** Checks repeatedly whether this process is the copy, while a peer refuses it as a duplicate. */
  #watchDuplicate(): void {
    if (this.#isWatching) return;
    this.#isWatching = true;
    setTimeout(() => {
      this.#isWatching = false;
      const why = this.#duplicate.duplicateReason(this.links, this.#now());
      if (why !== null) this.#fatal(new UsageError(why));
      else if (this.#duplicate.isRefused) this.#watchDuplicate();
    }, DUPLICATE_MS).unref();
  }
}
