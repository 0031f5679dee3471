import type { ComponentChildren, JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { useConsole } from '../frame/console.js';
import { useTitle } from '../frame/waiting.js';

export interface PageProps {
  readonly title: string;
  /** A sentence below the title. */
  readonly lead?: ComponentChildren;
  /** What stands beside the title: a badge, or the main action. */
  readonly aside?: ComponentChildren;
  readonly children?: ComponentChildren;
}

/** Whether a page has been shown before: focus moves to the title of each one but the first. */
let isFirst = true;

/** A view: its title, which has the focus when the view is opened, and what it shows. */
export function Page({ title, lead, aside, children }: PageProps): JSX.Element {
  const { options } = useConsole();
  const heading = useRef<HTMLHeadingElement>(null);
  useTitle(title, options);
  useEffect(() => {
    // A view may begin in its search.
    const isTaken = heading.current?.closest('article')?.contains(document.activeElement);
    if (!isFirst && !isTaken) heading.current?.focus({ preventScroll: true });
    isFirst = false;
  }, []);
  return (
    <article class="page">
      <header class="page-head">
        <div>
          <h1 tabIndex={-1} ref={heading}>
            {title}
          </h1>
          {lead !== undefined && <p class="lead">{lead}</p>}
        </div>
        {aside !== undefined && aside !== false && <div class="page-aside">{aside}</div>}
      </header>
      {children}
    </article>
  );
}

/** A part of a page with its own heading. */
export function Section(props: {
  readonly title: ComponentChildren;
  readonly count?: number | undefined;
  readonly aside?: ComponentChildren;
  readonly children: ComponentChildren;
}): JSX.Element {
  const { title, count, aside, children } = props;
  return (
    <section class="section">
      <header class="section-head">
        <h2>
          {title} {count !== undefined && <span class="count">{count}</span>}
        </h2>
        {aside}
      </header>
      {children}
    </section>
  );
}
