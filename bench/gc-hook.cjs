// injected with --expose-gc --require: SIGUSR2 -> full GC twice, then heapUsed+external+arrayBuffers+rss to $GC_OUT
process.on('SIGUSR2', () => {
  global.gc();
  setImmediate(() => {
    global.gc();
    const m = process.memoryUsage();
    require('fs').writeFileSync(
      process.env.GC_OUT,
      JSON.stringify({ heap: m.heapUsed, ext: m.external, rss: m.rss }),
    );
  });
});
