import { answerOf } from '../world/answers.js';
import type { Call } from '../world/calls.js';
import type { Scene } from '../world/scene.js';
import type { Scenario, Step } from '../world/scenario.js';
import { shownCode } from '../world/shown-code.js';
import { button, el, onChange, panel } from './dom.js';
import { highlight } from './highlight.js';
import { nameOf, timeOf } from './words.js';

const DOES = { approve: 'approved', deny: 'denied', justified: 'found it justified', unjustified: 'found it unjustified' } as const;

/** What the engine answered to each call of a step. */
export const answers = (calls: readonly Call[]): HTMLElement[] =>
  calls.map((call) => {
    const { text, tone } = answerOf(call, timeOf);
    return el('span', { class: `answer ${tone}` }, text);
  });

/** Which step is the present one; -1 before the first. */
export const currentStep = ({ done }: Scene): number => done.length - 1;

/** The code of the scenario, step by step, with what the engine answered. It is the file's own text. */
export function createScript(seek: (at: number) => void) {
  const list = el('ol', { class: 'steps' });
  const scroller = el('div', { class: 'scroller', tabindex: '0', role: 'region', 'aria-label': 'The code of the scenario' }, list);
  const element = panel('script', 'The code that runs', scroller);
  let rows: { readonly item: HTMLElement; readonly when: HTMLElement; readonly answer: HTMLElement }[] = [];

  const write = onChange<{ scenario: Scenario; steps: readonly Step[]; begin: number }>(
    ({ scenario }) => scenario.id,
    ({ scenario, steps, begin }) => {
      const code = shownCode(scenario.source);
      rows = steps.map((step, i) => {
        const answer = el('div', { class: 'answers' });
        const when = button(timeOf(begin + step.at), () => seek(step.at), {
          class: 'when',
          'aria-label': `Go to ${timeOf(begin + step.at)}`,
        });
        const item = el('li', {}, when, codeOf(code.steps[i] ?? ''), answer);
        return { item, when, answer };
      });
      const setUp = `new JitEngine({\n${indent(code.options)}\n  clock,\n  store,\n});`;
      const made = el('li', { class: 'set-up' }, el('span', { class: 'when' }, 'Set up'), codeOf(setUp));
      list.replaceChildren(made, ...rows.map(({ item }) => item));
      scroller.scrollTop = 0;
    },
  );

  const answer = onChange<Scene>(
    ({ world, done, at }) => `${world.scenario.id} ${done.length} ${world.actsDone.length} ${at >= world.scenario.lastsMs}`,
    (scene) => {
      const current = currentStep(scene);
      rows.forEach(({ item, when, answer }, i) => {
        const done = scene.done[i];
        const acts = scene.world.actsDone.filter(
          ({ at }) => at >= (scene.world.steps[i]?.at ?? 0) && at < (scene.world.steps[i + 1]?.at ?? Infinity),
        );
        item.classList.toggle('done', done !== undefined);
        when.textContent = timeOf(done?.readAt ?? scene.world.begin + (scene.world.steps[i]?.at ?? 0));
        if (i === current) item.setAttribute('aria-current', 'step');
        else item.removeAttribute('aria-current');
        answer.replaceChildren(
          ...(done === undefined ? [] : answers(done.calls)),
          ...acts.flatMap(({ act, calls }) => [
            el('span', { class: 'yours' }, `You ${DOES[act.does]} as ${nameOf(act.by)}`),
            ...answers(calls),
          ]),
        );
      });
      const at = current < 0 ? list.firstElementChild : rows[current]?.item;
      if (!(at instanceof HTMLElement)) return;
      // Inside the list only: the page itself never moves while it plays.
      const room = scroller.clientHeight;
      scroller.scrollTop = at.offsetTop - (room - Math.min(at.offsetHeight, room)) / 2;
    },
  );

  const show = (scene: Scene): void => {
    write({ scenario: scene.world.scenario, steps: scene.world.steps, begin: scene.world.begin });
    answer(scene);
  };
  return { element, show };
}

/** Each line is a block, so that a line that is too long continues below itself, further in. */
function codeOf(code: string): HTMLElement {
  const lines = code.split('\n').map((line) => {
    const text = line.trimStart();
    const block = el('span', { class: 'code-line' }, ...highlight(`${text}\n`));
    block.style.setProperty('--indent', String(line.length - text.length));
    return block;
  });
  return el('pre', {}, el('code', {}, ...lines));
}

const indent = (code: string): string =>
  code
    .split('\n')
    .map((line) => `  ${line}`)
    .join('\n');
