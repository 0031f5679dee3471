import type { ComponentChildren, JSX } from 'preact';
import { useRef, useState } from 'preact/hooks';

export interface ButtonProps {
  readonly children: ComponentChildren;
  /** A promise keeps the button busy until it settles. */
  readonly onPress?: ((event: MouseEvent) => unknown) | undefined;
  /** `yes`: the main action. `no`: it ends or refuses something. `quiet`: without a border. */
  readonly kind?: 'yes' | 'no' | 'quiet' | undefined;
  readonly type?: 'button' | 'submit' | undefined;
  readonly disabled?: boolean | undefined;
  /** A name for the accessibility tree, if the words alone do not say what is meant. It contains the words. */
  readonly label?: string | undefined;
  readonly small?: boolean | undefined;
}

/** A button. While its promise runs, a second press does nothing. */
export function Button({ children, onPress, kind, type = 'button', disabled = false, label, small = false }: ButtonProps): JSX.Element {
  const isRunning = useRef(false);
  const [isBusy, setBusy] = useState(false);
  const press = async (event: MouseEvent) => {
    if (isRunning.current) return;
    isRunning.current = true;
    try {
      const answer = onPress?.(event);
      if (!(answer instanceof Promise)) return;
      setBusy(true);
      await answer;
    } finally {
      isRunning.current = false;
      setBusy(false);
    }
  };
  return (
    <button
      class={[kind, small && 'small'].filter(Boolean).join(' ') || undefined}
      type={type}
      disabled={disabled}
      aria-label={label}
      aria-busy={isBusy || undefined}
      onKeyDown={(event) => {
        // A key that is held down presses again and again, also the button that takes the place of this one.
        if (event.repeat && event.key === 'Enter') event.preventDefault();
      }}
      onClick={(event) => void press(event)}
    >
      {children}
    </button>
  );
}
