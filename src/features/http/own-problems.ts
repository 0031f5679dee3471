/** A problem that the handler finds by itself, without an error of the engine. */
interface OwnProblem {
  readonly status: number;
  readonly title: string;
  readonly detail: string;
}

/** By the last part of the problem's URN. */
export const OWN_PROBLEMS = {
  'invalid-body': { status: 400, title: 'Body not accepted', detail: 'The body is not a JSON object that can be read in one way only.' },
  forbidden: { status: 403, title: 'Not permitted', detail: 'The caller may not do this.' },
  'cross-origin': {
    status: 403,
    title: 'Other origin',
    detail: 'A page of another origin may not call this service. The service sets its own origin by publicUrl.',
  },
  'not-found': { status: 404, title: 'Not found', detail: 'There is no such resource.' },
  'method-not-allowed': { status: 405, title: 'Method not allowed', detail: 'This path has other methods.' },
  'slow-body': { status: 408, title: 'Body not accepted', detail: 'The body arrived too slowly.' },
  'caller-changed': {
    status: 412,
    title: 'Another caller',
    detail: 'The caller is no longer the one that Jit-Caller names. Nothing was done: show the page again for the present caller.',
  },
  'too-large': { status: 413, title: 'Body not accepted', detail: 'The body is too large.' },
  'unsupported-media-type': { status: 415, title: 'Body not accepted', detail: 'The body must be application/json in UTF-8.' },
  'too-many-entries': {
    status: 422,
    title: 'Too many entries',
    detail: 'The journal is too long for a report over HTTP: run accessReport of jit-access/journal, or purge old records.',
  },
  'too-many-requests': { status: 429, title: 'Too many requests', detail: 'Wait before the next call.' },
  'too-many-streams': { status: 429, title: 'Too many streams', detail: 'Close a stream before you open another.' },
  'headers-too-large': { status: 431, title: 'Header not accepted', detail: 'A header has more than 8,192 characters.' },
  internal: { status: 500, title: 'Internal error', detail: 'The outcome is unknown. Repeat the call with the same Idempotency-Key.' },
  'not-supported': { status: 501, title: 'Not supported here', detail: 'This runtime cannot serve this route.' },
  unavailable: { status: 503, title: 'Unavailable', detail: 'The service cannot answer now. Try again later.' },
  timeout: {
    status: 503,
    title: 'Too slow',
    detail:
      'The service did not answer in time, and begins nothing more for this call. Repeat it, with the same Idempotency-Key if it has one.',
  },
} as const satisfies Readonly<Record<string, OwnProblem>>;

/** The name of a problem that the handler finds by itself. */
export type OwnProblemName = keyof typeof OWN_PROBLEMS;
