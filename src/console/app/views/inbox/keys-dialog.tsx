import type { JSX } from 'preact';
import { addMessages, t } from '../../frame/messages.js';
import { Button } from '../../parts/button.js';
import { Dialog } from '../../parts/dialog.js';
import { ROW_KEYS } from './keys.js';
import { keysDialog } from './keys-dialog.messages.js';

addMessages(keysDialog);

const HELP = {
  next: 'keys.next',
  previous: 'keys.previous',
  approve: 'keys.approve',
  deny: 'keys.deny',
  narrow: 'keys.narrow',
  open: 'keys.open',
  help: 'keys.help',
} as const;

/** What each key of a row does. */
export function Keys({ onClose }: { readonly onClose: () => void }): JSX.Element {
  return (
    <Dialog title={t('keys.title')} onClose={onClose}>
      <p>{t('keys.lead')}</p>
      <dl class="keys">
        {Object.entries(ROW_KEYS).map(([key, action]) => (
          <div key={key}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{t(HELP[action])}</dd>
          </div>
        ))}
      </dl>
      <p class="actions">
        <Button onPress={onClose}>{t('part.close')}</Button>
      </p>
    </Dialog>
  );
}
