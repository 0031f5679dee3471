import { Fragment, type JSX } from 'preact';

/** A scope. It may be broken after each `:` and `/`, and reads from left to right in every language. */
export function Scope({ scope }: { readonly scope: string }): JSX.Element {
  return (
    <code class="scope" dir="ltr">
      {scope.split(/(?<=[:/])/).map((part, index) => (
        <Fragment key={index}>
          {index > 0 && <wbr />}
          {part}
        </Fragment>
      ))}
    </code>
  );
}

/** Scopes, one after the other. */
export function Scopes({ scopes }: { readonly scopes: readonly string[] }): JSX.Element {
  return (
    <span class="scopes">
      {scopes.map((scope) => (
        <Scope key={scope} scope={scope} />
      ))}
    </span>
  );
}
