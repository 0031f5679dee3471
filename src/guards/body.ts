/**
 * Returns the same response, and calls a function once its body was read, cancelled or has failed.
 *
 * @param isRead false: the body will not be read, as for a HEAD request
 */
export function untilRead(response: Response, isRead: boolean, call: () => void): Response {
  const { body } = response;
  if (body === null || !isRead) {
    call();
    return response;
  }
  const reader = body.getReader();
  const watched = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const { done, value } = await reader.read();
          if (!done) {
            controller.enqueue(value);
            return;
          }
        } catch (error) {
          call();
          throw error;
        }
        call();
        controller.close();
      },
      async cancel(reason) {
        call();
        await reader.cancel(reason);
      },
    },
    // Reads nothing before the consumer asks for it.
    { highWaterMark: 0 },
  );
  return new Response(watched, response);
}
