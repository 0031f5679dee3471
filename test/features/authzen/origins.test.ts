import { describe, expect, it } from 'vitest';
import { aProfile, EVALUATION, PUBLIC_URL } from './authzen-of.js';
import { submissionOf, submitted } from './profile-of.js';

describe('B.1 calls from pages', () => {
  it.each([
    ['https://evil.example.com', 403],
    ['https://other.pdp.example.com', 403],
    ['null', 403],
    [PUBLIC_URL, undefined],
  ])('S1 a submission or a cancel from the origin %s is %s', async (origin, refused) => {
    const made = aProfile();
    const headers = { origin, 'sec-fetch-site': 'same-site' };
    const body = await submissionOf(made);
    expect((await made.send('/requests', body, { headers })).status).toBe(refused ?? 202);
    const { task } = await submitted(made);
    expect((await made.send(`/requests/${task.id}/cancel`, undefined, { headers })).status).toBe(refused ?? 200);
    expect((await made.send(`/requests/${task.id}/cancel`, undefined, { method: 'DELETE', headers })).status).toBe(refused ?? 409);
    // What only reads is open: its answer has no CORS headers, so that the page cannot read it.
    const evaluation = await made.send('/evaluation', EVALUATION, { headers });
    expect([evaluation.status, evaluation.headers.get('access-control-allow-origin')]).toEqual([200, null]);
  });
});
