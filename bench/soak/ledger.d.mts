/** The types of `ledger.mjs` for its test. */
interface Asker {
  readonly name: string;
  readonly requests: Map<number, Entry>;
}

interface Entry {
  readonly number: number;
  readonly settled: Promise<string>;
}

export class Ledger {
  constructor(options?: { readonly lostMs?: number; readonly now?: () => number });
  readonly counts: Readonly<Record<string, number>>;
  readonly told: readonly string[];
  readonly open: number;
  readonly faults: number;
  asks(client: Asker, id: number, server: string): Entry;
  answer(client: Asker, message: object): void;
  broken(entry: Entry, text: string): void;
  cut(entry: Entry): void;
  progress(client: Asker, params: { readonly progressToken: number; readonly message: string }): void;
  question(client: Asker, params: object): string;
  killed(server: string): void;
  sweep(): void;
  received(numbers: readonly string[]): void;
}
