import type { DetailedHTMLProps, HTMLAttributes } from 'react';
import type { JitBadge, JitBadgeChange } from '../../elements/jit-badge.js';
import type { BadgeStatus } from '../../elements/view.js';

/** The attributes of `<jit-badge>` in JSX. */
export interface JitBadgeAttributes extends DetailedHTMLProps<HTMLAttributes<JitBadge>, JitBadge> {
  /** The status as JSON, which React 18 and 19 both pass on; with React 19 also the status itself. */
  readonly status?: string | BadgeStatus | null | undefined;
  /** A name to show instead of the scopes. */
  readonly label?: string | undefined;
  /** The texts: `read-only|expires {}|expires in {}`. */
  readonly words?: string | undefined;
  /** React 18 knows no `className` of an element of this kind. */
  readonly class?: string | undefined;
  /** With React 19. */
  readonly 'onjit-badge-change'?: ((event: CustomEvent<JitBadgeChange>) => void) | undefined;
  /** With React 19. */
  readonly 'onjit-badge-error'?: ((event: CustomEvent<unknown>) => void) | undefined;
}

declare module 'react' {
  namespace JSX {
    interface IntrinsicElements {
      'jit-badge': JitBadgeAttributes;
    }
  }
}
