/** The page: asks the proxy again and again, and shows what it says. */
import { render } from 'preact';
import { App, type View } from './app.js';
import { ProxyClient } from './proxy-client.js';

/** From one answer to the next question, in milliseconds. */
const AGAIN_MS = 2000;

const proxy = new ProxyClient(location.href);
const place = document.getElementById('page');
let view: View = { live: undefined, problem: undefined, needsKey: false };
let timer: number | undefined;
/** Questions that were asked: the answer to an older one is not shown after that to a newer one. */
let asked = 0;

function show(): void {
  if (place !== null) render(<App proxy={proxy} view={view} onKey={useKey} />, place);
}

async function ask(): Promise<void> {
  clearTimeout(timer);
  const own = ++asked;
  const answer = await proxy.live();
  if (own !== asked) return;
  if (answer.kind === 'answer') view = { live: answer.value, problem: undefined, needsKey: false };
  else if (answer.kind === 'key') {
    const problem = proxy.key === '' ? undefined : 'This key or token is not good here.';
    proxy.key = '';
    view = { live: undefined, problem, needsKey: true };
  } else view = { ...view, problem: answer.text };
  show();
  // Who does not look costs nothing, and who is asked for a key is waited for.
  if (document.visibilityState === 'visible' && !view.needsKey) timer = setTimeout(ask, AGAIN_MS);
}

function useKey(key: string): void {
  proxy.key = key;
  void ask();
}

document.addEventListener('visibilitychange', () => {
  if (document.visibilityState === 'visible' && !view.needsKey) void ask();
});
place?.replaceChildren();
show();
void ask();
