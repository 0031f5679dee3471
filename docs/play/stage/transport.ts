import { SPEEDS, type Player } from '../player.js';
import type { Scene } from '../world/scene.js';
import { MINUTE } from '../world/scenario.js';
import { button, el, onChange } from './dom.js';
import { timeOf } from './words.js';

/** Play, pause, step, speed, scrub. */
export function createTransport(player: () => Player) {
  const toggle = () => (player().isPlaying ? player().pause() : player().play());
  const play = button('Play', toggle, { class: 'play' });
  const back = button('Back', () => player().stepBack(), { 'aria-label': 'One step back' });
  const on = button('Step', () => player().stepOn(), { 'aria-label': 'One step forward' });
  const again = button('Restart', () => player().restart());
  const speed = el('select', { 'aria-label': 'Speed' }, ...SPEEDS.map((one) => el('option', { value: `${one}` }, `${one}×`)));
  speed.value = '1';
  speed.addEventListener('change', () => player().setSpeed(Number(speed.value)));

  const scrub = el('input', { type: 'range', min: '0', step: '1000', value: '0', 'aria-label': 'Time in the scenario' });
  scrub.addEventListener('input', () => {
    player().pause();
    player().seek(Number(scrub.value));
  });
  const marks = el('div', { class: 'marks', 'aria-hidden': 'true' });
  const clock = el('output', { class: 'clock', 'aria-label': 'The clock' });
  const element = el(
    'div',
    { class: 'transport', role: 'group', 'aria-label': 'Playing' },
    el('div', { class: 'buttons' }, play, back, on, again, speed),
    el('div', { class: 'scrub' }, scrub, marks),
    clock,
  );

  const mark = onChange<Scene>(
    ({ world }) => world.scenario.id,
    ({ world }) => {
      scrub.max = String(world.scenario.lastsMs);
      marks.replaceChildren(
        ...world.steps.map(({ at }) => {
          const dot = el('i');
          dot.style.setProperty('--share', String(at / world.scenario.lastsMs));
          return dot;
        }),
      );
    },
  );
  const show = (scene: Scene): void => {
    mark(scene);
    scrub.value = String(scene.at);
    scrub.setAttribute('aria-valuetext', `${timeOf(scene.now)}, ${Math.floor(scene.at / MINUTE)} minutes in`);
    clock.textContent = timeOf(scene.now);
  };
  const pace = (): void => {
    play.textContent = player().isPlaying ? 'Pause' : 'Play';
    play.classList.toggle('on', player().isPlaying);
  };

  /** Keys of the page. Fields and buttons have their own. */
  const onKey = (event: KeyboardEvent): void => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target instanceof Element && event.target.closest('input, textarea, select, button, dialog, [tabindex="0"]') !== null) return;
    const does: Readonly<Record<string, () => void>> = {
      ' ': toggle,
      ArrowRight: () => player().stepOn(),
      ArrowLeft: () => player().stepBack(),
      Home: () => player().seek(0),
      End: () => player().seek(player().scenario.lastsMs),
    };
    const chosen = does[event.key];
    if (chosen === undefined) return;
    event.preventDefault();
    chosen();
  };
  document.addEventListener('keydown', onKey);
  return { element, show, pace };
}
