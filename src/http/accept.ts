import type { Accepted } from '../transports/streamable-http/exchange.js';
import { memo } from './memo.js';

/** What an `Accept` header admits (RFC 9110, section 12.5.1). No header admits everything. */
export function accepted(header = ''): Accepted {
  return admitted(header);
}

const admitted = memo((header): Accepted => {
  if (header.trim() === '') return { json: true, stream: true };
  const ranges = header
    .toLowerCase()
    .split(',')
    .map((range) => range.split(';').map((part) => part.trim()))
    .filter(([, ...params]) => !params.some((param) => /^q=0(?:\.0*)?$/.test(param)))
    .map(([type]) => type ?? '');
  const any = ranges.includes('*/*');
  return {
    json: any || ranges.includes('application/json') || ranges.includes('application/*'),
    stream: any || ranges.includes('text/event-stream') || ranges.includes('text/*'),
  };
});
