import type { ComponentChildren, JSX } from 'preact';

/** What a list without items says, and what to do about it. */
export function Empty({ text, children }: { readonly text: ComponentChildren; readonly children?: ComponentChildren }): JSX.Element {
  return (
    <div class="empty">
      <span class="empty-mark" aria-hidden="true">
        [ )
      </span>
      <p>{text}</p>
      {children}
    </div>
  );
}
