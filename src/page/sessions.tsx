import type { JSX } from 'preact';
import type { ClientName, Live } from './live.js';
import { counted, shown, since, sizeOf } from './text.js';

/** Who uses the servers: sessions, and clients of the modern era, which have none. */
export function Sessions({ live }: { readonly live: Live }): JSX.Element {
  const { status, now, more } = live;
  const sessions = status.servers.flatMap(({ name, sessions: own }) =>
    own.map((one) => ({ server: name, one })),
  );
  const recent = status.servers.flatMap(({ name, recent_clients: own }) =>
    own.map((one) => ({ server: name, one })),
  );
  const leftOut = more.reduce((sum, one) => sum + one.leftOut, 0);
  return (
    <>
      <h2>Sessions</h2>
      {sessions.length === 0 ? (
        <p>No client has a session now.</p>
      ) : (
        <Table
          label="Sessions"
          heads={[
            'Client',
            'Server',
            'Era',
            'MCP',
            'Transport',
            'Age',
            'In flight',
            'Requests',
            'Received',
            'Sent',
            'Session',
          ]}
          rows={sessions.map(({ server, one }) => [
            clientText(one.client),
            shown(server, 100),
            one.era,
            versionText(one.protocol_version),
            one.transport,
            since(one.opened_at, now),
            String(one.requests_in_flight),
            String(one.requests),
            sizeOf(one.octets_received),
            sizeOf(one.octets_sent),
            one.id,
          ])}
        />
      )}
      {leftOut > 0 && <p>{counted(leftOut, 'session')} more.</p>}
      {recent.length > 0 && (
        <>
          <h2>Recent clients without sessions</h2>
          <Table
            label="Recent clients"
            heads={['Client', 'Server', 'Era', 'MCP', 'First heard', 'Last heard', 'Requests']}
            rows={recent.map(({ server, one }) => [
              clientText(one.client),
              shown(server, 100),
              one.era,
              versionText(one.protocol_version),
              `${since(one.since, now)} ago`,
              `${since(one.last_activity, now)} ago`,
              String(one.requests),
            ])}
          />
        </>
      )}
    </>
  );
}

interface TableProps {
  readonly label: string;
  readonly heads: readonly string[];
  /** The first value of each names the row. */
  readonly rows: readonly (readonly string[])[];
}

/** A row is a block of its own on a phone, where each value has its name beside it. */
function Table({ label, heads, rows }: TableProps): JSX.Element {
  return (
    <table class="stacks" aria-label={label}>
      <thead>
        <tr>
          {heads.map((head) => (
            <th scope="col" key={head}>
              {head}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map(([first, ...values], index) => (
          <tr key={index}>
            <th scope="row">{first}</th>
            {values.map((value, at) => (
              <td key={heads[at + 1]} data-head={heads[at + 1]}>
                {value}
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function clientText(client: ClientName | null): string {
  return client === null ? 'not known yet' : `${shown(client.name, 100)} ${shown(client.version, 50)}`;
}

function versionText(version: string | null): string {
  return version === null ? '–' : shown(version, 40);
}
