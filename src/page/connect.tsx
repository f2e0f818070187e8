import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { Copy } from './copy.js';
import type { Live } from './live.js';
import type { ProxyClient } from './proxy-client.js';
import { type Snippet, snippets } from './snippets.js';
import { shown } from './text.js';

const KEY = 'YOUR_KEY';

/** How clients are told of a server. */
export function Connect({ live, proxy }: { readonly live: Live; readonly proxy: ProxyClient }): JSX.Element {
  const [chosen, choose] = useState(0);
  const { servers } = live.status;
  const index = chosen < servers.length ? chosen : 0;
  const [server, more] = [servers[index], live.more[index]];
  if (server === undefined || more === undefined) return <p>There is no server here that you may use.</p>;
  const { keys, tokens, certificates } = live.auth;
  const isNamed = more.paths.mcp !== 'mcp';
  const all = snippets({
    name: isNamed ? server.name : (more.info?.name ?? server.name),
    url: proxy.url + more.paths.mcp,
    headers: Object.fromEntries(more.headers.map((name) => [name, 'YOUR_VALUE'])),
    key: keys ? KEY : undefined,
  });
  return (
    <>
      <p>
        <label>
          Server{' '}
          <select value={index} onChange={(event) => choose(Number(event.currentTarget.value))}>
            {servers.map(({ name }, at) => (
              <option key={at} value={at}>
                {shown(name, 100)}
              </option>
            ))}
          </select>
        </label>
      </p>
      {keys && (
        <p>
          Put the key that you were given in place of <code>{KEY}</code>
          {tokens ? ', or leave the header out and sign in' : ''}.
        </p>
      )}
      {!keys && tokens && (
        <p>Clients sign in by themselves; those that can’t need an access token as a header.</p>
      )}
      {certificates && <p>Clients need a certificate of their own.</p>}
      {all.map((one) => (
        <Shown key={one.client} snippet={one} />
      ))}
      <p class="quiet">
        Over HTTP+SSE it is at <code>{shown(proxy.url + more.paths.sse, 500)}</code>.
      </p>
    </>
  );
}

function Shown({ snippet: { client, where, text, link } }: { readonly snippet: Snippet }): JSX.Element {
  return (
    <section class="card" aria-label={client}>
      <h2>{client}</h2>
      <p class="quiet">{where}</p>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard */}
      <pre tabIndex={0}>{shown(text, 10_000)}</pre>
      <p class="actions">
        <Copy text={text} what={client} />
        {link !== undefined && (
          <a class="button" href={link}>
            Install in {client}
          </a>
        )}
      </p>
    </section>
  );
}
