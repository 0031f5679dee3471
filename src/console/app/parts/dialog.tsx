import type { ComponentChildren, JSX } from 'preact';
import { useEffect, useId, useRef, useState } from 'preact/hooks';
import { t } from '../frame/messages.js';
import { Button } from './button.js';
import { Problem } from './problem.js';

export interface DialogProps {
  readonly title: ComponentChildren;
  /** Called when it is closed, also by Escape. Stop rendering it then. */
  readonly onClose: () => void;
  readonly children: ComponentChildren;
}

/** A modal dialog, open as long as it is rendered. The browser keeps the focus inside, and gives it back afterwards. */
export function Dialog({ title, onClose, children }: DialogProps): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const opener = document.activeElement;
    dialog.current?.showModal();
    return () => {
      // An element that is removed gives no focus back by itself.
      if (opener instanceof HTMLElement && opener.isConnected) opener.focus();
    };
  }, []);
  return (
    <dialog ref={dialog} aria-labelledby={id} onClose={onClose}>
      <h2 id={id}>{title}</h2>
      {children}
    </dialog>
  );
}

export interface ConfirmProps {
  readonly title: ComponentChildren;
  /** What it causes, before it is done. */
  readonly children?: ComponentChildren;
  /** The words of the button that does it. */
  readonly action: string;
  readonly kind?: 'yes' | 'no' | undefined;
  readonly disabled?: boolean | undefined;
  /** Does it. A rejection is shown and the dialog stays open. */
  readonly onConfirm: () => Promise<unknown>;
  readonly onClose: () => void;
}

/** A dialog that asks before something is done. */
export function Confirm({ title, children, action, kind = 'yes', disabled, onConfirm, onClose }: ConfirmProps): JSX.Element {
  const [error, setError] = useState<unknown>();
  const isRunning = useRef(false);
  const confirm = async () => {
    if (isRunning.current || disabled) return;
    isRunning.current = true;
    setError(undefined);
    try {
      await onConfirm();
      onClose();
    } catch (failure) {
      setError(failure);
    } finally {
      isRunning.current = false;
    }
  };
  return (
    <Dialog title={title} onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void confirm();
        }}
      >
        {children}
        {error !== undefined && <Problem error={error} />}
        <p class="actions">
          <Button kind={kind} onPress={confirm} disabled={disabled}>
            {action}
          </Button>
          <Button onPress={onClose}>{t('part.cancel')}</Button>
        </p>
      </form>
    </Dialog>
  );
}
