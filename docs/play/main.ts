import { Player } from './player.js';
import { scenarioGroups } from './scenarios/all.js';
import { el } from './stage/dom.js';
import { createJournal } from './stage/journal.js';
import { createNarration } from './stage/narration.js';
import { createReviewers, createSubject } from './stage/people.js';
import { createProbe } from './stage/probe.js';
import { createScript } from './stage/script.js';
import { createTimeLine } from './stage/time-line.js';
import { createTradeOffs } from './stage/trade-offs.js';
import { createTransport } from './stage/transport.js';
import type { Scenario } from './world/scenario.js';
import { makeIdsSteady } from './world/steady-ids.js';

const first = scenarioGroups[0]?.scenarios[0];
const stage = document.querySelector('main');
if (first === undefined || stage === null) throw new Error('the page needs a scenario and an element main');

const reducedMotion = matchMedia('(prefers-reduced-motion: reduce)');

const subject = createSubject();
const reviewers = createReviewers((act) => player.act(act));
const timeLine = createTimeLine();
const narration = createNarration();
const script = createScript((at) => {
  player.pause();
  player.seek(at);
});
const journal = createJournal();
const probe = createProbe((question) => player.ask(question));
const transport = createTransport(() => player);
const views = [narration, subject, reviewers, timeLine, script, journal, probe, transport];

const choiceOf = (scenario: Scenario): HTMLElement => {
  const radio = el('input', { type: 'radio', name: 'scenario', value: scenario.id });
  radio.checked = scenario === first;
  radio.addEventListener('change', () => player.choose(scenario));
  return el('label', {}, radio, el('span', {}, scenario.title));
};
const choices = el(
  'fieldset',
  { class: 'scenarios' },
  el('legend', {}, 'Choose a scenario'),
  ...scenarioGroups.map((group) =>
    el('div', { role: 'group', 'aria-label': group.title }, el('b', {}, group.title), ...group.scenarios.map(choiceOf)),
  ),
);

// The documentation is beside the page on its site, and nowhere when the page is one file on a disk.
const docs = document.querySelector('.docs');
if (docs instanceof HTMLElement) docs.hidden = !/\/play\/(?:index\.html)?$/.test(location.pathname) || location.protocol === 'file:';

document.querySelector('header')?.append(choices);
stage.append(
  narration.element,
  el('div', { class: 'stage' }, subject.element, reviewers.element, timeLine.element),
  script.element,
  journal.element,
  probe.element,
  createTradeOffs().element,
);
stage.append(transport.element);

const player = new Player({
  scenario: first,
  question: { subject: first.subject, scope: first.scope },
  seedIds: makeIdsSteady(),
  isStill: () => reducedMotion.matches,
  onScene: (scene) => {
    for (const view of views) view.show(scene);
    // For a caller that waits until its action is on the screen.
    document.body.dataset['at'] = String(scene.at);
  },
  onPace: () => queueMicrotask(transport.pace),
});
