/**
 * The clients of the soak: over Streamable HTTP with a session, over HTTP+SSE, and of 2026-07-28. Each counts its
 * ids from 1, so that the ids of all are the same. `call` makes one call and settles with how it went; `cut` says
 * how the client vanishes during it: `at-once`, `half-sent`, or `in-progress`, when the server is at work.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { eventsOf, messagesOf, send, textOf } from './wire.mjs';

const JSON_HEADERS = {
  'content-type': 'application/json',
  accept: 'application/json, text/event-stream',
};
const MODERN = '2026-07-28';
const META = 'io.modelcontextprotocol/';
/** How long the news of a client that vanishes at once may be under way before it, in milliseconds. */
const AT_ONCE_MS = 5;
/** When the proxy may end a session whose client was that slow, in parts of its idle time: it looks ten times in it. */
const SLOW = 0.85;

const listChanged = /^notifications\/(tools|resources|prompts)\/list_changed$/;

/** What all clients have in common. `world` is what they share: `{ ledger, agent, idleMs }`; `target`
 * is the server's: `{ name, mcp, sse, flight }`. */
class Client {
  requests = new Map();
  #ids = 0;
  #lastSent = Date.now();

  constructor(world, target, name, capabilities) {
    this.world = world;
    this.target = target;
    this.name = name;
    this.capabilities = capabilities;
    this.info = { name, version: '1' };
  }

  nextId() {
    return ++this.#ids;
  }

  /** Asks, and gives the entry of the ledger. */
  asks(isNumbered = true) {
    return this.world.ledger.asks(this, this.nextId(), this.target.name, isNumbered);
  }

  /**
   * Whether the proxy may have thought that the client is gone. When it last heard of it is not known here, but
   * not before that was sent.
   */
  get wasSlow() {
    return Date.now() - this.#lastSent > this.world.idleMs * SLOW;
  }

  /** What was sent at that time has reached the proxy. */
  reached(since) {
    this.#lastSent = Math.max(this.#lastSent, since);
  }

  /** Takes a message that has reached this client, whatever it came on. */
  take(message) {
    const { ledger } = this.world;
    if (message.method === undefined) {
      this.reached(this.requests.get(message.id)?.since ?? 0);
      ledger.answer(this, message);
    } else if (message.method === 'notifications/progress') ledger.progress(this, message.params);
    else if (message.id !== undefined) void this.answerQuestion(message);
    else if (listChanged.test(message.method)) ledger.counts.listChanges++;
  }

  said(question) {
    const text = this.world.ledger.question(this, question);
    return { role: 'assistant', model: 'none', content: { type: 'text', text } };
  }

  async answerQuestion({ id, params }) {
    await this.notify({ id, result: this.said(params) });
  }

  /** What came in place of an answer: a status that refuses the request. */
  async refused(entry, response) {
    const text = await textOf(response);
    const { ledger } = this.world;
    if (response.statusCode === 404 && this.wasSlow) {
      ledger.expired(entry);
      return;
    }
    let error = { code: response.statusCode, message: text };
    try {
      error = JSON.parse(text).error ?? error;
    } catch {
      // It is no JSON: told as it came.
    }
    ledger.error(entry, { code: error.code, message: `HTTP ${response.statusCode}: ${error.message}` });
  }

  /** One call among those that may be under way. Settles with how it went. */
  async call(plan, cut) {
    await this.target.flight.take();
    try {
      const entry = this.asks();
      await this.make(entry, plan, cut);
      return await entry.settled;
    } finally {
      this.target.flight.give();
    }
  }

  body(entry, { resumes: _, ...plan }, id = entry.id) {
    const params = {
      name: 'give',
      arguments: { ...plan, number: entry.number },
      _meta: { progressToken: id },
    };
    return { id, method: 'tools/call', params };
  }
}

function text(message) {
  return JSON.stringify({ jsonrpc: '2.0', ...message });
}

/** Vanishes from a request, when `cut` says. */
async function vanish(ledger, entry, sent, cut) {
  if (cut === 'half-sent' || cut === 'at-once') await sleep(AT_ONCE_MS);
  ledger.cut(entry);
  sent.destroy();
}

export class StreamableClient extends Client {
  #session;
  #listening;

  get #headers() {
    return { ...JSON_HEADERS, 'mcp-session-id': this.#session, 'mcp-protocol-version': this.version };
  }

  /** Begins a session. Returns whether there is one. */
  async open(version, cut) {
    this.version = version;
    const entry = this.asks(false);
    const { capabilities, info: clientInfo } = this;
    const params = { protocolVersion: version, capabilities, clientInfo };
    const initialize = { id: entry.id, method: 'initialize', params };
    const { agent, ledger } = this.world;
    const { sent, response } = send(this.target.mcp, {
      headers: JSON_HEADERS,
      body: text(initialize),
      agent: cut === undefined ? agent : undefined,
      half: cut === 'half-sent',
    });
    if (cut !== undefined) {
      await vanish(ledger, entry, sent, cut);
      return false;
    }
    await this.#read(entry, response, (head) => {
      this.#session = head.headers['mcp-session-id'];
    });
    if ((await entry.settled) !== 'answered') return false;
    await this.notify({ method: 'notifications/initialized' });
    return true;
  }

  /** Opens the session's stream. */
  async listen() {
    const { accept: _, 'content-type': __, ...headers } = this.#headers;
    const { sent, response } = send(this.target.mcp, {
      method: 'GET',
      headers: { ...headers, accept: 'text/event-stream' },
    });
    this.#listening = sent;
    try {
      const head = await response;
      if (head.statusCode === 200) void this.#take(head);
      else if (!(head.statusCode === 404 && this.wasSlow)) {
        this.world.ledger.fault(
          'failed',
          `${this.name} could not listen: ${head.statusCode} ${await textOf(head)}`,
        );
      }
    } catch {
      // It was cut.
    }
  }

  async #take(response) {
    try {
      for await (const { message } of messagesOf(response)) if (message) this.take(message);
    } catch {
      // It was cut.
    }
  }

  async make(entry, plan, cut) {
    const { ledger, agent } = this.world;
    const { sent, response } = send(this.target.mcp, {
      headers: this.#headers,
      body: text(this.body(entry, plan)),
      agent: cut === undefined && !plan.resumes ? agent : undefined,
      half: cut === 'half-sent',
    });
    if (cut === 'at-once' || cut === 'half-sent') await vanish(ledger, entry, sent, cut);
    else if (cut === 'in-progress')
      await this.#read(entry, response, undefined, () => vanish(ledger, entry, sent, cut));
    else if (!plan.resumes) await this.#read(entry, response);
    else {
      let last;
      await this.#read(entry, response, undefined, (id) => {
        last = id;
        sent.destroy();
      });
      if (last !== undefined && entry.state === 'open') await this.#resume(entry, last);
    }
  }

  /** Comes back for the answer, on another connection. */
  async #resume(entry, last) {
    const headers = { ...this.#headers, accept: 'text/event-stream', 'last-event-id': last };
    const { response } = send(this.target.mcp, { method: 'GET', headers, agent: this.world.agent });
    await this.#read(entry, response);
  }

  /** Reads the answer to a POST. `onEvent` gets the id of the first event with a message, and breaks it off. */
  async #read(entry, response, onHead, onEvent) {
    const { ledger } = this.world;
    try {
      const head = await response;
      if (head.statusCode !== 200) {
        await this.refused(entry, head);
        return;
      }
      onHead?.(head);
      for await (const { id, message } of messagesOf(head)) {
        if (message === undefined) continue;
        this.take(message);
        if (onEvent === undefined || entry.state !== 'open') continue;
        await onEvent(id);
        return;
      }
      ledger.broken(entry, 'the answer ended without it');
    } catch (error) {
      ledger.broken(entry, String(error));
    }
  }

  async notify(message) {
    const { ledger, agent } = this.world;
    const since = Date.now();
    try {
      const head = await send(this.target.mcp, { headers: this.#headers, body: text(message), agent })
        .response;
      const answer = await textOf(head);
      // What the question was about may have ended by now: its session slow, its server killed.
      if (head.statusCode === 202) this.reached(since);
      else if (message.id === undefined && !this.wasSlow) {
        ledger.fault('failed', `${this.name}: ${message.method} got ${head.statusCode} ${answer}`);
      }
    } catch (error) {
      ledger.fault('failed', `${this.name}: ${message.method} got ${error}`);
    }
  }

  /** Cuts the session's stream, if it is open. */
  cutStream() {
    this.#listening?.destroy();
  }

  /** Ends the session as a client should. */
  async close() {
    const { ledger, agent } = this.world;
    const { 'content-type': _, ...headers } = this.#headers;
    try {
      const head = await send(this.target.mcp, { method: 'DELETE', headers, agent }).response;
      await textOf(head);
      if (head.statusCode !== 200 && !this.wasSlow) {
        ledger.fault('failed', `${this.name} could not end its session: ${head.statusCode}`);
      }
    } catch (error) {
      ledger.fault('failed', `${this.name} could not end its session: ${error}`);
    }
    this.cutStream();
  }
}

export class SseClient extends Client {
  #stream;
  #endpoint;

  /** Opens the stream and begins a session on it. Returns whether there is one. */
  async open(version) {
    const { sent, response } = send(this.target.sse, {
      method: 'GET',
      headers: { accept: 'text/event-stream' },
    });
    this.#stream = sent;
    const entry = this.asks(false);
    const endpoint = new Promise((resolve) => {
      void this.#listen(response, resolve);
    });
    const path = await endpoint;
    if (path === undefined) {
      this.world.ledger.broken(entry, 'there is no stream');
      return false;
    }
    this.#endpoint = new URL(path, this.target.sse).href;
    const { capabilities, info: clientInfo } = this;
    const params = { protocolVersion: version, capabilities, clientInfo };
    await this.#post(entry, { id: entry.id, method: 'initialize', params });
    if ((await entry.settled) !== 'answered') return false;
    await this.notify({ method: 'notifications/initialized' });
    return true;
  }

  async #listen(response, onEndpoint) {
    let end = 'the stream ended';
    try {
      for await (const { event, data } of eventsOf(await response)) {
        if (event === 'endpoint') onEndpoint(data);
        else this.take(JSON.parse(data));
      }
    } catch (error) {
      end = `the stream broke: ${error}`;
    }
    onEndpoint(undefined);
    // Nothing of this where the client went away itself: it waits for no answer then.
    for (const entry of this.requests.values()) this.world.ledger.broken(entry, end);
  }

  async #post(entry, message) {
    const { ledger, agent } = this.world;
    try {
      const head = await send(this.#endpoint, { headers: JSON_HEADERS, body: text(message), agent }).response;
      if (head.statusCode === 202) await textOf(head);
      else if (entry !== undefined) await this.refused(entry, head);
      else ledger.fault('failed', `${this.name}: ${head.statusCode} ${await textOf(head)}`);
    } catch (error) {
      if (entry !== undefined) ledger.broken(entry, String(error));
      else ledger.fault('failed', `${this.name}: ${error}`);
    }
  }

  async make(entry, plan, cut) {
    if (cut === undefined) {
      await this.#post(entry, this.body(entry, plan));
      return;
    }
    const { ledger } = this.world;
    if (cut === 'in-progress') {
      const isAtWork = new Promise((resolve) => {
        this.onProgress = resolve;
      });
      await this.#post(entry, this.body(entry, plan));
      await Promise.race([isAtWork, entry.settled]);
    } else {
      const { sent } = send(this.#endpoint, {
        headers: JSON_HEADERS,
        body: text(this.body(entry, plan)),
        half: cut === 'half-sent',
      });
      await sleep(AT_ONCE_MS);
      sent.destroy();
    }
    ledger.cut(entry);
    this.#stream.destroy();
  }

  take(message) {
    if (message.method === 'notifications/progress') this.onProgress?.();
    super.take(message);
  }

  async notify(message) {
    await this.#post(undefined, message);
  }

  /** Its session is its stream. */
  close() {
    this.#stream.destroy();
  }
}

export class ModernClient extends Client {
  #send(message, cut) {
    const { method, params } = message;
    const _meta = {
      ...params._meta,
      [`${META}protocolVersion`]: MODERN,
      [`${META}clientInfo`]: this.info,
      [`${META}clientCapabilities`]: this.capabilities,
    };
    const headers = { ...JSON_HEADERS, 'mcp-protocol-version': MODERN, 'mcp-method': method };
    if (params.name !== undefined) headers['mcp-name'] = params.name;
    return send(this.target.mcp, {
      headers,
      body: text({ ...message, params: { ...params, _meta } }),
      agent: cut === undefined ? this.world.agent : undefined,
      half: cut === 'half-sent',
    });
  }

  async make(entry, plan, cut) {
    const { ledger } = this.world;
    const call = this.body(entry, plan);
    const { sent, response } = this.#send(call, cut);
    if (cut === 'at-once' || cut === 'half-sent') await vanish(ledger, entry, sent, cut);
    else
      await this.#read(
        entry,
        call,
        response,
        cut === undefined ? undefined : () => vanish(ledger, entry, sent, cut),
      );
  }

  async #read(entry, call, response, onEvent) {
    const { ledger } = this.world;
    try {
      const head = await response;
      if (head.statusCode !== 200) {
        await this.refused(entry, head);
        return;
      }
      for await (const { message } of messagesOf(head)) {
        if (message === undefined) continue;
        if (message.result?.resultType === 'input_required') {
          await this.#retry(entry, call, message.result);
          return;
        }
        this.take(message);
        if (onEvent === undefined || entry.state !== 'open') continue;
        await onEvent();
        return;
      }
      ledger.broken(entry, 'the answer ended without it');
    } catch (error) {
      ledger.broken(entry, String(error));
    }
  }

  /** Answers what the server wants to know, with the request sent again under another id. */
  async #retry(entry, call, { inputRequests, requestState }) {
    const answers = Object.entries(inputRequests).map(([key, { params }]) => [key, this.said(params)]);
    const id = this.nextId();
    this.requests.set(id, entry);
    const inputResponses = Object.fromEntries(answers);
    const params = { ...call.params, inputResponses, requestState, _meta: { progressToken: id } };
    const again = { ...call, id, params };
    await this.#read(entry, again, this.#send(again).response);
  }

  /** Listens, and vanishes when it is heard that it does. */
  async listenAndVanish() {
    const params = { notifications: { toolsListChanged: true } };
    const { sent, response } = this.#send(
      { id: this.nextId(), method: 'subscriptions/listen', params },
      'in-progress',
    );
    try {
      for await (const { message } of messagesOf(await response)) if (message !== undefined) break;
    } catch {
      // Its server was killed.
    }
    sent.destroy();
  }
}
