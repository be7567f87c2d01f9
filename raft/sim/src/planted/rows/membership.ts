/** Planted bugs in membership changes. */
import { CORE, type Mutation } from '../mutation.js';

export const MEMBERSHIP: readonly Mutation[] = [
  {
    name: 'membership takes effect too early: when it is logged',
    file: `${CORE}/membership-log.js`,
    find: 'this.#unapplied.push(decode(entry));',
    replace: 'this.#unapplied.push(decode(entry));\n        this.#inForce = decode(entry);',
  },
  {
    name: 'membership takes effect too early: when it is committed',
    file: `${CORE}/log.js`,
    find: 'this.#commit = index;\n    }\n    /** Learns',
    replace: 'this.#commit = index;\n        this.memberships.onApplied(index);\n    }\n    /** Learns',
  },
  {
    name: 'learner counted in a majority (thesis 4.2.1)',
    file: `${CORE}/quorum.js`,
    find: 'export function highestOfQuorum({ voters, outgoing }, valueOf) {',
    replace:
      'export function highestOfQuorum({ voters, outgoing, learners = [] }, valueOf) {\n    voters = voters.concat(learners);',
  },
  {
    name: 'commit in a joint configuration decided by one half (Raft 6)',
    file: `${CORE}/quorum.js`,
    find: 'return outgoing.length === 0 ? reached :',
    replace: 'return outgoing.length >= 0 ? reached :',
  },
  {
    name: 'election in a joint configuration decided by one half (Raft 6)',
    file: `${CORE}/quorum.js`,
    find: "if (outgoing.length === 0 || incoming === 'lost')",
    replace: 'if (outgoing.length >= 0)',
  },
  {
    name: 'two voters changed in one step (thesis 4.3)',
    file: `${CORE}/membership-change.js`,
    find: 'return votersMoved(current, voters) > 1',
    replace: 'return votersMoved(current, voters) > 9',
  },
  {
    name: 'membership change accepted while another one is not applied',
    file: `${CORE}/leadership.js`,
    find: 'if (this.#context.log.memberships.hasUnapplied || isJoint(this.#membership)) {\n            throw',
    replace: 'if (isJoint(this.#membership)) {\n            throw',
  },
  {
    name: 'campaign while a committed change is not applied',
    file: `${CORE}/election-state.js`,
    find: ' && !memberships.hasCommittedUnapplied(commit);',
    replace: ';',
  },
  {
    name: 'removed member stays disconnected after it is added again',
    file: 'raft/dist/membership-tracker.js',
    find: 'for (const [peer, address] of this.#formerPeers)\n                transport.addPeer(peer, address);',
    replace: ';',
  },
];
