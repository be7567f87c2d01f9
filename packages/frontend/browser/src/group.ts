/** The picture of the group: roles, links, lag of the logs, and elections. */
import type { DashboardSnapshot, DashboardReplica } from '../../src/rules/dashboard/snapshot.js';
import { SvgScene, svgById } from './dom.js';
import { formatDuration, formatCount } from './format.js';
import {
  controlPointOf,
  BOX,
  boxClearance,
  layoutOf,
  linePath,
  type Layout,
  type Point,
} from './group-layout.js';

/** Below this width, in CSS pixels, the picture is laid out from top to bottom. */
const NARROW_PX = 560;

/** Displayed names of the roles. */
const ROLE_WORDS: Readonly<Record<DashboardReplica['role'], string>> = {
  leader: 'leader',
  follower: 'follower',
  learner: 'learner',
  candidate: 'candidate',
  preCandidate: 'pre-vote',
  silent: 'silent',
  unlinked: 'no link',
  unknown: '…',
};

export function roleLabel(role: DashboardReplica['role']): string {
  return ROLE_WORDS[role];
}

/** Whether two members reach each other: in both directions, in one, or not at all. */
type LinkState = 'up' | 'half' | 'down';

export class GroupPicture {
  readonly #root = svgById('group-picture');
  readonly #scene = new SvgScene(this.#root);
  #isNarrow = false;
  #last: DashboardSnapshot | null = null;

  constructor() {
    new ResizeObserver(([entry]) => {
      const isNarrow = (entry?.contentRect.width ?? NARROW_PX) < NARROW_PX;
      if (isNarrow === this.#isNarrow) return;
      this.#isNarrow = isNarrow;
      if (this.#last !== null) this.show(this.#last);
    }).observe(this.#root.parentElement ?? this.#root);
    this.#isNarrow = (this.#root.parentElement?.clientWidth ?? NARROW_PX) < NARROW_PX;
  }

  show(snapshot: DashboardSnapshot): void {
    this.#last = snapshot;
    const layout = layoutOf(snapshot.replicas.length, this.#isNarrow);
    this.#root.setAttribute('viewBox', `0 0 ${layout.width} ${layout.height}`);
    this.#root.classList.toggle('flowing', snapshot.traffic.filled > 0);
    this.#drawEnds(snapshot, layout);
    this.#drawMemberLinks(snapshot, layout);
    for (const [at, replica] of snapshot.replicas.entries()) {
      const point = layout.replicas[at];
      if (point !== undefined) this.#drawReplica(replica, point, layout);
    }
    this.#drawElection(snapshot, layout);
    this.#scene.finish();
  }

  /** Draws front-end and catalogs, with their links. */
  #drawEnds({ replicas, leader, catalogs, servedBy }: DashboardSnapshot, layout: Layout): void {
    const ready = catalogs.filter(({ state }) => state === 'ready').length;
    for (const [at, { id, linked, role }] of replicas.entries()) {
      const point = layout.replicas[at];
      if (point === undefined) continue;
      const leads = id === leader?.replica;
      const state = linked && role !== 'silent' ? 'up' : 'down';
      const orders = leads ? 'orders' : '';
      this.#drawEndLink(`front ${id}`, `link front ${state} ${orders}`, layout.frontend, point, layout);
      const feeds = leads && ready > 0 ? 'orders up' : 'none';
      this.#drawEndLink(`feed ${id}`, `link feed ${feeds}`, layout.catalogs, point, layout);
    }
    this.#drawBox('frontend', layout.frontend, 'front-end', servedBy, 'good');
    const areAllReady = ready === catalogs.length && ready > 0;
    const detail = `${ready} of ${catalogs.length} ready`;
    this.#drawBox('catalogs', layout.catalogs, 'catalogs', detail, areAllReady ? 'good' : 'bad');
  }

  #drawMemberLinks({ replicas, leader }: DashboardSnapshot, layout: Layout): void {
    for (const [at, a] of replicas.entries()) {
      for (const [offset, b] of replicas.slice(at + 1).entries()) {
        const [from, to] = [layout.replicas[at], layout.replicas[at + 1 + offset]];
        if (from === undefined || to === undefined) continue;
        const leads = a.id === leader?.replica || b.id === leader?.replica;
        const [start, end] = b.id === leader?.replica ? [to, from] : [from, to];
        const state = linkState(a, b);
        const clear = { from: layout.radius + 3, to: layout.radius + 3 };
        const className = `link raft ${state} ${leads ? 'appends' : ''}`.trim();
        this.#scene.put(`raft ${a.id} ${b.id}`, 'path', { class: className, d: linePath(start, end, clear) });
      }
    }
  }

  #drawReplica(replica: DashboardReplica, { x, y }: Point, { radius }: Layout): void {
    const { id, role, lag, commit } = replica;
    this.#scene.put(`halo ${id}`, 'circle', { class: `halo ${role}`, cx: x, cy: y, r: radius + 7 });
    this.#scene.put(`disc ${id}`, 'circle', { class: `disc ${role}`, cx: x, cy: y, r: radius });
    this.#scene.put(`id ${id}`, 'text', { class: `id ${role}`, x, y: y + 1 }, id);
    this.#scene.put(`role ${id}`, 'text', { class: `role ${role}`, x, y: y + 17 }, roleLabel(role));
    const behind = lag === null || lag === 0 ? '' : ` · ${formatCount(lag)} behind`;
    const position = commit === null ? '' : `${formatCount(commit)}${behind}`;
    this.#scene.put(`place ${id}`, 'text', { class: 'place', x, y: y + radius + 21 }, position);
  }

  #drawElection({ leader, leaderlessMs, replicas }: DashboardSnapshot, { middle }: Layout): void {
    const { x, y } = middle;
    const isElecting = leader === null && replicas.length > 0;
    const term = Math.max(0, ...replicas.map((replica) => replica.term ?? 0));
    const title = isElecting ? 'no leader' : `term ${term}`;
    this.#scene.put(
      'middle',
      'text',
      { class: isElecting ? 'middle electing' : 'middle', x, y: y + 2 },
      title,
    );
    const since = isElecting && leaderlessMs !== null ? `for ${formatDuration(leaderlessMs)}` : '';
    this.#scene.put('since', 'text', { class: 'middle electing small', x, y: y + 20 }, since);
  }

  #drawBox(key: string, { x, y }: Point, title: string, detail: string, tone: string): void {
    this.#scene.put(`${key} box`, 'rect', {
      class: `box ${tone}`,
      x: x - BOX.x,
      y: y - BOX.y,
      width: BOX.x * 2,
      height: BOX.y * 2,
      rx: 8,
    });
    this.#scene.put(`${key} title`, 'text', { class: 'box-title', x, y: y - 2 }, title);
    this.#scene.put(`${key} detail`, 'text', { class: 'box-detail', x, y: y + 14 }, detail);
  }

  /** Draws the line between front-end or catalogs and a replica, in the direction of orders. */
  #drawEndLink(key: string, className: string, end: Point, replica: Point, layout: Layout): void {
    const { frontend, radius, middle } = layout;
    const by = controlPointOf(end, replica, { isNarrow: this.#isNarrow, middle });
    const [box, disc] = [boxClearance(end, by), radius + 3];
    const d =
      end === frontend
        ? linePath(end, replica, { from: box, to: disc }, by)
        : linePath(replica, end, { from: disc, to: box }, by);
    this.#scene.put(key, 'path', { class: className.trim(), d });
  }
}

/** The worse of the states that both ends report. An end without a current report is ignored. */
function linkState(a: DashboardReplica, b: DashboardReplica): LinkState {
  const ends = [
    ...(hasReport(a) ? a.peers.filter(({ id }) => id === b.id) : []),
    ...(hasReport(b) ? b.peers.filter(({ id }) => id === a.id) : []),
  ];
  if (ends.length === 0) return 'down';
  if (ends.every(({ inbound, outbound }) => inbound && outbound)) return 'up';
  return ends.some(({ inbound, outbound }) => inbound || outbound) ? 'half' : 'down';
}

function hasReport({ role }: DashboardReplica): boolean {
  return role !== 'silent' && role !== 'unlinked' && role !== 'unknown';
}
