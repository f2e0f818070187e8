import { expect } from 'vitest';
import { req } from '../../requirements.js';
import { CAPABILITIES, type Case } from './case.js';

export const HANDSHAKE: readonly Case[] = [
  {
    title: `${req('lifecycle.initialize.answered', 'logging.declared', 'completions.declared', 'stdio.supported')} the server's identity, capabilities and instructions are its own`,
    client: 'legacy',
    server: 'legacy',
    run: async (client) => {
      const info = await client.told();
      expect(info.server).toEqual({
        name: 'legacy-everything',
        version: '3.1.4',
        title: 'Legacy: everything, übersetzt',
        websiteUrl: 'https://example.com/legacy',
        icons: [{ src: 'data:image/png;base64,AA==', mimeType: 'image/png', sizes: ['48x48'] }],
      });
      expect(info.capabilities).toEqual({
        logging: {},
        completions: {},
        prompts: { listChanged: true },
        resources: { subscribe: true, listChanged: true },
        tools: { listChanged: true },
        tasks: { list: {}, cancel: {}, requests: { tools: { call: {} } } },
        experimental: { 'com.example/unheard-of': { depth: 3, words: ['a', 'b'] } },
      });
      expect(info.instructions).toBe('Call "echo" first.\nThen read “demo://static/1”.');
    },
  },
  {
    title: "a legacy server's identity, capabilities and instructions reach a modern client, but for tasks",
    client: 'modern',
    server: 'legacy',
    run: async (client) => {
      const info = await client.told();
      expect(info.server).toMatchObject({
        name: 'legacy-everything',
        version: '3.1.4',
        title: 'Legacy: everything, übersetzt',
      });
      expect(info.capabilities).toEqual({
        logging: {},
        completions: {},
        prompts: { listChanged: true },
        resources: { subscribe: true, listChanged: true },
        tools: { listChanged: true },
        experimental: { 'com.example/unheard-of': { depth: 3, words: ['a', 'b'] } },
      });
      expect(info.instructions).toBe('Call "echo" first.\nThen read “demo://static/1”.');
    },
  },
  {
    title: "a modern server's identity, capabilities and instructions",
    server: 'modern',
    run: async (client) => {
      const info = await client.told();
      expect(info.server).toEqual({
        name: 'modern-everything',
        version: '2.7.1',
        title: 'Modern: everything, übersetzt',
        websiteUrl: 'https://example.com/modern',
        icons: [{ src: 'data:image/png;base64,AA==', mimeType: 'image/png', sizes: ['48x48'] }],
      });
      expect(info.capabilities).toMatchObject({
        logging: {},
        completions: {},
        prompts: { listChanged: true },
        resources: { subscribe: true, listChanged: true },
        tools: { listChanged: true },
        experimental: { 'com.example/unheard-of': { depth: 3, words: ['a', 'b'] } },
      });
      expect(info.instructions).toBe('Call "echo" first.\nThen read “demo://static/1”.');
    },
  },
  {
    title: `${req('lifecycle.version.answered', 'lifecycle.operation.version')} the server sees the client's own identity, capabilities and version`,
    client: 'legacy',
    server: 'legacy',
    run: async (client) => {
      const { initialize } = await client.call('who');
      expect(initialize).toEqual({
        protocolVersion: '2025-11-25',
        clientInfo: { name: 'askable', version: '0.0.7', title: 'End to end' },
        capabilities: CAPABILITIES,
      });
    },
  },
  {
    title: `${req('lifecycle.initialize.first', 'lifecycle.initialized.sent', 'lifecycle.initialize.nothing-before-answer')} the server is greeted once, in order`,
    server: 'legacy',
    run: async (client) => {
      const { messages } = await client.call('seen');
      const methods = (messages as { method?: string }[]).map(({ method }) => method);
      // A server may be asked first which era it speaks.
      const [first] = methods[0] === 'server/discover' ? methods.splice(0, 1) : [];
      expect([undefined, 'server/discover']).toContain(first);
      expect(methods.slice(0, 2)).toEqual(['initialize', 'notifications/initialized']);
      expect(methods.filter((method) => /initialize/.test(method ?? ''))).toHaveLength(2);
    },
  },
];
