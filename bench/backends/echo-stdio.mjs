// Minimal raw JSON-RPC MCP stdio server (no SDK). Answers at once.
import { handle } from './echo-core.mjs';

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
