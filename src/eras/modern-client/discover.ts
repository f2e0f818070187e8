import { type Member, membersOf, objectOf } from '../../jsonrpc/members.js';
import { toWire, type Wire } from '../../jsonrpc/wire.js';
import { META } from '../meta-keys.js';
import { MODERN_VERSIONS } from '../versions.js';

/** The extension that is the modern era's form of tasks (docs/extensions/tasks/overview.mdx). */
const TASKS_EXTENSION = 'io.modelcontextprotocol/tasks';

/** Members of an `initialize` result that say something else, or elsewhere, in a `server/discover` result. */
const REPLACED: ReadonlySet<string> = new Set([
  'protocolVersion',
  'serverInfo',
  'capabilities',
  '_meta',
  'resultType',
  'supportedVersions',
  'ttlMs',
  'cacheScope',
]);

/**
 * A legacy server's handshake as the result of `server/discover` (2026-07-28, `server/discover`): raw JSON,
 * the server's own parts with every octet. It may not be cached: the next process may be another version.
 *
 * @param initialized raw result of `initialize`
 */
export function discoverResult(initialized: Wire): Wire {
  const members = membersOf(initialized);
  const rawOf = (key: string): Wire | undefined => members.findLast((member) => member.key === key)?.value;
  const capabilities = objectOrNone(rawOf('capabilities'));
  const serverInfo = rawOf('serverInfo');
  const meta = membersOf(rawOf('_meta') ?? '{}').filter(({ key }) => key !== META.serverInfo);
  const own = serverInfo?.startsWith('{') ? [{ rawKey: `"${META.serverInfo}"`, value: serverInfo }] : [];
  const whole: Pick<Member, 'rawKey' | 'value'>[] = [
    { rawKey: '"resultType"', value: '"complete"' },
    { rawKey: '"supportedVersions"', value: toWire(MODERN_VERSIONS) },
    { rawKey: '"capabilities"', value: withoutTasks(capabilities) },
    ...members.filter(({ key }) => !REPLACED.has(key)),
    { rawKey: '"_meta"', value: objectOf([...own, ...meta]) },
    { rawKey: '"ttlMs"', value: '0' },
    { rawKey: '"cacheScope"', value: '"private"' },
  ];
  return objectOf(whole);
}

/** Capabilities as they can be used across eras: tasks are not advertised, so that nobody starts one. */
function withoutTasks(capabilities: Wire): Wire {
  const members = membersOf(capabilities).filter(({ key }) => key !== 'tasks');
  return objectOf(
    members.map((member) => {
      if (member.key !== 'extensions') return member;
      const extensions = membersOf(member.value).filter(({ key }) => key !== TASKS_EXTENSION);
      return { ...member, value: objectOf(extensions) };
    }),
  );
}

function objectOrNone(value: Wire | undefined): Wire {
  return value?.startsWith('{') ? value : '{}';
}
