import { credentialsFile, FileStore } from '../oauth/file-store.js';
import { wordsOf } from '../observability/events.js';
import { describeUrl } from '../remote/describe-url.js';

/**
 * Forgets what is kept of the sign-in to a remote server. Returns the exit code: 0 also where there was nothing,
 * 1 where it cannot be forgotten.
 */
export async function logout(
  url: URL,
  env: Readonly<Record<string, string | undefined>>,
  write: (text: string) => void,
): Promise<number> {
  const { path, keychain } = credentialsFile(env, process.platform);
  const where = describeUrl(url, (text) => text);
  try {
    const wasThere = await new FileStore(path, keychain, url).forget();
    write(wasThere ? `Forgotten: the sign-in to ${where}.\n` : `Nothing is kept of a sign-in to ${where}.\n`);
    return 0;
  } catch (error) {
    write(`mcp-proxy: error: the sign-in to ${where} cannot be forgotten: ${wordsOf(error)}\n`);
    return 1;
  }
}
