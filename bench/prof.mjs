// node prof.mjs CONTENDER [secs] -> top self-time frames of the server/proxy under 32-in-flight 100 B load
import fs from 'node:fs';
import { BACKENDS, contenders } from './contenders.mjs';
import { now, Runner, sleep, textOf } from './lib.mjs';

const c = contenders.find((x) => x.name === process.argv[2]);
const dir = `${process.env.TMPDIR ?? '/tmp'}/prof-${process.pid}`;
fs.mkdirSync(dir, { recursive: true });
const sp = c.spawn;
c.spawn = (o) => {
  const a = sp(o);
  return [
    a[0],
    '--require',
    new URL('./sig.cjs', import.meta.url).pathname,
    '--cpu-prof',
    '--cpu-prof-dir',
    dir,
    ...a.slice(1),
  ];
};
const r = new Runner(c, { backend: BACKENDS.echo });
await r.start();
const s = await r.open();
const end = now() + 1000 * (process.argv[3] ?? 3);
let n = 0;
await Promise.all(
  Array.from({ length: 32 }, async () => {
    while (now() < end) {
      await s.call(textOf(100));
      n++;
    }
  }),
);
console.log(c.name, 'calls', n);
const v = await import('node:inspector');
r.proc.kill('SIGINT');
await Promise.race([r.proc.exited, sleep(3000)]);
await r.stop();
const f = fs
  .readdirSync(dir)
  .map((x) => dir + '/' + x)
  .filter((x) => /cpuprofile/.test(x));
if (!f.length) {
  console.log('no profile (process did not exit by itself)');
  process.exit();
}
const big = f.sort((a, b) => fs.statSync(b).size - fs.statSync(a).size)[0];
const p = JSON.parse(fs.readFileSync(big));
const self = new Map(),
  dt = p.timeDeltas;
const by = new Map(p.nodes.map((n) => [n.id, n]));
p.samples.forEach((id, i) => {
  const n = by.get(id).callFrame;
  const k = `${n.functionName || '(anon)'} ${n.url.replace(/.*node_modules\//, '')}:${n.lineNumber + 1}`;
  self.set(k, (self.get(k) ?? 0) + dt[i]);
});
const tot = [...self].filter(([k]) => !/^\((idle|program)\)/.test(k)).reduce((a, [, v]) => a + v, 0);
for (const [k, v] of [...self].sort((a, b) => b[1] - a[1]).slice(0, +process.argv[4] || 22))
  console.log((v / 1000).toFixed(0).padStart(7) + 'ms', ((100 * v) / tot).toFixed(1).padStart(5) + '%', k);
const grp = new Map();
for (const [k, v] of self) {
  if (/^\((idle|program)\)/.test(k)) continue;
  const u = k.split(' ').pop();
  const g = k.startsWith('(garbage')
    ? 'GC'
    : /undici/.test(u)
      ? 'node:internal undici (fetch Request/Response/Headers)'
      : /^node:internal\/(abort|event_target|webstreams|worker\/js_trans)/.test(u)
        ? 'node:internal webstreams/abort/event_target'
        : u.startsWith('node:')
          ? 'node: other (http, stream, net, loader)'
          : /^(@[^/]+\/[^/]+|[^/]+)/.exec(u)[1].replace(/^file:.*/, 'own');
  grp.set(g, (grp.get(g) ?? 0) + v);
}
console.log('-- by group (self time, ' + n + ' calls):');
for (const [k, v] of [...grp].sort((a, b) => b[1] - a[1]).slice(0, 12))
  console.log((v / n).toFixed(0).padStart(6) + ' us/call', ((100 * v) / tot).toFixed(1).padStart(5) + '%', k);
process.exit();
