/** What the peer port tells of itself: kept for metrics, and logged so that strangers cannot flood the log. */
import type { TransportEvent } from '@trireme/raft';
import { Tally, Throttle, UsageError, type Log, type Metrics } from '@trireme/service';
import { DUPLICATE_MS, DuplicateRule } from './rules/duplicate.js';
import { MemberClocks } from './rules/log-clock.js';
import { PeerLinks } from './rules/peer-links.js';

export class PeerWatch {
  readonly #log: Log;
  readonly #now: () => number;
  readonly #throttle = new Throttle();
  readonly links = new PeerLinks();
  readonly clocks = new MemberClocks();
  readonly #duplicate = new DuplicateRule();
  readonly #fatal: (error: unknown) => void;
  #isWatching = false;
  readonly #events = new Tally();

  /**
   * @param options.fatal ends the process, which is a copy of another one
   * @param options.now monotonic milliseconds; `performance.now` unless given.
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
    metrics.gauge('network_active_peers', 'Links to and from other replicas that are open.', () =>
      this.links.open.map((labels) => [labels, 1] as const),
    );
    metrics.gauge(
      'network_peer_clock_lead_seconds',
      "How far the wall clock of each other voter is ahead of this replica's own.",
      () => this.clocks.leads(Date.now(), now()).map(([peer, leadMs]) => [{ peer }, leadMs / 1000] as const),
    );
    metrics.counter(
      'network_peer_events_total',
      'Links that opened or broke, dials that failed, handshakes refused, messages dropped, by peer and reason.',
      () => this.#events,
    );
  }

  readonly onEvent = (event: TransportEvent): void => {
    const { type: kind } = event;
    this.links.event(event);
    this.#duplicate.event(event, this.#now());
    if (this.#duplicate.isRefused) this.#watchDuplicate();
    switch (event.type) {
      case 'connected': {
        this.#events.add({ kind, peer: event.peer });
        this.#log.info(event, 'peer link opened');
        return;
      }
      case 'disconnected': {
        this.#events.add({ kind, peer: event.peer, reason: event.code });
        this.#log.info(event, 'peer link closed');
        return;
      }
      case 'dialFailed': {
        this.#events.add({ kind, peer: event.peer, reason: event.code });
        this.#log.warn(event, 'peer cannot be reached; dialing on');
        return;
      }
      case 'clock': {
        this.clocks.heard(event.peer, event.wallMs, this.#now());
        return;
      }
      case 'dropped': {
        this.#events.add({ kind, peer: event.peer, reason: event.reason });
        this.#log.debug(event, 'messages to a peer dropped');
        return;
      }
      case 'refused': {
        // Whoever can reach the port can cause these: by the word of the reason, not by the address.
        this.#events.add({ kind, reason: event.status });
        const untold = this.#throttle.due(event.status, this.#now());
        if (untold !== null) this.#log.warn({ ...event, untold }, 'peer handshake refused');
      }
    }
  };

  /** Looks from time to time whether this process is the copy, for as long as a peer refuses it as one. */
  #watchDuplicate(): void {
    if (this.#isWatching) return;
    this.#isWatching = true;
    setTimeout(() => {
      this.#isWatching = false;
      const why = this.#duplicate.verdict(this.links, this.#now());
      if (why !== null) this.#fatal(new UsageError(why));
      else if (this.#duplicate.isRefused) this.#watchDuplicate();
    }, DUPLICATE_MS).unref();
  }
}
