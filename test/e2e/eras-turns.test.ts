/** Server mode: a modern client that can be asked hears what any process of its older server tells, whichever its calls went to. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { req } from '../requirements.js';
import { unique } from './cases/case.js';
import { asJson, type Json } from './harness/client.js';
import { LEGACY_SERVER, startProxy } from './harness/proxy.js';
import type { RawEvents } from './harness/raw-http.js';
import { type ModernOptions, modernCall, modernPost, responseOf } from './harness/raw-modern.js';
import { Scope } from './harness/scope.js';

const URI = 'demo://static/1';
const TOOLS_CHANGED = 'notifications/tools/list_changed';

describe('a client that can be asked and listens, before a server of the legacy era', () => {
  const scope = new Scope();
  let mcp: string;
  beforeAll(async () => {
    mcp = (await startProxy(scope, ['--', ...LEGACY_SERVER])).of('default').mcp;
  });
  afterAll(() => scope.end());

  /** A client that nobody else looks like, so that no other test's processes are its own. */
  function client() {
    const options: ModernOptions = { clientName: unique('turns'), capabilities: { roots: {} } };
    return {
      options,
      async call(name: string, args: object = {}): Promise<Json> {
        const { result, error } = await responseOf(await modernCall(mcp, name, args, options));
        if (result === undefined) throw new Error(`${name}: ${JSON.stringify(error)}`);
        return asJson(result.structuredContent ?? result);
      },
      /** The events of a stream, past its acknowledgement. */
      async listens(): Promise<RawEvents> {
        const notifications = { toolsListChanged: true, resourceSubscriptions: [URI] };
        const events = (await modernPost(mcp, 'subscriptions/listen', { notifications }, options)).events();
        expect(await events.message()).toMatchObject({ params: { notifications } });
        return events;
      },
    };
  }

  it(`${req('m2l.listen')} hears what calls change that are open at once`, async () => {
    const { call, listens } = client();
    const events = await listens();
    // Each holds a process while it waits for the client's answer.
    const pids = new Set<unknown>();
    for (let n = 0; n < 3; n++) {
      pids.add((await call('who')).pid);
      await call('change', { lists: ['tools'] });
      expect(await events.message()).toMatchObject({ method: TOOLS_CHANGED });
      const asked = await call('ask', { method: 'roots/list', key: unique('asked') });
      expect(asked).toMatchObject({ resultType: 'input_required' });
    }
    expect(pids.size).toBe(3);
  });

  it(`${req('m2l.listen.resources')} hears what a call changes after one that it gave up, also of the resources that it listens to`, async () => {
    const { call, listens, options } = client();
    const events = await listens();
    const { pid } = await call('who');
    const held = await modernCall(
      mcp,
      'hold',
      { key: unique('held'), steps: 1 },
      { ...options, progressToken: 1 },
    );
    await held.events().message();
    held.abort();
    expect((await call('who')).pid).not.toBe(pid);
    await call('change', { lists: ['tools'] });
    expect(await events.message()).toMatchObject({ method: TOOLS_CHANGED });
    expect(await call('touch', { uri: URI })).toMatchObject({ subscribed: true });
    expect(await events.message()).toMatchObject({
      method: 'notifications/resources/updated',
      params: { uri: URI },
    });
  });
});
