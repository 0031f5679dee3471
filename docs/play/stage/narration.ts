import { answerOf } from '../world/answers.js';
import type { Scene } from '../world/scene.js';
import { el, onChange } from './dom.js';
import { answers, currentStep } from './script.js';
import { timeOf } from './words.js';

/** Which panel shows what a call is about. */
export const PANELS: Readonly<Record<string, string>> = {
  requestAccess: 'subject',
  breakGlass: 'subject',
  approve: 'deciders',
  deny: 'deciders',
  create: 'deciders',
  open: 'deciders',
  redeem: 'deciders',
  reviewBreakGlass: 'deciders',
  check: 'ends',
  assertAllowed: 'ends',
  release: 'ends',
  revoke: 'ends',
  lock: 'ends',
  unlock: 'subject',
  status: 'subject',
  sweep: 'journal',
  whoHadAccess: 'journal',
};

/** One sentence about what is happening, and what the engine answered. Points to the panel where it is to be seen. */
export function createNarration() {
  const when = el('p', { class: 'count' });
  const says = el('p', { class: 'says' });
  const answered = el('p', { class: 'answered' });
  const element = el('div', { class: 'narration', 'aria-live': 'polite' }, when, says, answered);

  const show = onChange<Scene>(
    (scene) => `${scene.world.scenario.id} ${scene.done.length} ${scene.world.actsDone.length}`,
    (scene) => {
      const { scenario, steps, actsDone } = scene.world;
      const step = steps[currentStep(scene)];
      const done = scene.done.at(-1);
      const act = actsDone.at(-1);
      const shown = (act !== undefined && act.at >= (done?.at ?? 0) ? act : done)?.calls.at(-1)?.method;
      for (const panel of document.querySelectorAll('.panel'))
        panel.classList.toggle('now', panel.classList.contains(PANELS[shown ?? ''] ?? 'none'));
      if (done !== undefined) follow();
      if (step === undefined || done === undefined) {
        when.textContent = scenario.title;
        says.textContent = scenario.about;
        answered.replaceChildren(el('span', { class: 'quiet' }, 'Press play, or go step by step.'));
        return;
      }
      when.textContent = `Step ${scene.done.length} of ${steps.length} · ${timeOf(done.readAt)}`;
      const last = done.calls.at(-1);
      const word = last === undefined ? undefined : answerOf(last, timeOf).word;
      if (act !== undefined && act.at >= done.at) {
        says.textContent = 'You decided. The script continues, and the engine answers it from the state that you left.';
        answered.replaceChildren(...answers(act.calls));
        return;
      }
      const isOther = actsDone.length > 0 && word !== step.expects;
      says.textContent = isOther ? `${step.says} That was the script. You stepped in, so the engine answers differently.` : step.says;
      answered.replaceChildren(...answers(done.calls));
    },
  );
  return { element, show };
}

/** On a narrow screen most panels are out of view: brings the one that the step is about into it. */
function follow(): void {
  if (matchMedia('(max-width: 62rem)').matches) document.querySelector('.panel.now')?.scrollIntoView({ block: 'nearest' });
}
