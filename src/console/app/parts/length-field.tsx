import type { ComponentChildren, JSX } from 'preact';
import { duration } from '../frame/time.js';
import { Field } from './field.js';

/** Chooses the length of a window. */
export function LengthField(props: {
  readonly label: ComponentChildren;
  readonly hint?: ComponentChildren;
  readonly problem?: ComponentChildren;
  /** Milliseconds, the shortest first. */
  readonly lengths: readonly number[];
  readonly value: number;
  readonly onValue: (ms: number) => void;
}): JSX.Element {
  const { lengths, value, onValue, ...field } = props;
  return (
    <Field {...field}>
      {(control) => (
        <select {...control} value={String(value)} onChange={({ currentTarget }) => onValue(Number(currentTarget.value))}>
          {lengths.map((ms) => (
            <option key={ms} value={String(ms)}>
              {duration(ms)}
            </option>
          ))}
        </select>
      )}
    </Field>
  );
}
