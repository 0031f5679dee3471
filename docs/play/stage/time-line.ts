import type { Grant } from 'jit-access';
import { lanesOf, type Lane, type Scene } from '../world/scene.js';
import { MINUTE } from '../world/scenario.js';
import { el, panel } from './dom.js';
import { shortTimeOf, timeOf } from './words.js';

const TICKS_MS = [2, 5, 10, 15, 30].map((minutes) => minutes * MINUTE);
/** No more ticks than a narrow screen has room for. */
const MAX_TICKS = 6;

/** The windows as bars on the clock's time, with `[` where one begins and `)` where it has ended. */
export function createTimeLine() {
  const lanes = el('div', { class: 'lanes' });
  const ticks = el('div', { class: 'ticks', 'aria-hidden': 'true' });
  const needle = el('div', { class: 'needle', 'aria-hidden': 'true' }, el('span', {}));
  const highest = el('div', { class: 'highest', 'aria-hidden': 'true' }, el('span', {}, 'latest seen'));
  const summary = el('p', { class: 'summary' });
  const element = panel('ends', 'The window', summary, el('div', { class: 'line' }, lanes, ticks, highest, needle));

  const show = (scene: Scene): void => {
    const { begin, scenario } = scene.world;
    const share = (instant: number): number => (100 * (instant - begin)) / scenario.lastsMs;
    const place = (node: HTMLElement, from: number, to?: number): HTMLElement => {
      const left = Math.min(Math.max(share(from), 0), 100);
      node.style.setProperty('left', `${left}%`);
      if (to !== undefined) node.style.setProperty('width', `${Math.min(share(to), 100) - left}%`);
      return node;
    };
    place(needle, scene.now);
    needle.firstElementChild!.textContent = timeOf(scene.now);
    needle.classList.toggle('late', share(scene.now) > 70);
    place(highest, scene.highest);
    highest.hidden = scene.highest - scene.now < MINUTE;
    summary.replaceChildren(...inWords(scene));
    ticks.replaceChildren(...tickTimes(begin, scenario.lastsMs).map((at) => place(el('span', {}, shortTimeOf(at)), at)));
    const all = lanesOf(scene.asked);
    lanes.replaceChildren(
      ...Array.from({ length: scenario.windows }, (_, i) => {
        const lane = all[i];
        return el('div', { class: 'lane' }, ...(lane === undefined ? [] : drawn(lane, scene, place)));
      }),
    );
  };
  return { element, show };
}

function drawn({ request, scope, grants }: Lane, scene: Scene, place: (node: HTMLElement, from: number, to?: number) => HTMLElement) {
  const { begin, scenario } = scene.world;
  const label = (text: string, at: number): HTMLElement => {
    const node = el('span', { class: 'label' }, text);
    // A label that would exceed the line is placed at its end.
    if (at > begin + scenario.lastsMs / 3) node.classList.add('late');
    return place(node, at);
  };
  const waitedTo = request.end?.at ?? Math.min(scene.highest, request.reviewBy);
  const parts = [place(el('i', { class: 'waiting' }), request.createdAt, Math.max(waitedTo, request.createdAt))];
  if (request.end !== undefined && grants.length === 0) parts.push(place(el('b', { class: 'refused' }, '×'), request.end.at));
  if (request.scopes.length > 1 && grants.length === 0) {
    const omitted = request.end?.status === 'approved' ? ': not approved' : '';
    parts.push(label(`${scope}${omitted}`, request.createdAt));
  }
  for (const grant of grants) {
    const endsAt = endOf(grant);
    const isCut = grant.expiresAt > begin + scenario.lastsMs;
    if (endsAt < grant.expiresAt) parts.push(place(el('i', { class: 'lost' }), endsAt, grant.expiresAt));
    parts.push(place(el('i', { class: 'window' }), grant.startsAt, endsAt));
    // What has been lived of it. Judged at the highest reading, as the engine judges ends.
    const lived = Math.min(Math.max(scene.highest, grant.startsAt), endsAt);
    parts.push(place(el('i', { class: 'lived' }), grant.startsAt, lived));
    parts.push(place(el('b', { class: 'edge' }, '['), grant.startsAt));
    if (endsAt <= begin + scenario.lastsMs) parts.push(place(el('b', { class: 'edge end' }, ')'), endsAt));
    parts.push(label(`${scope}${isCut && endsAt === grant.expiresAt ? ` until ${shortTimeOf(grant.expiresAt)}` : ''}`, grant.startsAt));
  }
  return parts;
}

const ENDED: Readonly<Record<string, string>> = { released: 'Released', locked: 'Ended by a lock' };

const endOf = ({ end, expiresAt }: Grant): number => end?.at ?? expiresAt;

function inWords({ asked, now, status }: Scene): (Node | string)[] {
  const grants = asked.flatMap((one) => one.grants);
  const live = status.held.at(-1) ?? status.scheduled.at(-1);
  if (live !== undefined) {
    const from = el('code', {}, `[${timeOf(live.startsAt)}, ${timeOf(live.expiresAt)})`);
    return [from, live.startsAt > now ? ': it allows nothing before, and nothing after.' : ': from its end on, every check says no.'];
  }
  const last = grants.at(-1);
  if (last === undefined) return ['No window yet: an approval opens one.'];
  const { end } = last;
  const at = timeOf(endOf(last));
  if (end === undefined) return [`Ended at ${at} by itself. No sweep has recorded it yet; none is needed.`];
  if (end.cause === 'time') return [`Ended at ${at} by itself. A sweep has recorded it since.`];
  return [`${ENDED[end.cause] ?? 'Ended'} at ${at}, before its time.`];
}

function tickTimes(begin: number, lastsMs: number): number[] {
  const every = TICKS_MS.find((ms) => lastsMs / ms <= MAX_TICKS) ?? lastsMs;
  const times: number[] = [];
  for (let at = Math.ceil(begin / every) * every; at <= begin + lastsMs - every / 3; at += every) times.push(at);
  return times;
}
