import { describe, expect, it } from 'vitest';
import { relay } from '../../../src/relay/relay.js';
import { MemoryLink } from './memory-link.js';
import { GONE } from './stage.js';

describe('relay', () => {
  it('hands every message on, with what it is about, both ways', () => {
    const [client, server] = [new MemoryLink(), new MemoryLink()];
    relay(client, server);
    const request = '{ "jsonrpc" : "2.0" , "id" : 1.0 , "method" : "m" }';
    client.says(request);
    expect(server.takeAll()).toEqual([{ text: request, about: undefined }]);
    const log = '{"jsonrpc":"2.0","method":"notifications/message"}';
    server.says(log, '1');
    expect(client.takeAll()).toEqual([{ text: log, about: '1' }]);
  });

  it('ends the other side when one ends, with the reason', () => {
    const [client, server] = [new MemoryLink(), new MemoryLink()];
    relay(client, server);
    server.goes(GONE);
    expect([client.closings, server.closings]).toEqual([[GONE], []]);
    const [client2, server2] = [new MemoryLink(), new MemoryLink()];
    relay(client2, server2);
    client2.goes(GONE);
    expect([client2.closings, server2.closings]).toEqual([[], [GONE]]);
  });
});
