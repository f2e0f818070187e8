import { z } from 'zod';
import { MAX_SECONDS } from './max-seconds.js';
import { MAX_SIZE, parseSize } from './size.js';

const text = z.string('must be a text in double quotes');
const flag = z.boolean('must be true or false');
const time = 'must be a number of seconds, 0 (no limit) or more';
const someTime = 'must be a number of seconds, more than 0';
const number = 'must be a whole number, 1 or more';
const size = `must be a size of 1 to ${MAX_SIZE / 1_000_000}MB, as in 1048576, "10MB" or "64MiB"`;
const seconds = z.number(time).min(0, time).max(MAX_SECONDS, `must be at most ${MAX_SECONDS} seconds`);
const count = z.int(number).min(1, number);

/** Whether a server is to be left out is known before the rest of it has to be right. */
const switches = {
  enabled: flag.optional().describe('false: leave this server out.'),
  disabled: flag.optional().describe('true: leave this server out.'),
};
export const switchesSchema = z.looseObject(switches);

const names = z.array(text.min(1, 'must not be empty'), 'must be a list of texts').default([]);
/** A key that is not known here is no mere warning: it was meant to let in somebody, or nobody else. */
const access = z
  .strictObject(
    {
      keys: names.describe('Names of keys.'),
      subjects: names.describe('Subjects of access tokens (sub) and of client certificates.'),
      scopes: names.describe('Scopes of access tokens; one of them is enough.'),
    },
    {
      error: ({ code }) =>
        code === 'unrecognized_keys'
          ? 'has a key that is none of "keys", "subjects" and "scopes"'
          : 'must be an object with "keys", "subjects" or "scopes"',
    },
  )
  .refine(
    ({ keys, subjects, scopes }) => keys.length + subjects.length + scopes.length > 0,
    'lets in nobody; name a key, a subject or a scope, or leave the server out with "disabled": true',
  );

/** One entry of `mcpServers`, with the keys that clients' own configurations have. */
export const serverSchema = z.looseObject({
  command: z
    .string({
      error: ({ input }) => (input === undefined ? 'is missing' : 'must be a text in double quotes'),
    })
    .min(1, 'must not be empty')
    .describe('The program that is started, which speaks MCP on stdin and stdout.'),
  args: z.array(text, 'must be a list of texts').default([]).describe(
    // biome-ignore lint/suspicious/noTemplateCurlyInString: as it is written in the file
    'Its arguments. ${NAME} is a variable of the environment, ${header:NAME} something of each request.',
  ),
  env: z
    .record(z.string(), text, 'must be an object of texts')
    .default({})
    .describe('Variables for its environment; values as in args.'),
  cwd: text.optional().describe('Its working directory.'),
  sharing: z
    .enum(['auto', 'shared', 'session'], 'must be "auto", "shared" or "session"')
    .optional()
    .describe('Which clients use which process: as --sharing.'),
  upstreamEra: z
    .enum(['auto', 'legacy', 'modern'], 'must be "auto", "legacy" or "modern"')
    .optional()
    .describe('What the server speaks: as --upstream-era.'),
  timeout: seconds
    .optional()
    .describe('Longest time for one request, in seconds; 0: none. As --request-timeout.'),
  maxTimeout: seconds
    .optional()
    .describe('The same whatever its progress, in seconds; 0: none. As --max-request-timeout.'),
  startTimeout: z
    .number(someTime)
    .positive(someTime)
    .max(MAX_SECONDS, `must be at most ${MAX_SECONDS} seconds`)
    .optional()
    .describe('Longest wait for the first answer of a process, in seconds. As --start-timeout.'),
  maxProcesses: count.optional().describe('Processes at once. As --max-processes.'),
  processIdle: seconds
    .optional()
    .describe('When a process ends that no session uses, in seconds; 0: never. As --process-idle.'),
  maxInFlight: count.optional().describe('Requests that one session may have open. As --max-in-flight.'),
  maxLine: z
    .union([z.string(), z.number()], size)
    .transform((value, context) => {
      const octets = parseSize(String(value));
      if (octets === undefined) context.addIssue({ code: 'custom', message: size });
      return octets;
    })
    .optional()
    .describe('Octets of one line that a process writes, as in 1048576, "10MB" or "64MiB". As --max-line.'),
  access: access.optional().describe('Who may use it; for all others it is not there.'),
  transportType: text.optional().describe('A command is always spoken to on stdio.'),
  url: text.optional().describe('Of a remote server, which is left out: such cannot be served yet.'),
  ...switches,
});

export type ServerEntry = z.infer<typeof serverSchema>;

export const SERVER_KEYS: ReadonlySet<string> = new Set(Object.keys(serverSchema.shape));
