import { Fragment, type ComponentChildren, type JSX } from 'preact';
import { messageOf, partsOf, type MessageKey } from '../frame/messages.js';

/** A text with elements in the places of its `{name}`s: `<Text k="inbox.asks" with={{ who: <Person id={id} /> }} />`. */
export function Text(props: {
  readonly k: MessageKey;
  readonly with: Readonly<Record<string, ComponentChildren>>;
  readonly count?: number | undefined;
}): JSX.Element {
  const { k, count, with: values } = props;
  return (
    <span>
      {partsOf(messageOf(k, count === undefined ? {} : { count })).map((part, index) => (
        <Fragment key={index}>{index % 2 === 0 ? part : Object.hasOwn(values, part) ? values[part] : `{${part}}`}</Fragment>
      ))}
    </span>
  );
}
