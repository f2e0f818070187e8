/** The handshake of the legacy era, made of the modern era's discovery. */
import { memberOf, membersOf, objectOf } from '../../jsonrpc/members.js';
import { asRecord, type Message } from '../../jsonrpc/message.js';
import { copyWire, parseWire, toWire, type Wire } from '../../jsonrpc/wire.js';
import { isLegacyVersion, NEWEST_LEGACY_VERSION } from '../../relay/handshake.js';
import { META } from '../meta-keys.js';
import { isModernVersion, MODERN_VERSIONS } from '../versions.js';
import type { LegacyVersion } from './downgrade.js';
import { versionList } from './errors.js';

/** The extension that is another protocol than the tasks of 2025-11-25: no era can use the other's. */
const TASKS_EXTENSION = 'io.modelcontextprotocol/tasks';

/** The lists whose changes a server can tell of. */
const LISTS = ['tools', 'prompts', 'resources'] as const;
export type List = (typeof LISTS)[number];

/** What a client says of itself in `initialize`, for the modern era. Raw JSON of objects. */
export interface Introduction {
  readonly clientInfo: Wire | undefined;
  readonly capabilities: Wire;
  /** What the client said it can be asked, in its own era. */
  readonly declared: Readonly<Record<string, unknown>>;
}

/** Reads the params of `initialize`. Capabilities lose what the modern era does not have. */
export function introductionOf(initialize: Message): Introduction {
  const params = paramsText(initialize);
  const clientInfo = memberOf(params, 'clientInfo');
  const capabilities = memberOf(params, 'capabilities') ?? '{}';
  return {
    clientInfo: clientInfo?.startsWith('{') ? copyWire(clientInfo) : undefined,
    capabilities: copyWire(modernCapabilities(capabilities)),
    declared: asRecord(parseWire(capabilities)),
  };
}

/** Raw JSON of the `_meta` that `server/discover` gets of `initialize`: trace context and the like. */
export function discoverMeta(initialize: Message): Wire {
  const members = membersOf(memberOf(paramsText(initialize), '_meta') ?? '');
  return objectOf(members.filter(({ key }) => key !== 'progressToken'));
}

function paramsText(message: Message): Wire {
  return message.paramsAt < 0 ? '{}' : message.text.slice(message.paramsAt, message.paramsEnd);
}

/**
 * Capabilities of a legacy client as a modern one has them: no tasks, and no `roots.listChanged`, whose
 * notification is gone (2026-07-28, `schema.ts`, `ClientCapabilities`). All other members stay as they are.
 */
function modernCapabilities(capabilities: Wire): Wire {
  return objectOf(
    membersOf(capabilities).flatMap((member) => {
      if (member.key === 'tasks') return [];
      if (member.key === 'roots') return [{ ...member, value: without(member.value, 'listChanged') }];
      return member.key === 'extensions' ? withoutTasks(member) : [member];
    }),
  );
}

/** The object's text without one member; anything else as it is. */
function without(object: Wire, key: string): Wire {
  const members = membersOf(object);
  const kept = members.filter((member) => member.key !== key);
  return kept.length === members.length ? object : objectOf(kept);
}

function withoutTasks<M extends { readonly value: Wire }>(extensions: M): M[] {
  const value = without(extensions.value, TASKS_EXTENSION);
  return value !== extensions.value && value === '{}' ? [] : [{ ...extensions, value }];
}

/** A discovery, as the legacy era needs it. */
export interface Discovery {
  /** Raw JSON of the `InitializeResult`. */
  readonly result: Wire;
  /** The legacy version that is agreed on with the client. */
  readonly agreed: LegacyVersion;
  /** The modern version for all later requests; undefined: the one that discovery was asked in. */
  readonly version: string | undefined;
  /** The lists whose changes the server says that it tells of. */
  readonly lists: ReadonlySet<List>;
}

/** Members of the discovery that the legacy era has no use for, or that are taken up elsewhere. */
const CONSUMED: ReadonlySet<string> = new Set([
  'resultType',
  'supportedVersions',
  'ttlMs',
  'cacheScope',
  'capabilities',
  'instructions',
  '_meta',
  'serverInfo',
  'protocolVersion',
]);

/**
 * Makes an `InitializeResult` of a `DiscoverResult` (2026-07-28, `server/discover`; 2025-11-25,
 * `basic/lifecycle`). What is not changed keeps every octet.
 *
 * @param discovered raw JSON of the result
 * @param requested the version that the client asked for
 * @param server the server definition's name, for what the server does not say
 * @returns a text for people where the server cannot be spoken to
 */
export function initializeResult(discovered: Wire, requested: unknown, server: string): Discovery | string {
  if (!discovered.startsWith('{')) return `server "${server}" answered server/discover with no object`;
  const supported = parseWire(memberOf(discovered, 'supportedVersions') ?? '[]');
  const version = knownVersion(supported);
  if (Array.isArray(supported) && supported.length > 0 && version === undefined) {
    return `server "${server}" supports the protocol versions ${versionList(supported)}; mcp-proxy knows ${versionList(MODERN_VERSIONS)} of its era`;
  }
  const members = membersOf(discovered);
  const declared = memberOf(discovered, 'capabilities') ?? '';
  const capabilities = declared.startsWith('{') ? legacyCapabilities(declared) : '{}';
  const meta = memberOf(discovered, '_meta') ?? '';
  // Drafts of the modern era had it beside the other members.
  const info = memberOf(meta, META.serverInfo) ?? memberOf(discovered, 'serverInfo');
  const serverInfo = info?.startsWith('{') ? info : toWire({ name: server, version: 'unknown' });
  const instructions = members.filter(({ key }) => key === 'instructions');
  const rest = members.filter(({ key }) => !CONSUMED.has(key));
  const metaRest = without(meta, META.serverInfo);
  const agreed = isLegacyVersion(requested) ? requested : NEWEST_LEGACY_VERSION;
  const result = objectOf([
    { rawKey: '"protocolVersion"', value: toWire(agreed) },
    { rawKey: '"capabilities"', value: capabilities },
    { rawKey: '"serverInfo"', value: serverInfo },
    ...instructions,
    ...rest,
    ...(membersOf(metaRest).length > 0 ? [{ rawKey: '"_meta"', value: metaRest }] : []),
  ]);
  return { result, agreed, version, lists: changingLists(capabilities) };
}

/** The newest modern version in a list that the proxy knows. */
export function knownVersion(versions: unknown): string | undefined {
  return Array.isArray(versions)
    ? MODERN_VERSIONS.find((known) => versions.filter(isModernVersion).includes(known))
    : undefined;
}

function legacyCapabilities(capabilities: Wire): Wire {
  return objectOf(
    membersOf(capabilities).flatMap((member) => {
      if (member.key === 'tasks') return [];
      return member.key === 'extensions' ? withoutTasks(member) : [member];
    }),
  );
}

function changingLists(capabilities: Wire): ReadonlySet<List> {
  const declared = asRecord(parseWire(capabilities));
  return new Set(LISTS.filter((list) => asRecord(declared[list]).listChanged === true));
}
