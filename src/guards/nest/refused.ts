import { Catch, HttpException } from '@nestjs/common';
import type { ArgumentsHost, ExceptionFilter } from '@nestjs/common';
import { isAnswered, type NodeResponse } from '../closing.js';
import type { Refusal } from '../refusal.js';

/**
 * A guard has refused a request.
 *
 * @remarks The filter of `JitAccessModule` sends the refusal. In a filter of your own, send `refusal` with its status, headers
 *   and body.
 */
export class AccessRefused extends HttpException {
  /** @param refusal the answer to send */
  constructor(readonly refusal: Refusal) {
    super(refusal.body, refusal.status);
  }
}

/** A response of Express, or of Fastify, which keeps the Node response in `raw`. */
export interface HttpResponse extends NodeResponse {
  status(code: number): unknown;
  header(name: string, value: string): unknown;
  send(body: string): unknown;
  readonly raw?: NodeResponse;
}

/** Sends the refusal with its headers and its media type. Nest's own filter sends no headers, and only `application/json`. */
export class ProblemFilter implements ExceptionFilter<AccessRefused> {
  catch({ refusal }: AccessRefused, host: ArgumentsHost): void {
    const response = host.switchToHttp().getResponse<HttpResponse>();
    if (isAnswered(response.raw ?? response)) return;
    response.status(refusal.status);
    for (const [name, value] of Object.entries(refusal.headers)) response.header(name, value);
    response.send(JSON.stringify(refusal.body));
  }
}
Catch(AccessRefused)(ProblemFilter);
