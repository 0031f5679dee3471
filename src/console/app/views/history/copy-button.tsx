import type { JSX } from 'preact';
import { signal } from '@preact/signals';
import { useConsole } from '../../frame/console.js';
import { t } from '../../frame/messages.js';
import { Button } from '../../parts/button.js';

/** What is said of the address that was copied last. The whole address makes another button of this one, which shows it. */
const said = signal({ path: '', text: '' });

/** Makes the address of the page whole, and copies it. */
export function CopyButton({ path }: { readonly path: string }): JSX.Element {
  const { navigate, announce } = useConsole();
  const say = (text: string) => {
    said.value = { path, text };
    announce(text);
  };
  const copy = async () => {
    navigate(path, { replace: true });
    try {
      await navigator.clipboard.writeText(location.href);
      say(t('history.copied'));
    } catch {
      say(t('history.notCopied'));
    }
  };
  return (
    <>
      <Button small onPress={copy}>
        {t('history.copy')}
      </Button>
      <span class="quiet screen-only">{said.value.path === path && said.value.text}</span>
    </>
  );
}
