/** HTTP as the clients of the soak need it: nothing is tried again, and every message that comes is seen. */
import { request } from 'node:http';

/**
 * Sends a request. `response` settles with the head of the answer, and rejects where the connection breaks;
 * `sent.destroy()` makes the client vanish. With `half`, only the first half of the body ever goes.
 */
export function send(url, { method = 'POST', headers, body = '', agent, half = false }) {
  const length = body === '' ? {} : { 'content-length': Buffer.byteLength(body) };
  const sent = request(url, { method, agent, headers: { ...headers, ...length } });
  const response = new Promise((resolve, reject) => {
    sent.once('response', resolve);
    sent.once('error', (error) => {
      if (sent.reusedSocket) error.message += ' on a connection that was used before';
      reject(error);
    });
    sent.once('close', () => reject(new Error('the connection was closed')));
  });
  // Who vanishes does not wait for it.
  response.catch(() => undefined);
  if (half) sent.write(body.slice(0, body.length / 2));
  else sent.end(body);
  return { sent, response };
}

export async function textOf(response) {
  let text = '';
  for await (const chunk of response.setEncoding('utf8')) text += chunk;
  return text;
}

/** The events of a stream, `{ id, event, data }`, until it ends; throws where the connection breaks. */
export async function* eventsOf(response) {
  let text = '';
  for await (const chunk of response.setEncoding('utf8')) {
    text += chunk;
    for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
      const event = { id: undefined, event: undefined, data: '' };
      for (const line of text.slice(0, end).split('\n')) {
        const [, name, value] = /^(id|event|data): ?(.*)$/.exec(line) ?? [];
        if (name === 'data') event.data += value;
        else if (name !== undefined) event[name] = value;
      }
      text = text.slice(end + 2);
      yield event;
    }
  }
}

/** The messages of an answer, `{ id, message }`, be it JSON or a stream; `id` is the event's, whose data may be empty. */
export async function* messagesOf(response) {
  if (response.headers['content-type']?.startsWith('text/event-stream')) {
    for await (const { id, data } of eventsOf(response)) {
      yield { id, message: data === '' ? undefined : JSON.parse(data) };
    }
    return;
  }
  const text = await textOf(response);
  if (text !== '') yield { id: undefined, message: JSON.parse(text) };
}
