/** The objects of a bucket in memory, by URL. */
export type Objects = Map<string, { readonly etag: string; readonly body: string }>;

/** A bucket in memory, as a `fetch`, with the conditions of PUT. Calls overlap, as they do over a network. */
export class MemoryBucket {
  objects: Objects = new Map();
  #etags = 0;

  readonly fetch: typeof fetch = async (input, { method, headers, body } = {}) => {
    await new Promise((resolve) => setImmediate(resolve));
    const url = input as string;
    const kept = this.objects.get(url);
    if (method !== 'PUT') return kept === undefined ? answer(404) : new Response(kept.body, { headers: { etag: kept.etag } });
    const conditions = new Headers(headers);
    const match = conditions.get('if-match');
    const isRefused = kept === undefined ? match !== null : conditions.has('if-none-match') || (match !== null && match !== kept.etag);
    if (isRefused) return answer(412);
    this.objects.set(url, { etag: `"${++this.#etags}"`, body: body as string });
    return answer(200);
  };
}

const answer = (status: number): Response => new Response(null, { status });
