import type { JSX } from 'preact';
import type { Live, More, Offer, ProcessStatus, ServerStatus } from './live.js';
import { Plots } from './plots.js';
import { counted, shown, since, sizeOf } from './text.js';

/** What needs somebody comes first. */
const ORDER = ['failed', 'restarting', 'starting', 'ready'];
const SIGNS: Readonly<Record<string, string>> = { ready: '✓', failed: '✗', restarting: '↻', starting: '…' };
const TITLES = {
  tools: 'Tools',
  prompts: 'Prompts',
  resources: 'Resources',
  templates: 'Resource templates',
} as const;

export function Servers({ live }: { readonly live: Live }): JSX.Element {
  const rows = live.status.servers.map((server, index) => ({ server, index }));
  rows.sort((a, b) => ORDER.indexOf(a.server.state) - ORDER.indexOf(b.server.state));
  if (rows.length === 0) return <p>There is no server here that you may use.</p>;
  return (
    <>
      {rows.map(({ server, index }) => {
        const more = live.more[index];
        return (
          more && <ServerCard key={`${index} ${server.name}`} server={server} more={more} now={live.now} />
        );
      })}
    </>
  );
}

interface CardProps {
  readonly server: ServerStatus;
  readonly more: More;
  readonly now: string;
}

function ServerCard({ server, more, now }: CardProps): JSX.Element {
  const { name, state, reason, processes, last_exit: lastExit, definition } = server;
  return (
    <section class={`card server ${state}`} aria-label={`Server ${shown(name, 100)}`}>
      <h2>
        {shown(name, 100)}{' '}
        <span class={`state ${state}`}>
          <span aria-hidden="true">{SIGNS[state] ?? ''}</span> {state}
        </span>
      </h2>
      {reason !== null && <pre class="reason">{shown(reason, 4000)}</pre>}
      <Facts server={server} more={more} now={now} />
      {processes.length > 0 && <Processes processes={processes} memory={more.memory} now={now} />}
      <Plots rates={more.rates} name={name} />
      {more.offers.map((offer) => (
        <Offered key={offer.kind} offer={offer} />
      ))}
      {processes.map(
        ({ pid, stderr }) =>
          stderr.length > 0 && (
            <Stderr key={pid} title={`End of stderr, process ${pid ?? '?'}`} lines={stderr} />
          ),
      )}
      {lastExit !== null && (
        <Stderr
          title={`Process ${lastExit.pid ?? '?'} ended ${since(lastExit.at, now)} ago`}
          lines={lastExit.reason === reason ? lastExit.stderr : [lastExit.reason, '', ...lastExit.stderr]}
          isOpen={state === 'failed'}
        />
      )}
      <details>
        <summary>Command</summary>
        <pre>{[definition.command, ...definition.args].map((word) => shown(word, 1000)).join(' ')}</pre>
        {definition.env.length > 0 && <p>Variables: {shown(definition.env.join(', '), 2000)}</p>}
        {definition.cwd !== null && <p>Working directory: {shown(definition.cwd, 1000)}</p>}
      </details>
    </section>
  );
}

function Facts({ server, more, now }: CardProps): JSX.Element {
  const { era, restarts, requests_in_flight: open, parked_calls: parked, last_activity: last } = server;
  const known = { legacy: 'legacy (with sessions)', modern: 'modern (without sessions)' };
  const facts: readonly (readonly [string, string])[] = [
    [
      'Calls itself',
      more.info === null ? 'not known yet' : `${shown(more.info.name, 100)} ${shown(more.info.version, 50)}`,
    ],
    ['Era', era === 'legacy' || era === 'modern' ? known[era] : 'not known yet'],
    ['Sharing', server.definition.sharing],
    ['Restarts', String(restarts)],
    ['In flight', counted(open, 'request') + (parked > 0 ? `, ${parked} parked` : '')],
    ['Last asked', last === null ? 'never' : `${since(last, now)} ago`],
  ];
  return (
    <dl class="facts">
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

interface ProcessesProps {
  readonly processes: readonly ProcessStatus[];
  readonly memory: More['memory'];
  readonly now: string;
}

function Processes({ processes, memory, now }: ProcessesProps): JSX.Element {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard
    <section class="scrolls" tabIndex={0} aria-label="Processes, a table">
      <table>
        <thead>
          <tr>
            <th scope="col">Process</th>
            <th scope="col">State</th>
            <th scope="col">Up</th>
            <th scope="col">Memory</th>
            <th scope="col">MCP</th>
            <th scope="col">Used by</th>
            <th scope="col">In flight</th>
          </tr>
        </thead>
        <tbody>
          {processes.map((one) => (
            <tr key={one.pid}>
              <th scope="row">{one.pid ?? '?'}</th>
              <td>{one.state}</td>
              <td>{since(one.started_at, now)}</td>
              <td>{memoryText(memory[String(one.pid)])}</td>
              <td>{one.protocol_version === null ? '–' : shown(one.protocol_version, 40)}</td>
              <td>{`${counted(one.sessions, 'client')}, ${one.sharing}`}</td>
              <td>{one.requests_in_flight}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function memoryText(octets: number | undefined): string {
  return octets === undefined ? '–' : sizeOf(octets);
}

function Offered({ offer: { kind, items, isCut } }: { readonly offer: Offer }): JSX.Element | null {
  if (items === null) return null;
  return (
    <details>
      <summary>
        {TITLES[kind]} ({items.length}
        {isCut ? ' and more' : ''})
      </summary>
      <ul class="offers">
        {items.map(({ name, title, description }, index) => (
          <li key={index}>
            <code>{shown(name, 200)}</code>
            {title !== '' && <> {shown(title, 200)}</>}
            {description !== '' && <span class="quiet"> {shown(description, 300)}</span>}
          </li>
        ))}
      </ul>
    </details>
  );
}

interface StderrProps {
  readonly title: string;
  readonly lines: readonly string[];
  readonly isOpen?: boolean;
}

function Stderr({ title, lines, isOpen = false }: StderrProps): JSX.Element {
  return (
    <details open={isOpen}>
      <summary>{title}</summary>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard */}
      <pre tabIndex={0}>{lines.map((line) => shown(line, 1000)).join('\n')}</pre>
    </details>
  );
}
