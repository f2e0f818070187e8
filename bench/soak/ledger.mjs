/**
 * The accounts of the soak: every request has a number that nobody else has and that its server gives back. Each
 * answer must come once, to who asked.
 */

/** Beyond this time a request with neither answer nor error is lost, in milliseconds. */
const LOST_MS = 60_000;
/** What fails so long after its server was killed is no surprise: the news takes its time, in milliseconds. */
const NEWS_MS = 2000;
/** Problems that are told in words; the others are counted. */
const MAX_TOLD = 20;

export class Ledger {
  /** `failedByKill`, `expired` and `late` are no faults; those in `FAULTS` are. */
  counts = {
    requests: 0,
    answered: 0,
    failedByKill: 0,
    cut: 0,
    expired: 0,
    late: 0,
    questions: 0,
    progress: 0,
    listChanges: 0,
    lost: 0,
    doubled: 0,
    foreign: 0,
    failed: 0,
    sentTwice: 0,
  };
  /** The first faults, in words. */
  told = [];
  #next = 1;
  #open = new Set();
  #lostMs;
  #now;
  #tell;
  #kills = new Map();

  /** `tell` is given the first faults as they are seen. */
  constructor({ lostMs = LOST_MS, now = Date.now, tell = () => undefined } = {}) {
    this.#tell = tell;
    this.#lostMs = lostMs;
    this.#now = now;
  }

  /** Requests that wait for their answers. */
  get open() {
    return this.#open.size;
  }

  /**
   * A client asks. `client` is whoever has ids of its own: `{ name, requests: Map }`. The entry's `settled` gives
   * how it went: `answered`, `failed`, `expired`, `lost` or `cut`.
   */
  asks(client, id, server, isNumbered = true) {
    const entry = { client, id, server, number: this.#next++, isNumbered, since: this.#now(), state: 'open' };
    entry.settled = new Promise((resolve) => {
      entry.settle = resolve;
    });
    client.requests.set(id, entry);
    this.#open.add(entry);
    this.counts.requests++;
    return entry;
  }

  /** A response or an error has reached this client. */
  answer(client, message) {
    const entry = client.requests.get(message.id);
    if (entry === undefined) {
      this.fault('foreign', `${client.name} got an answer to ${message.id}, which it never asked`);
      return;
    }
    if (message.result !== undefined && entry.isNumbered) {
      const { content, structuredContent } = message.result;
      const given = content?.[0]?.text;
      const said = structuredContent?.said ?? entry.said;
      if (given !== String(entry.number) || said !== entry.said) {
        this.fault(
          'foreign',
          `${client.name} asked for ${entry.number} and got ${JSON.stringify(message.result)}`,
        );
        this.#close(entry, 'failed');
        return;
      }
    }
    if (entry.state === 'cut' || entry.state === 'lost') this.counts.late++;
    else if (entry.state !== 'open')
      this.fault('doubled', `${client.name} got another answer to ${entry.number}`);
    else if (message.error === undefined) {
      this.counts.answered++;
      this.#close(entry, 'answered');
    } else this.error(entry, message.error);
  }

  /** A request has failed with this JSON-RPC error. */
  error(entry, { code, message }) {
    if (entry.state !== 'open') return;
    if (code === -32603 && this.#wasKilled(entry, message)) this.counts.failedByKill++;
    else this.fault('failed', `${describe(entry)} failed, and no server was killed: ${code} ${message}`);
    this.#close(entry, 'failed');
  }

  /** The transport brought neither an answer nor an error. */
  broken(entry, text) {
    if (entry.state !== 'open') return;
    this.fault('lost', `${describe(entry)} was not answered: ${text}`);
    this.#close(entry, 'lost');
  }

  /** The session had ended, because its client was slow itself. */
  expired(entry) {
    if (entry.state !== 'open') return;
    this.counts.expired++;
    this.#close(entry, 'expired');
  }

  /** The client goes away before it has the answer. */
  cut(entry) {
    if (entry.state !== 'open') return;
    this.counts.cut++;
    this.#close(entry, 'cut');
  }

  /** A report of progress has reached this client. */
  progress(client, { progressToken, message }) {
    this.counts.progress++;
    const entry = client.requests.get(progressToken);
    if (String(entry?.number) === message) return;
    this.fault('foreign', `${client.name} got progress of ${message} for ${progressToken}`);
  }

  /** A question has reached this client. Returns what it says to it. */
  question(client, { messages }) {
    this.counts.questions++;
    const said = messages[0].content.text;
    const entry = [...client.requests.values()].find(({ number }) => String(number) === said);
    if (entry === undefined)
      this.fault('foreign', `${client.name} was asked about ${said}, which it never sent`);
    else entry.said = said;
    return said;
  }

  killed(server) {
    this.#kills.set(server, this.#now());
  }

  /** Finds what waits for too long. */
  sweep() {
    const before = this.#now() - this.#lostMs;
    for (const entry of this.#open) {
      if (entry.since < before)
        this.broken(entry, `neither answer nor error within ${this.#lostMs / 1000} s`);
    }
  }

  /** The numbers that the servers have got. None may come twice. */
  received(numbers) {
    const seen = new Set();
    for (const number of numbers) {
      if (seen.has(number)) this.fault('sentTwice', `${number} was sent to a server twice`);
      seen.add(number);
    }
  }

  fault(kind, text) {
    this.counts[kind]++;
    if (this.told.length < MAX_TOLD)
      this.told.push(`${new Date(this.#now()).toISOString()} ${kind}: ${text}`);
  }

  get faults() {
    const { lost, doubled, foreign, failed, sentTwice } = this.counts;
    return lost + doubled + foreign + failed + sentTwice;
  }

  #close(entry, state) {
    if (entry.state !== 'open') return;
    entry.state = state;
    this.#open.delete(entry);
    entry.settle(state);
  }

  /** Whether the error says that the server was killed, and it was while this request was open. */
  #wasKilled({ server, since }, message) {
    const at = this.#kills.get(server);
    return (
      at !== undefined &&
      at >= since - NEWS_MS &&
      message.includes(`"${server}"`) &&
      message.includes('SIGKILL')
    );
  }
}

function describe({ client, id, number, server }) {
  return `request ${number} of ${client.name} at ${server} (its ${id})`;
}
