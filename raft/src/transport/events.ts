/** Events of a transport, for logs and metrics. */
import type { NodeId } from '../core/types.js';
import type { FrameCloseCode, FrameErrorCode } from '../frames/index.js';
import type { RefusalStatus } from './handshake.js';

/** `out`: a link that this member dialed, for sending. `in`: a link that the peer dialed, for receiving. */
export type LinkDirection = 'in' | 'out';

/** The reason why a message was dropped. */
export type DropReason =
  /** There is no open link to the peer. */
  | 'noLink'
  /** The send queue of the peer is full. */
  | 'queueFull'
  /** The message is longer than a frame may be. */
  | 'tooLong'
  /** The recipient is not a peer of this member. */
  | 'unknownPeer';

/** An event on the links of this member. */
export type TransportEvent =
  /** A link to or from a peer is open. */
  | {
      readonly type: 'connected';
      readonly peer: NodeId;
      readonly direction: LinkDirection;
      /** The version of the protocol that the link speaks. */
      readonly version: number;
    }
  /**
   * A peer sent its wall clock, in milliseconds since 1970: first on each new link to this member, then every
   * second.
   */
  | { readonly type: 'clock'; readonly peer: NodeId; readonly wallMs: number }
  /**
   * A link is closed. With code `ENDED` or `SOCKET_FAILED` the peer's process may have died: the system closes or resets its
   * connections.
   */
  | {
      readonly type: 'disconnected';
      readonly peer: NodeId;
      readonly direction: LinkDirection;
      readonly code: FrameCloseCode;
      readonly message: string;
    }
  /** This member refused a handshake. */
  | {
      readonly type: 'refused';
      readonly address: string;
      readonly status: RefusalStatus;
      readonly message: string;
    }
  /** A peer could not be reached, or refused this member; reported once until the reason changes. */
  | {
      readonly type: 'dialFailed';
      readonly peer: NodeId;
      readonly code: FrameErrorCode;
      readonly message: string;
      /** The status of its refusal, such as `DUPLICATE_MEMBER`; null if it did not answer. */
      readonly status: string | null;
    }
  /** At least one message was dropped; reported once a turn of the event loop for each peer. */
  | { readonly type: 'dropped'; readonly peer: NodeId; readonly reason: DropReason };
