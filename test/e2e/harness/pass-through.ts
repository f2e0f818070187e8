/** Runs every case of what passes through on one path and can, with each official client that speaks its era. */
import { afterAll, beforeAll, describe, it } from 'vitest';
import { ASKABLE, type Case, UNASKABLE } from '../cases/case.js';
import { CONTENT } from '../cases/content.js';
import { HANDSHAKE } from '../cases/handshake.js';
import { MODERN_CLIENT } from '../cases/modern-client.js';
import { NOTIFICATIONS } from '../cases/notifications.js';
import { QUESTIONS } from '../cases/questions.js';
import { TASKS } from '../cases/tasks.js';
import { TestClient } from './client.js';
import { type Path, sdksOf } from './paths.js';
import { Scope } from './scope.js';

const CASES: readonly (readonly [string, readonly Case[]])[] = [
  ['handshake', HANDSHAKE],
  ['content', CONTENT],
  ['notifications', NOTIFICATIONS],
  ['questions', QUESTIONS],
  ['tasks', TASKS],
  ['modern client', MODERN_CLIENT],
];

/** One client for all cases of a path: what one of them leaves behind must not disturb the next. */
export function passesThrough(path: Path): void {
  const { client: era, server } = path.eras;
  const fits = (one: Case) =>
    (one.client ?? era) === era &&
    (one.server ?? server) === server &&
    !one.needs?.some((need) => path.without?.includes(need));
  const clientOptions = path.without?.includes('asking') ? UNASKABLE : ASKABLE;

  describe.each(sdksOf(era))(`${path.name}, %s`, (_, connect) => {
    const scope = new Scope();
    let client: TestClient;

    beforeAll(async () => {
      const { target, ready } = await path.open(scope);
      const speaks = path.negotiates === true ? 'auto' : era;
      client = scope.add(
        await TestClient.connect(connect, target, { ...clientOptions, era: speaks }),
        (one) => one.close(),
      );
      await ready(1);
    });
    afterAll(() => scope.end());

    for (const [what, cases] of CASES) {
      if (!cases.some(fits)) continue;
      describe(what, () => {
        for (const one of cases.filter(fits)) it(one.title, () => one.run(client));
      });
    }
  });
}
