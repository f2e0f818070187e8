/** What the page is told of the proxy, as JSON. Times are ISO 8601, durations milliseconds, sizes octets. */

export interface Live {
  readonly status: Status;
  /** When this was said. */
  readonly now: string;
  /** By what clients show who they are. */
  readonly auth: { readonly keys: boolean; readonly tokens: boolean; readonly certificates: boolean };
  /** Who asks, as it is shown; null where nobody is asked. */
  readonly asker: string | null;
  readonly inspect: Inspect;
  /** One for each server of `status`, in that order. */
  readonly more: readonly More[];
}

/** Whether messages are shown: `off`: `--inspect` is not given; `remote`: not to who comes from elsewhere unknown. */
export type Inspect = 'off' | 'remote' | 'own' | 'all';

/** What `/status` says. */
export interface Status {
  readonly api_last_activity: string;
  readonly server_instances: Readonly<Record<string, string>>;
  readonly version: string;
  readonly started_at: string;
  readonly stopping: boolean;
  readonly servers: readonly ServerStatus[];
}

export interface ServerStatus {
  readonly name: string;
  readonly state: string;
  readonly era: string | null;
  readonly reason: string | null;
  readonly definition: {
    readonly command: string;
    readonly args: readonly string[];
    readonly env: readonly string[];
    readonly cwd: string | null;
    readonly pass_environment: boolean;
    readonly sharing: string;
    readonly upstream_era: string;
    /** Seconds, like all limits; null: none. */
    readonly timeout: number | null;
  };
  readonly limits: Readonly<Record<string, number | null>>;
  readonly processes: readonly ProcessStatus[];
  readonly last_exit: LastExit | null;
  readonly sessions: readonly SessionStatus[];
  readonly recent_clients: readonly RecentClientStatus[];
  readonly restarts: number;
  readonly requests_in_flight: number;
  readonly parked_calls: number;
  readonly last_activity: string | null;
}

export interface ProcessStatus {
  readonly pid: number | null;
  readonly started_at: string;
  readonly state: string;
  readonly era: string | null;
  readonly protocol_version: string | null;
  readonly sharing: string;
  readonly sessions: number;
  readonly requests_in_flight: number;
  readonly stderr: readonly string[];
}

interface LastExit {
  readonly at: string;
  readonly pid: number | null;
  readonly exit_code: number | null;
  readonly signal: string | null;
  readonly reason: string;
  readonly stderr: readonly string[];
}

interface SessionStatus {
  readonly id: string;
  readonly transport: string;
  readonly era: string;
  readonly protocol_version: string | null;
  readonly client: ClientName | null;
  readonly opened_at: string;
  readonly last_activity: string;
  readonly requests: number;
  readonly requests_in_flight: number;
  readonly octets_received: number;
  readonly octets_sent: number;
}

interface RecentClientStatus {
  readonly era: string;
  readonly protocol_version: string;
  readonly client: ClientName;
  readonly since: string;
  readonly last_activity: string;
  readonly requests: number;
}

export interface ClientName {
  readonly name: string;
  readonly version: string;
}

/** What the page shows of a server beside that. */
export interface More {
  /** Where it is, below the URL of the proxy. */
  readonly paths: { readonly mcp: string; readonly sse: string };
  /** Headers, in lower case, that every request to it must have. */
  readonly headers: readonly string[];
  /** What it calls itself; null where it has not said it. */
  readonly info: ClientName | null;
  /** By pid, as text: memory of a process and all that it started, in octets. */
  readonly memory: Readonly<Record<string, number>>;
  readonly offers: readonly Offer[];
  readonly rates: Rates;
  /** Sessions and clients that are not in `status`, because they are too many. */
  readonly leftOut: number;
}

export interface Offer {
  readonly kind: OfferKind;
  /** Null: nobody has asked for them yet. */
  readonly items: readonly OfferItem[] | null;
  /** Whether there are more than are shown. */
  readonly isCut: boolean;
}

export type OfferKind = 'tools' | 'prompts' | 'resources' | 'templates';

export interface OfferItem {
  readonly name: string;
  readonly title: string;
  readonly description: string;
}

/** What was asked of a server lately, the oldest first. */
export interface Rates {
  /** How long one of the stretches is, the last of which has not ended. */
  readonly stretchMs: number;
  readonly requests: readonly number[];
  readonly errors: readonly number[];
  /** Null where nothing was answered. */
  readonly p50: readonly (number | null)[];
  readonly p99: readonly (number | null)[];
}

/** Messages that passed, the oldest first. */
export interface Traffic {
  /** Another one than before: all numbers begin anew. */
  readonly run: string;
  /** What to ask for next. */
  readonly next: number;
  /** Whether there are more already. */
  readonly hasMore: boolean;
  /** The oldest that is still kept. */
  readonly oldest: number;
  readonly messages: readonly TrafficMessage[];
}

export interface TrafficMessage {
  readonly number: number;
  readonly at: string;
  readonly server: string;
  /** Null where it is a request without a session. */
  readonly session: string | null;
  readonly client: string | null;
  readonly era: string;
  readonly transport: string;
  readonly from: 'client' | 'server';
  /** `given-up`: no message, but the end of a request that gets no answer. */
  readonly kind: 'request' | 'notification' | 'response' | 'error' | 'given-up';
  readonly method: string;
  /** The number of the request that this is the end of. */
  readonly of: number | null;
  /** How long that took. */
  readonly ms: number | null;
  readonly octets: number;
  /** Masked; only its head, where it is large. */
  readonly text: string;
  readonly isCut: boolean;
}
