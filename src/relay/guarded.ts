import type { Emit } from '../observability/events.js';

/**
 * Takes one thing that came from outside. What it fails on is told and goes no further: it must not end a
 * process that others use. For the places where messages, requests and timers enter the proxy.
 *
 * @param server the server definition's name, where the matter concerns one
 * @returns whether it went well
 */
export function guarded(take: () => void, emit: Emit, server?: string): boolean {
  try {
    take();
    return true;
  } catch (error) {
    const how = (error instanceof Error ? error.stack : undefined) ?? 'no more is known';
    const text = `a message or a request was not dealt with to its end, which is a defect of mcp-proxy: ${how}`;
    emit({ level: 'error', text, ...(server === undefined ? {} : { server }) });
    return false;
  }
}
