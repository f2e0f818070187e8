#!/usr/bin/env node
/**
 * The built command with two options more, `--session-idle SECONDS` and `--process-idle SECONDS`. The soak uses
 * it as long as the command does not have them itself.
 */
import { readFile } from 'node:fs/promises';
import { parseCommandLine } from '../../dist/cli/options.js';
import { serve } from '../../dist/cli/serve.js';
import { endSignal } from '../../dist/cli/signals.js';
import { loadServerFile } from '../../dist/config/file.js';
import { createLog } from '../../dist/observability/log.js';

const signal = endSignal();
const words = process.argv.slice(2);
const writeError = (text) => void process.stderr.write(text);

/** Takes an option and its value out of the words. Returns the value in milliseconds. */
function taken(name) {
  const at = words.indexOf(name);
  return at < 0 ? undefined : Number(words.splice(at, 2)[1]) * 1000;
}

const limits = { sessionIdleMs: taken('--session-idle'), processIdleMs: taken('--process-idle') };
const { options, file } = await parseCommandLine(words, process.env);
const { servers } = await loadServerFile(file.path, await readFile(file.path, 'utf8'), process.env, file);
const emit = createLog(options.logLevel, writeError);
process.exitCode = await serve({ ...options, namedServers: servers, limits }, emit, writeError, signal);
