import { stripVTControlCharacters } from 'node:util';
import type { Listed } from './offer.js';
import { isWell, type Report, type ServerReport } from './report.js';

/** Columns of the text, as every terminal has them. */
const WIDTH = 80;
/** Columns of a server's name, at most. */
const MAX_NAME = 16;

const GREEN = 32;
const RED = 31;
const YELLOW = 33;

const HEAD = ['SERVER', 'RESULT', 'PROTOCOL', 'VIA', 'TOOLS', 'PROMPTS', 'RESOURCES', 'TIME'] as const;
/** Those whose values are numbers. */
const RIGHT = new Set([4, 5, 6, 7]);
const VIA = { stdio: 'stdio', streamablehttp: 'http', sse: 'sse' } as const;

/**
 * The report for people: a line for each server, and below it what is wrong and what can be done. Lines have at most
 * `WIDTH` columns, unless a word is longer.
 *
 * @param coloured whether the verdicts have colours
 */
export function tableOf({ servers }: Report, coloured: boolean): string {
  const rows = [HEAD, ...servers.map(rowOf)];
  const widths = HEAD.map((_, column) => Math.max(...rows.map((row) => columnsOf(row[column] ?? ''))));
  const lines = rows.map((row, index) => {
    const cells = row.map((cell, column) => padded(cell, widths[column] ?? 0, RIGHT.has(column)));
    const server = servers[index - 1];
    if (server !== undefined) cells[1] = painted(cells[1] ?? '', colourOf(server), coloured);
    return cells.join('  ').trimEnd();
  });
  const details = servers.flatMap((server) => detailsOf(server, coloured));
  const well = servers.filter(isWell).length;
  const sum = servers.length === 1 ? '' : `\n${well} of ${servers.length} servers are well.\n`;
  return `${[...lines, ...details].join('\n')}\n${sum}`;
}

function rowOf(server: ServerReport): readonly string[] {
  const { name, verdict, protocolVersion, transport, tools, prompts, resources, resourceTemplates, startMs } =
    server;
  const templates = resourceTemplates === undefined ? '' : `+${counted(resourceTemplates)}`;
  return [
    cut(name, MAX_NAME),
    isWell(server) ? verdict : 'FAILED',
    cut(protocolVersion ?? '-', 12),
    transport === undefined ? '-' : VIA[transport],
    counted(tools),
    counted(prompts),
    resources === undefined && templates === '' ? '-' : `${counted(resources)}${templates}`,
    startMs === undefined ? '-' : `${(startMs / 1000).toFixed(startMs < 10_000 ? 2 : 1)}s`,
  ];
}

function counted(listed: Listed | undefined): string {
  if (listed === undefined) return '-';
  return `${listed.count}${listed.complete ? '' : '+'}`;
}

function colourOf(server: ServerReport): number {
  if (!isWell(server)) return RED;
  return server.verdict === 'ok' && server.notes.length === 0 ? GREEN : YELLOW;
}

function detailsOf(server: ServerReport, coloured: boolean): string[] {
  const { name, verdict, reason, remedy, notes } = server;
  if (reason === '' && notes.length === 0) return [];
  const head = verdict === 'ok' ? 'ok, but' : verdict.replaceAll('-', ' ').replace('mcp', 'MCP');
  return [
    '',
    `${name}: ${painted(head, colourOf(server), coloured)}`,
    ...(reason === '' ? [] : wrapped(reason)),
    ...notes.flatMap((note) => wrapped(note)),
    ...(remedy === '' ? [] : wrapped(`→ ${remedy}`)),
  ];
}

/** Two columns in, broken between words. */
function wrapped(text: string): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && columnsOf(line) + 1 + columnsOf(word) > WIDTH - 2) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line].map((one) => `  ${one}`);
}

function painted(text: string, colour: number, coloured: boolean): string {
  return coloured ? `\u001b[${colour}m${text}\u001b[0m` : text;
}

function cut(text: string, most: number): string {
  const characters = [...text];
  return characters.length > most ? `${characters.slice(0, most - 1).join('')}…` : text;
}

function columnsOf(text: string): number {
  return [...stripVTControlCharacters(text)].length;
}

function padded(text: string, width: number, isRight: boolean): string {
  const gap = ' '.repeat(Math.max(0, width - columnsOf(text)));
  return isRight ? gap + text : text + gap;
}
