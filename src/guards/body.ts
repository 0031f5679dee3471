/**
 * The same response, which calls a function once its body has been read, was given up, or has failed.
 *
 * @param isRead false: nobody will read it, as after HEAD
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
    // Nothing is read before it is wanted.
    { highWaterMark: 0 },
  );
  return new Response(watched, response);
}
