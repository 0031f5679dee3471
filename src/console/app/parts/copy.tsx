import type { ComponentChildren, JSX } from 'preact';
import { useState } from 'preact/hooks';
import { t } from '../frame/messages.js';
import { Button } from './button.js';

export interface CopyProps {
  readonly text: string;
  /** A name for the accessibility tree, if the words alone do not say what is copied. */
  readonly label?: string | undefined;
  readonly children: ComponentChildren;
}

/** A button that copies a text, and says whether it did. */
export function Copy({ text, label, children }: CopyProps): JSX.Element {
  const [said, setSaid] = useState('');
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      setSaid(t('part.copied'));
    } catch {
      setSaid(t('part.notCopied'));
    }
  };
  return (
    <>
      <Button small onPress={copy} {...{ label }}>
        {children}
      </Button>
      <span role="status" class="quiet">
        {said}
      </span>
    </>
  );
}
