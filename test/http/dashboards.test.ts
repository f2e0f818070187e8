/** Every metric that the dashboard and the alert rules name is one that a scrape brings, with the labels they use. */
import { readFileSync } from 'node:fs';
import { afterEach, expect, it } from 'vitest';
import { type Metrics, parseMetrics } from '../fixtures/metrics.js';
import { fixtureDefinition } from '../fixtures/processes.js';
import { Client } from './harness/client.js';
import { exchange } from './harness/http.js';
import { closeAll, start } from './harness/proxy.js';

const DEPLOY = new URL('../../deploy/', import.meta.url);
/** Labels that Prometheus itself gives. */
const ITS_OWN = ['instance', 'job', 'le'];

afterEach(closeAll);

/** What `/metrics` says once a bit of everything has happened. */
async function scrape(): Promise<Metrics> {
  const { url } = await start({
    defaultServer: fixtureDefinition('measured.mjs', {}, { name: 'default' }),
  });
  const client = await Client.open(`${url}/mcp`, { capabilities: { roots: {} } });
  await client.ask('tools/list');
  await client.ask('tools/call', { name: 'bad' });
  const call = await client.stream('ask');
  const question = await call.message(1);
  await client.post(JSON.stringify({ jsonrpc: '2.0', id: question.id, result: { roots: [] } }));
  await call.message(2);
  await client.delete();
  return parseMetrics((await exchange(`${url}/metrics`)).body);
}

function expressionsIn(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(expressionsIn);
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) =>
    (key === 'expr' || key === 'query') && typeof inner === 'string' ? [inner] : expressionsIn(inner),
  );
}

it.each([
  ['grafana/mcp-proxy.json', (text: string) => expressionsIn(JSON.parse(text))],
  ['prometheus/alerts.yml', (text: string) => text.split(/^ +- alert: .*$/m).slice(1)],
])('%s', async (file, expressions) => {
  const { samples } = await scrape();
  const texts = expressions(readFileSync(new URL(file, DEPLOY), 'utf8'));
  const names = new Set(texts.flatMap((text) => text.match(/\b(?:mcp|process|nodejs)_\w{5,}/g) ?? []));
  // `mcp_method_name` and its like are labels.
  const labels = new Set(samples.flatMap((sample) => Object.keys(sample.labels)));
  const metrics = [...names].filter((name) => !labels.has(name));
  expect(metrics.length).toBeGreaterThan(5);
  const there = new Set(samples.map(({ name }) => name));
  expect(metrics.filter((name) => !there.has(name))).toEqual([]);
  const grouped = texts.flatMap((text) => [...text.matchAll(/\b(?:by|on) \(([^)]*)\)/g)]);
  const used = grouped.flatMap(([, list = '']) => list.split(',').map((label) => label.trim()));
  const compared = texts.flatMap((text) => [...text.matchAll(/[{,]\s*(\w+)(?:=~|!=|=)"/g)]);
  const all = [...used, ...compared.map(([, label = '']) => label)];
  expect(all.length).toBeGreaterThan(5);
  expect(all.filter((label) => !labels.has(label) && !ITS_OWN.includes(label))).toEqual([]);
});
