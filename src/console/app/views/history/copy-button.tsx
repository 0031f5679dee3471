import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { useConsole } from '../../frame/console.js';
import { t } from '../../frame/messages.js';
import { Button } from '../../parts/button.js';

/** Makes the address of the page whole, and copies it. */
export function CopyButton({ path }: { readonly path: string }): JSX.Element {
  const { navigate } = useConsole();
  const [said, setSaid] = useState('');
  const copy = async () => {
    navigate(path, { replace: true });
    try {
      await navigator.clipboard.writeText(location.href);
      setSaid(t('history.copied'));
    } catch {
      setSaid(t('history.notCopied'));
    }
  };
  return (
    <>
      <Button small onPress={copy}>
        {t('history.copy')}
      </Button>
      <span role="status" class="quiet screen-only">
        {said}
      </span>
    </>
  );
}
