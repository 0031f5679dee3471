import type { AuditEntry } from 'jit-access';
import { verifyJournal } from 'jit-access/journal';
import type { Scene } from '../world/scene.js';
import { button, el, onChange, panel } from './dom.js';
import { createTamperDialog, type Tampering } from './tamper-dialog.js';
import { nameOf, timeOf } from './words.js';

/** The journal as it grows, and a copy of it that the viewer may tamper with. */
export function createJournal() {
  const verdict = el('p', { class: 'verdict', role: 'status' });
  const undo = button('Undo tampering', () => change(undefined), { class: 'undo' });
  const list = el('ol', { class: 'entries' });
  const scroller = el('div', { class: 'scroller', tabindex: '0', role: 'region', 'aria-label': 'The journal' }, list);
  const dialog = createTamperDialog((tampering) => change(tampering));
  const element = panel('journal', 'Detect tampering', el('div', { class: 'verified' }, verdict, undo), scroller, dialog.element);

  let entries: readonly AuditEntry[] = [];
  let tampering: Tampering | undefined;
  /** Only the latest verification is shown. */
  let turn = 0;

  const change = (to: Tampering | undefined): void => {
    tampering = to;
    void draw();
  };

  const draw = async (): Promise<void> => {
    const mine = ++turn;
    const copy = tampered(entries, tampering);
    const head = entries.at(-1);
    const found = await verifyJournal(copy, head === undefined ? {} : { head: { seq: head.seq, hash: head.hash } });
    if (mine !== turn) return;
    const bad = found.ok ? undefined : found.seq;
    undo.hidden = tampering === undefined;
    verdict.className = found.ok ? 'verdict yes' : 'verdict no';
    verdict.textContent = found.ok
      ? entries.length === 0
        ? 'The journal is empty.'
        : `Verified: ${found.count} entries, each chained to the entry before it.`
      : `Tampering found. Entry ${found.seq} ${found.problem}.`;
    const isAtEnd = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < 40;
    const taken = tampering !== undefined && tampering.entry === undefined ? tampering.seq : undefined;
    list.replaceChildren(
      ...entries.map((entry) => {
        const shown = tampering?.entry?.seq === entry.seq ? tampering.entry : entry;
        return entry.seq === taken ? gap(taken) : row(shown, bad, () => dialog.open(shown));
      }),
    );
    if (isAtEnd || bad === undefined) scroller.scrollTop = scroller.scrollHeight;
  };

  const show = onChange<Scene>(
    ({ world, entries: written }) => `${world.scenario.id} ${written.at(-1)?.hash ?? ''}`,
    (scene) => {
      // Entries of another scenario, or of another course of this one: the tampered entry no longer exists.
      if (entries[0]?.hash !== scene.entries[0]?.hash) tampering = undefined;
      entries = scene.entries;
      void draw();
    },
  );
  return { element, show };
}

function tampered(entries: readonly AuditEntry[], tampering: Tampering | undefined): readonly AuditEntry[] {
  if (tampering === undefined) return entries;
  return entries.flatMap((entry) => (entry.seq !== tampering.seq ? [entry] : tampering.entry === undefined ? [] : [tampering.entry]));
}

function row(entry: AuditEntry, bad: number | undefined, onTamper: () => void): HTMLElement {
  const { seq, type, at, actor, prevHash, hash } = entry;
  const state = bad === undefined || seq < bad ? '' : seq === bad ? 'bad' : 'unproven';
  return el(
    'li',
    { class: state },
    el('span', { class: 'seq' }, String(seq)),
    el('span', { class: 'what' }, el('strong', {}, type), el('span', { class: 'by' }, `${timeOf(at)} by ${nameOf(actor)}`)),
    el('span', { class: 'chain' }, chip(prevHash), el('span', { 'aria-hidden': 'true' }, '→'), chip(hash)),
    button('Tamper', onTamper, { 'aria-label': `Tamper with entry ${seq}` }),
  );
}

const gap = (seq: number): HTMLElement =>
  el('li', { class: 'bad' }, el('span', { class: 'seq' }, String(seq)), el('span', { class: 'by' }, 'removed'));

/** The first digits of a hash, in a colour of its own: the same colour is the same hash. */
function chip(hash: string): HTMLElement {
  const short = /^0+$/.test(hash) ? 'begin' : hash.slice(0, 6);
  const element = el('code', { class: 'chip', title: hash }, short);
  element.style.setProperty('--hue', String(Number.parseInt(hash.slice(0, 4), 16) % 360));
  return element;
}
