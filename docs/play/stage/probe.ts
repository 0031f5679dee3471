import type { ProbeAnswer, Question, Scene } from '../world/scene.js';
import type { Scenario } from '../world/scenario.js';
import { el, onChange, panel } from './dom.js';
import { timeOf } from './words.js';

const REASONS = {
  granted: 'a window is open',
  standing: 'always allowed, without a window',
  not_started: 'its window begins later',
  not_activated: 'its window has begun, but the approver must still confirm it',
  locked: 'a lock overrides every window',
  use_required: 'each use needs a call of consume()',
  no_grant: 'no window is open for this scope',
} as const;

/** Asks the engine what the viewer types, at each moment. */
export function createProbe(ask: (question: Question) => void) {
  const field = (name: string) =>
    el('input', { type: 'text', id: `probe-${name}`, autocomplete: 'off', spellcheck: 'false', autocapitalize: 'off' });
  const subject = field('subject');
  const scope = field('scope');
  for (const input of [subject, scope]) input.addEventListener('input', () => ask({ subject: subject.value, scope: scope.value }));
  const answer = el('p', { class: 'answer-big' });
  const rows = { reason: el('dd'), until: el('dd'), explained: el('dd') };
  const element = panel(
    'probe',
    'Ask the engine',
    el(
      'div',
      { class: 'fields' },
      el('label', { for: 'probe-subject' }, 'Who', subject),
      el('label', { for: 'probe-scope' }, 'Wants to use', scope),
    ),
    el('div', { class: 'outcome', role: 'status' }, answer),
    el(
      'dl',
      {},
      el('dt', {}, 'Reason'),
      rows.reason,
      el('dt', {}, 'Next change by time'),
      rows.until,
      el('dt', {}, 'Recorded state'),
      rows.explained,
    ),
  );

  const fill = onChange<Scenario>(
    ({ id }) => id,
    (scenario) => {
      subject.value = scenario.subject;
      scope.value = scenario.scope;
    },
  );
  const tell = onChange<ProbeAnswer>(
    (probe) =>
      probe.problem !== undefined ? probe.problem : JSON.stringify([probe.decision.reason, probe.decision.validUntil, probe.onRecord]),
    (probe) => {
      if (probe.problem !== undefined) {
        answer.className = 'answer-big wait';
        answer.textContent = 'Invalid question';
        rows.reason.replaceChildren(probe.problem);
        rows.until.textContent = '–';
        rows.explained.textContent = '–';
        return;
      }
      const { allowed, reason, validUntil } = probe.decision;
      answer.className = `answer-big ${allowed ? 'yes' : 'no'}`;
      answer.textContent = allowed ? 'Yes' : 'No';
      rows.reason.replaceChildren(el('code', {}, reason), ` ${REASONS[reason]}`);
      rows.until.textContent = validUntil === undefined ? 'none' : `at ${timeOf(validUntil)}`;
      rows.explained.replaceChildren(el('code', {}, probe.onRecord));
    },
  );
  const show = (scene: Scene): void => {
    fill(scene.world.scenario);
    tell(scene.probe);
  };
  return { element, show };
}
