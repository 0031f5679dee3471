import type { AccessRequest } from 'jit-access';
import type { ReviewerScene, Scene } from '../world/scene.js';
import type { Scenario } from '../world/scenario.js';
import type { Act } from '../world/world.js';
import { createBadge } from './badge.js';
import { button, el, onChange, panel } from './dom.js';
import { lengthOf, nameOf, shortTimeOf, timeOf } from './words.js';

interface View {
  readonly element: HTMLElement;
  readonly show: (scene: Scene) => void;
}

const face = (id: string): HTMLElement => el('span', { class: 'face', 'aria-hidden': 'true' }, nameOf(id).replace('Agent ', '').charAt(0));

const who = (id: string): HTMLElement => el('span', { class: 'who' }, el('strong', {}, nameOf(id)), el('code', {}, id));

/** The one who asks, with the badge that an application would put beside the name. */
export function createSubject(): View {
  const person = el('div', { class: 'person' });
  const badge = createBadge();
  const says = el('p', { class: 'wish' });
  const element = panel('subject', 'The requester', person, says);
  const showPerson = onChange<Scenario>(
    ({ id }) => id,
    ({ subject }) => person.replaceChildren(face(subject), who(subject), badge.element),
  );
  return {
    element,
    show: (scene) => {
      showPerson(scene.world.scenario);
      badge.show(scene);
      says.replaceChildren(...wish(scene));
    },
  };
}

function wish({ asked, status, now }: Scene): (Node | string)[] {
  const open = asked.find(({ request }) => request.end === undefined && now < request.reviewBy);
  if (open !== undefined) return ['asks for ', ...asking(open.request)];
  const [lock] = status.locks;
  if (lock !== undefined) return [`has been locked since ${timeOf(lock.at)}: no grant counts, and every ask is refused`];
  const [held] = status.held;
  if (held !== undefined) {
    const scopes = status.held.filter(({ expiresAt }) => expiresAt === held.expiresAt).map(({ scope }) => scope);
    return ['may use ', el('code', {}, scopes.join(', ')), ` until ${timeOf(held.expiresAt)}, and not a moment longer`];
  }
  const [planned] = status.scheduled;
  if (planned !== undefined) return ['will have ', el('code', {}, planned.scope), ` from ${timeOf(planned.startsAt)} on`];
  if (status.standing.length > 0) return ['may use ', el('code', {}, status.standing.join(', ')), ' at any time, and nothing else'];
  return ['has no access'];
}

const asking = ({ scopes, ttlMs, startsAt, justification }: AccessRequest): (Node | string)[] => [
  el('code', {}, scopes.join(', ')),
  ` for ${lengthOf(ttlMs)}`,
  startsAt === undefined ? '' : ` from ${shortTimeOf(startsAt)} on`,
  justification === undefined ? '' : `: “${justification}”`,
];

/** Those who decide. Their buttons are the viewer's to press. */
export function createReviewers(act: (act: Omit<Act, 'at'>) => void): View {
  const list = el('ul', { class: 'reviewers' });
  const element = panel('deciders', 'Who decides', list);
  let cards: Map<string, (scene: ReviewerScene) => void> = new Map();
  const deal = onChange<Scenario>(
    ({ id }) => id,
    ({ reviewers }) => {
      const made = reviewers.map((id) => ({ id, ...createReviewer(id, act) }));
      cards = new Map(made.map(({ id, show }) => [id, show]));
      list.replaceChildren(...made.map((card) => card.element));
    },
  );
  return {
    element,
    show: (scene) => {
      deal(scene.world.scenario);
      for (const reviewer of scene.reviewers) cards.get(reviewer.id)?.(reviewer);
    },
  };
}

const SAID = { approve: 'Approved', deny: 'Denied', justified: 'Found it justified', unjustified: 'Found it unjustified' } as const;

function said(word: ReviewerScene['said']): string {
  if (word === undefined) return 'Nothing to decide.';
  const { verdict, scopes, ttlMs, at, reason } = word;
  const scope = scopes === undefined ? '' : ` only ${scopes.join(', ')}`;
  const length = ttlMs === undefined ? '' : ` for ${lengthOf(ttlMs)}`;
  return `${SAID[verdict]}${scope}${length} at ${shortTimeOf(at)}${reason === undefined ? '' : `: “${reason}”`}.`;
}

function createReviewer(id: string, act: (act: Omit<Act, 'at'>) => void) {
  const inbox = el('div', { class: 'inbox', tabindex: '-1', role: 'group', 'aria-label': `Inbox of ${nameOf(id)}` });
  const element = el('li', { class: 'card' }, el('div', { class: 'person' }, face(id), who(id)), inbox);
  const tap = (does: Act['does'], requestId: string, text: string, kind: string) =>
    button(
      text,
      () => {
        act({ does, requestId, by: id });
        // The button is removed once its request is decided; a keyboard user keeps the focus.
        inbox.focus();
      },
      { class: kind, 'aria-label': `${text} as ${nameOf(id)}` },
    );
  const show = onChange<ReviewerScene>(
    (scene) =>
      [...scene.inbox, ...scene.pendingReviews].map(({ request }) => `${request.id} ${request.version}`).join() + String(scene.said?.at),
    (scene) => {
      const items = [
        ...scene.inbox.map(({ request }) =>
          el(
            'div',
            { class: 'item' },
            el('p', {}, ...asking(request)),
            el('div', { class: 'taps' }, tap('approve', request.id, 'Approve', 'yes'), tap('deny', request.id, 'Deny', 'no')),
          ),
        ),
        ...scene.pendingReviews.map(({ request }) =>
          el(
            'div',
            { class: 'item' },
            el('p', {}, 'Review pending: ', ...asking(request)),
            el(
              'div',
              { class: 'taps' },
              tap('justified', request.id, 'Justified', 'yes'),
              tap('unjustified', request.id, 'Unjustified', 'no'),
            ),
          ),
        ),
      ];
      inbox.replaceChildren(...(items.length > 0 ? items : [el('p', { class: 'quiet' }, said(scene.said))]));
    },
  );
  return { element, show };
}
