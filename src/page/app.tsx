import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { Connect } from './connect.js';
import { KeyForm } from './key-form.js';
import type { Live } from './live.js';
import type { ProxyClient } from './proxy-client.js';
import { Servers } from './servers.js';
import { Sessions } from './sessions.js';
import { type Tab, Tabs } from './tabs.js';
import { counted, shown, since } from './text.js';
import { Traffic } from './traffic.js';

export interface View {
  /** Undefined until the proxy has answered. */
  readonly live: Live | undefined;
  /** What is wrong with the proxy, or with the key; what was known before is still shown. */
  readonly problem: string | undefined;
  readonly needsKey: boolean;
}

interface AppProps {
  readonly proxy: ProxyClient;
  readonly view: View;
  readonly onKey: (key: string) => void;
}

export function App({ proxy, view, onKey }: AppProps): JSX.Element {
  const { live, problem, needsKey } = view;
  return (
    <>
      <a class="skip" href="#main">
        Skip to the content
      </a>
      <header>
        <h1>mcp-proxy</h1>
        {live && <Summary live={live} />}
      </header>
      <p class="problem" role="status">
        {problem}
      </p>
      <main id="main" tabIndex={-1}>
        {needsKey && <KeyForm onKey={onKey} />}
        {live && <Content live={live} proxy={proxy} />}
        {!live && !needsKey && !problem && <p>Asking the proxy …</p>}
      </main>
    </>
  );
}

function Summary({ live: { status, now, asker } }: { readonly live: Live }): JSX.Element {
  const { servers, version, started_at } = status;
  const failed = servers.filter(({ state }) => state === 'failed').length;
  const title = `${failed > 0 ? `✗ ${failed} failed – ` : ''}mcp-proxy`;
  useEffect(() => {
    document.title = title;
  }, [title]);
  return (
    <p>
      {shown(version)}, up {since(started_at, now)}
      {status.stopping ? ', stopping' : ''}; {counted(servers.length, 'server')}
      {failed > 0 ? <strong class="bad">, {failed} failed</strong> : ''}
      {asker !== null && <>; you are {shown(asker, 100)}</>}
    </p>
  );
}

function Content({ live, proxy }: { readonly live: Live; readonly proxy: ProxyClient }): JSX.Element {
  const [chosen, choose] = useState(location.hash.slice(1));
  const sessions = live.status.servers.reduce(
    (sum, server, index) => sum + server.sessions.length + (live.more[index]?.leftOut ?? 0),
    0,
  );
  const tabs: readonly Tab[] = [
    { id: 'servers', title: 'Servers', show: () => <Servers live={live} /> },
    { id: 'sessions', title: `Sessions (${sessions})`, show: () => <Sessions live={live} /> },
    { id: 'traffic', title: 'Traffic', show: () => <Traffic live={live} proxy={proxy} /> },
    { id: 'connect', title: 'Connect', show: () => <Connect live={live} proxy={proxy} /> },
  ];
  const onChoose = (id: string): void => {
    history.replaceState(null, '', `#${id}`);
    choose(id);
  };
  return <Tabs tabs={tabs} chosen={chosen} onChoose={onChoose} />;
}
