import type { AuditEntry, JsonObject } from 'jit-access';
import { button, el } from './dom.js';

/** What was done to one entry. Without an entry it was taken out. */
export interface Tampering {
  readonly seq: number;
  readonly entry: AuditEntry | undefined;
}

/** Where the viewer edits an entry of the page's copy of the journal. */
export function createTamperDialog(onTamper: (tampering: Tampering) => void) {
  const heading = el('h3', { id: 'tamper-heading' });
  const actor = el('input', { type: 'text', autocomplete: 'off', spellcheck: 'false' });
  const data = el('textarea', { rows: '8', spellcheck: 'false' });
  const problem = el('p', { class: 'problem', role: 'alert' });
  let entry: AuditEntry | undefined;

  const close = () => element.close();
  const edit = () => {
    if (entry === undefined) return;
    const read = readData(data.value);
    if (read === undefined) {
      problem.textContent = 'The data is not a JSON object.';
      return;
    }
    onTamper({ seq: entry.seq, entry: { ...entry, actor: actor.value, data: read } });
    close();
  };
  const takeOut = () => {
    if (entry !== undefined) onTamper({ seq: entry.seq, entry: undefined });
    close();
  };
  const form = el(
    'form',
    { method: 'dialog' },
    heading,
    el('p', {}, 'Change the actor or the data. Only this page’s copy changes; the engine’s own journal does not.'),
    el('label', {}, 'Actor', actor),
    el('label', {}, 'Data', data),
    problem,
    el(
      'div',
      { class: 'taps' },
      button('Save the edit', edit, { class: 'no' }),
      button('Remove the entry', takeOut),
      button('Cancel', close),
    ),
  );
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    edit();
  });
  const element = el('dialog', { 'aria-labelledby': 'tamper-heading' }, form);

  const open = (chosen: AuditEntry): void => {
    entry = chosen;
    heading.textContent = `Entry ${chosen.seq}: ${chosen.type}`;
    actor.value = chosen.actor;
    data.value = JSON.stringify(chosen.data, undefined, 2);
    problem.textContent = '';
    element.showModal();
    actor.focus();
    actor.select();
  };
  return { element, open };
}

function readData(text: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : undefined;
  } catch {
    return undefined;
  }
}
