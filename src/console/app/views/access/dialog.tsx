import type { JSX } from 'preact';
import { DIALOGS } from '../request/later-dialogs.js';
import type { Grant, Found } from './read.js';

/** What a dialog is about: a request, or one of its grants. */
export interface Open {
  readonly kind: 'Cancel' | 'Change' | 'Extend' | 'Release';
  readonly found: Pick<Found, 'request' | 'grants'>;
  readonly grant?: Grant | undefined;
}

/** A dialog about a request of the viewer. */
export function RequestDialog(props: Open & { readonly onClose: () => void; readonly onDone: () => void }): JSX.Element {
  const { kind, ...rest } = props;
  const Dialog = DIALOGS[kind];
  return <Dialog {...rest} />;
}
