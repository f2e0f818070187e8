/** Runs every case of what passes through on one path, with each official client. */
import { afterAll, beforeAll, describe, it } from 'vitest';
import { ASKABLE, type Case } from '../cases/case.js';
import { CONTENT } from '../cases/content.js';
import { HANDSHAKE } from '../cases/handshake.js';
import { NOTIFICATIONS } from '../cases/notifications.js';
import { QUESTIONS } from '../cases/questions.js';
import { TASKS } from '../cases/tasks.js';
import { TestClient } from './client.js';
import { type Path, SDKS } from './paths.js';
import { Scope } from './scope.js';

const CASES: readonly (readonly [string, readonly Case[]])[] = [
  ['handshake', HANDSHAKE],
  ['content', CONTENT],
  ['notifications', NOTIFICATIONS],
  ['questions', QUESTIONS],
  ['tasks', TASKS],
];

/** One client for all cases of a path: what one of them leaves behind must not disturb the next. */
export function passesThrough(path: Path): void {
  describe.each(SDKS)(`${path.name}, %s`, (_, connect) => {
    const scope = new Scope();
    let client: TestClient;

    beforeAll(async () => {
      const { target, ready } = await path.open(scope);
      client = scope.add(await TestClient.connect(connect, target, ASKABLE), (one) => one.close());
      await ready(1);
    });
    afterAll(() => scope.end());

    for (const [what, cases] of CASES) {
      describe(what, () => {
        for (const one of cases) it(one.title, () => one.run(client));
      });
    }
  });
}
