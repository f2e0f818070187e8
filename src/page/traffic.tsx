import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { isWanted, jsonLines, outcomeOf, type Row, rowsOf, type Wanted } from './exchanges.js';
import type { Live, TrafficMessage } from './live.js';
import type { ProxyClient } from './proxy-client.js';
import { counted, shown, sizeOf, timeOf } from './text.js';
import { Message } from './tree.js';

/** From one answer to the next question, in milliseconds. */
const AGAIN_MS = 1000;
/** Messages that are kept here; rows that are shown. */
const MAX_KEPT = 2000;
const MAX_ROWS = 200;
const EVERYTHING: Wanted = { server: '', who: '', method: '', text: '', onlyErrors: false };
const REASONS = {
  off: 'Messages are not kept. Start the proxy with --inspect to see them here.',
  remote: 'Messages are shown on the proxy’s own machine only, because nobody is asked who they are.',
};

interface TrafficProps {
  readonly live: Live;
  readonly proxy: ProxyClient;
}

export function Traffic({ live, proxy }: TrafficProps): JSX.Element {
  const { inspect } = live;
  if (inspect === 'off' || inspect === 'remote') return <p>{REASONS[inspect]}</p>;
  return <Messages live={live} proxy={proxy} />;
}

function Messages({ live, proxy }: TrafficProps): JSX.Element {
  const [isPaused, pause] = useState(false);
  const [wanted, want] = useState(EVERYTHING);
  const messages = useMessages(proxy, isPaused);
  const rows = rowsOf(messages).filter((row) => isWanted(row, wanted));
  return (
    <>
      <Filter live={live} wanted={wanted} onWant={want} />
      <p class="actions">
        <button type="button" aria-pressed={isPaused} onClick={() => pause(!isPaused)}>
          Pause
        </button>
        <button type="button" onClick={() => save(jsonLines(rows))} disabled={rows.length === 0}>
          Export as JSON Lines
        </button>
        <span>{counted(rows.length, 'row')}</span>
        {live.inspect === 'own' && <span class="quiet">Only your own messages are shown to you.</span>}
      </p>
      {rows.length === 0 && <p>Nothing has passed that is wanted here.</p>}
      <ol class="rows" aria-label="Messages, the newest first">
        {rows.slice(0, MAX_ROWS).map((row) => (
          <li key={row.first.number}>
            <Exchange row={row} />
          </li>
        ))}
      </ol>
      {rows.length > MAX_ROWS && (
        <p class="quiet">{rows.length - MAX_ROWS} older ones are not shown, but exported.</p>
      )}
    </>
  );
}

/** The messages that passed, as long as this is shown. */
function useMessages(proxy: ProxyClient, isPaused: boolean): readonly TrafficMessage[] {
  const [known, change] = useState({ run: '', next: 0, messages: [] as readonly TrafficMessage[] });
  useEffect(() => {
    if (isPaused) return undefined;
    let isOver = false;
    let timer: number | undefined;
    let { run, next, messages } = known;
    const ask = async (): Promise<void> => {
      const answer = document.visibilityState === 'visible' ? await proxy.traffic(next) : undefined;
      if (isOver) return;
      let hasMore = false;
      if (answer?.kind === 'answer') {
        const { value } = answer;
        // The numbers of another run mean something else.
        if (run !== '' && run !== value.run) [next, messages] = [0, []];
        else {
          messages = [...messages, ...value.messages].slice(-MAX_KEPT);
          [next, hasMore] = [value.next, value.hasMore];
        }
        run = value.run;
        change({ run, next, messages });
      }
      timer = setTimeout(ask, hasMore ? 0 : AGAIN_MS);
    };
    void ask();
    return () => {
      isOver = true;
      clearTimeout(timer);
    };
  }, [isPaused]);
  return known.messages;
}

interface FilterProps {
  readonly live: Live;
  readonly wanted: Wanted;
  readonly onWant: (wanted: Wanted) => void;
}

function Filter({ live, wanted, onWant }: FilterProps): JSX.Element {
  const names = [...new Set(live.status.servers.map(({ name }) => name))];
  const fields = [
    ['who', 'Client or session'],
    ['method', 'Method'],
    ['text', 'Text'],
  ] as const;
  return (
    <search class="filter">
      <label>
        Server
        <select
          value={wanted.server}
          onChange={(event) => onWant({ ...wanted, server: event.currentTarget.value })}
        >
          <option value="">all</option>
          {names.map((name) => (
            <option key={name} value={name}>
              {shown(name, 100)}
            </option>
          ))}
        </select>
      </label>
      {fields.map(([field, label]) => (
        <label key={field}>
          {label}
          <input
            type="text"
            value={wanted[field]}
            onInput={(event) => onWant({ ...wanted, [field]: event.currentTarget.value })}
          />
        </label>
      ))}
      <label class="check">
        <input
          type="checkbox"
          checked={wanted.onlyErrors}
          onChange={(event) => onWant({ ...wanted, onlyErrors: event.currentTarget.checked })}
        />{' '}
        Errors only
      </label>
    </search>
  );
}

function Exchange({ row }: { readonly row: Row }): JSX.Element {
  const [isOpen, open] = useState(false);
  const { first, end } = row;
  const outcome = outcomeOf(row);
  const ms = end?.ms ?? first.ms;
  return (
    <details class="exchange" onToggle={(event) => open(event.currentTarget.open)}>
      <summary>
        <span class="quiet">{first.at.slice(11, 23)}</span>{' '}
        <span role="img" aria-label={`from the ${first.from}`}>
          {first.from === 'client' ? '→' : '←'}
        </span>{' '}
        <strong>{first.method === '' ? first.kind : shown(first.method, 100)}</strong>{' '}
        <span class={outcome === 'failed' ? 'bad' : 'quiet'}>
          {outcome}
          {ms !== null && ` in ${timeOf(ms)}`}
        </span>{' '}
        <span class="quiet">
          {shown(first.server, 60)}
          {first.client !== null && `, ${shown(first.client, 60)}`}
        </span>
      </summary>
      {isOpen && <Detail message={first} />}
      {isOpen && end && <Detail message={end} />}
    </details>
  );
}

function Detail({ message }: { readonly message: TrafficMessage }): JSX.Element {
  const { kind, from, at, era, transport, session, octets, isCut, text } = message;
  return (
    <>
      <p class="quiet">
        {kind} from the {from}, {at}, {sizeOf(octets)}
        {isCut && ', of which the head is kept'}; {era}, {transport}
        {session !== null && `, session ${session}`}
      </p>
      {kind !== 'given-up' && <Message text={text} isCut={isCut} />}
    </>
  );
}

function save(lines: string): void {
  const url = URL.createObjectURL(new Blob([lines], { type: 'application/jsonl' }));
  const link = document.createElement('a');
  link.href = url;
  link.download = 'mcp-proxy.jsonl';
  link.click();
  URL.revokeObjectURL(url);
}
