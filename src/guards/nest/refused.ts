import { Catch, HttpException } from '@nestjs/common';
import type { ArgumentsHost, ExceptionFilter } from '@nestjs/common';
import { isAnswered, type NodeResponse } from '../closing.js';
import type { Refusal } from '../refusal.js';

/** A guard has let a request go no further. */
export class AccessRefused extends HttpException {
  /** @param refusal what there is to answer */
  constructor(readonly refusal: Refusal) {
    super(refusal.body, refusal.status);
  }
}

/** A response of Express, or of Fastify, which keeps Node's in `raw`. */
export interface HttpResponse extends NodeResponse {
  status(code: number): unknown;
  header(name: string, value: string): unknown;
  send(body: string): unknown;
  readonly raw?: NodeResponse;
}

/** Answers as the refusal says: Nest's own filter knows no headers, and no JSON but `application/json`. */
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
