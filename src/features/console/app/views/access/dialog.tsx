import type { JSX } from 'preact';
import { useLoaded } from '../../frame/use-loaded.js';
import type { Grant, Found } from './read.js';

/** What a dialog is about: a request, or one of its grants. */
export interface Open {
  readonly kind: 'Cancel' | 'Change' | 'Extend' | 'Release';
  readonly found: Pick<Found, 'request' | 'grants'>;
  readonly grant?: Grant | undefined;
}

const load = () => import('../request.js');

/** The dialogs of the view of a request: they load with the first one that opens. */
export function RequestDialog(props: Open & { readonly onClose: () => void; readonly onDone: () => void }): JSX.Element | null {
  const { kind, ...rest } = props;
  const { value } = useLoaded(load);
  const Dialog = value?.[kind];
  return Dialog ? <Dialog {...rest} /> : null;
}
