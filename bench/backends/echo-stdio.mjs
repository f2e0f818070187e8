// Minimal raw JSON-RPC MCP stdio server (no SDK). Answers at once.
// With `modern`: one of 2026-07-28.
import { handle as legacy, modern } from './echo-core.mjs';

const handle = process.argv[2] === 'modern' ? modern : legacy;

let chunks = [];
process.stdin.on('data', (c) => {
  let s = 0,
    i;
  while ((i = c.indexOf(10, s)) !== -1) {
    chunks.push(c.subarray(s, i));
    const line = chunks.length === 1 ? chunks[0] : Buffer.concat(chunks);
    chunks = [];
    s = i + 1;
    if (line.length === 0) continue;
    const out = handle(JSON.parse(line.toString('utf8')));
    if (out) process.stdout.write(JSON.stringify(out) + '\n');
  }
  if (s < c.length) chunks.push(c.subarray(s));
});
process.stdin.on('end', () => process.exit(0));
