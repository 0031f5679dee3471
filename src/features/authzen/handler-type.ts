import type { JsonObject } from '../../model/json.js';

/** A handler of the AuthZEN endpoints. */
export interface AuthzenHandler {
  /** Answers every request. A path outside its endpoints is 404. Never rejects. */
  (request: Request): Promise<Response>;
  /** The path under which the endpoints lie in this server: route it and everything below it to the handler. */
  readonly basePath: string;
  /** The path of the metadata document, which `createAuthzenMetadataHandler` serves. */
  readonly metadataPath: string;
  /** The metadata document. */
  readonly metadata: JsonObject;
}
