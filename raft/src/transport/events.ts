/** What a transport tells its owner for logs and metrics; none of it needs an answer. */
import type { NodeId } from '../core/types.js';
import type { FrameCloseCode, FrameErrorCode } from '../frames/index.js';
import type { RefusalStatus } from './handshake.js';

/** Which side dialed: `out` is a link that this member dialed, to send on; `in` one that it receives on. */
export type LinkDirection = 'in' | 'out';

/** Why a message was dropped. */
export type DropReason =
  /** There is no open link to the peer. */
  | 'noLink'
  /** Too many bytes wait to be sent to it. */
  | 'queueFull'
  /** The message is longer than a frame may be. */
  | 'tooLong'
  /** It is for no other member. */
  | 'unknownPeer';

/** What happened on this member's links. */
export type TransportEvent =
  | { readonly type: 'connected'; readonly peer: NodeId; readonly direction: LinkDirection }
  /** A peer told its wall clock, milliseconds since 1970: first of all on each new link to here, then every second. */
  | { readonly type: 'clock'; readonly peer: NodeId; readonly wallMs: number }
  /** With code `ENDED` or `SOCKET_FAILED` the peer's process may have died: connections of a dead process reset. */
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
  /** A peer could not be reached or refused this member; told once until the reason changes. */
  | {
      readonly type: 'dialFailed';
      readonly peer: NodeId;
      readonly code: FrameErrorCode;
      readonly message: string;
      /** The stable word of its refusal, such as `DUPLICATE_MEMBER`; null where it did not answer. */
      readonly status: string | null;
    }
  /** At least one message was dropped; told once a turn of the event loop for each peer. */
  | { readonly type: 'dropped'; readonly peer: NodeId; readonly reason: DropReason };
