import { ThinRequest } from './thin-request.js';

/** The greatest length of a header. Characters. Common proxies have the same limit; HTTP/2 over Node has none below 64 KiB. */
const MAX_HEADER_LENGTH = 8_192;

/** Whether a header of the request is too long to be read. Each handler asks before it, or a hook, reads one. */
export function hasLongHeader(request: Request): boolean {
  if (ThinRequest.hasShortLines(request, MAX_HEADER_LENGTH)) return false;
  for (const [, value] of request.headers) if (value.length > MAX_HEADER_LENGTH) return true;
  return false;
}

/** A header of the request. `null`: it has none with this name. */
export const headerOf = (request: Request, name: string): string | null => ThinRequest.header(request, name);
