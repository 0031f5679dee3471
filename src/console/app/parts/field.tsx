import type { ComponentChildren, JSX } from 'preact';
import { useId } from 'preact/hooks';
import { t } from '../frame/messages.js';

/** What a control gets from its field: its id, and the texts that describe it. */
export interface ControlProps {
  readonly id: string;
  readonly 'aria-describedby': string | undefined;
  readonly 'aria-invalid': true | undefined;
  readonly required: boolean;
}

export interface FieldProps {
  readonly label: ComponentChildren;
  readonly hint?: ComponentChildren;
  /** What is wrong with the value. `undefined`: nothing. */
  readonly problem?: ComponentChildren;
  /** Default: `true`. Otherwise the label says so. */
  readonly required?: boolean | undefined;
  readonly children: (control: ControlProps) => ComponentChildren;
}

/** A control with its label, its hint, and its problem at its place. */
export function Field({ label, hint, problem, required = true, children }: FieldProps): JSX.Element {
  const id = useId();
  const described = [hint !== undefined && `${id}-hint`, problem !== undefined && `${id}-problem`].filter(Boolean).join(' ');
  return (
    <div class="field">
      <label htmlFor={id}>
        {label} {!required && <span class="quiet">({t('part.optional')})</span>}
      </label>
      {children({ id, 'aria-describedby': described || undefined, 'aria-invalid': problem === undefined ? undefined : true, required })}
      {hint !== undefined && (
        <p class="hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
      {problem !== undefined && (
        <p class="field-problem" id={`${id}-problem`}>
          {problem}
        </p>
      )}
    </div>
  );
}

export interface TextFieldProps extends Omit<FieldProps, 'children'> {
  readonly value: string;
  readonly onValue: (value: string) => void;
  /** `undefined`: one line. */
  readonly lines?: number | undefined;
  readonly maxLength?: number | undefined;
}

/** A field for text. */
export function TextField({ value, onValue, lines, maxLength = 4_000, ...field }: TextFieldProps): JSX.Element {
  const onInput = ({ currentTarget }: { readonly currentTarget: { readonly value: string } }) => onValue(currentTarget.value);
  return (
    <Field {...field}>
      {(control) =>
        lines === undefined ? (
          <input type="text" dir="auto" autocomplete="off" {...control} {...{ value, maxLength, onInput }} />
        ) : (
          <textarea dir="auto" autocomplete="off" rows={lines} {...control} {...{ value, maxLength, onInput }} />
        )
      }
    </Field>
  );
}
