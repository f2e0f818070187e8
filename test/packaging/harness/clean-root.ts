/**
 * A root of its own, with the system's programs and nothing else of this machine, in which the steps of the Dockerfile
 * run as they do where an image is built. The program that it runs is process 1 there, as in a container.
 */
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { descendants, type Program, start } from '../../e2e/harness/processes.js';

/** What an image of Debian has, as it is on this machine; none of it can be written to. */
const SYSTEM = ['/usr/bin', '/usr/sbin', '/usr/lib', '/usr/lib64', '/usr/share', '/etc/alternatives'];
/** Where a merged /usr has links. */
const LINKS = ['/bin', '/sbin', '/lib', '/lib64'];

/** Mounts, and then becomes the program: root, options of the root's mount, folders (`from:to`), `--`, the rest. */
const ENTER = `
set -e
root=$1 mode=$2
shift 2
mount --bind "$root" "$root"
while [ "$1" != -- ]; do mount --bind --options ro "\${1%%:*}" "$root\${1#*:}"; shift; done
shift
mount --rbind /dev "$root/dev"
mount -t proc proc "$root/proc"
for folder in /tmp /home/node; do
  mount -t tmpfs tmpfs "$root$folder"
  chown 1000:1000 "$root$folder"
done
mount --options "remount,bind,$mode" "$root"
exec chroot "$root" "$@"
`;

/** Why no such root can be made here; empty where it can. */
export function whyNot(): string {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'only root on Linux can make a root';
  if (!existsSync('/usr/bin/setpriv')) return 'there is no setpriv';
  try {
    execFileSync('unshare', ['--mount', '--pid', '--fork', '--mount-proc', 'true'], { stdio: 'ignore' });
    return '';
  } catch {
    return 'this machine lets nobody make a mount namespace';
  }
}

export interface RunOptions {
  readonly cwd: string;
  /** Ids of user and group. */
  readonly user?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly isReadOnly?: boolean;
  /** Folders of this machine that are shown there, by where. */
  readonly volumes?: Readonly<Record<string, string>>;
}

export interface Contained {
  readonly program: Program;
  /** Tells process 1 to end, as whoever runs containers does. */
  stop(): void;
  /** Names and states (as `ps` has them) of the processes in it that have not been reaped. */
  processes(): string[];
}

export class CleanRoot {
  readonly path = mkdtempSync(join(tmpdir(), 'mcp-proxy-root-'));

  constructor() {
    chmodSync(this.path, 0o755);
    for (const folder of ['/dev', '/proc', '/tmp', '/home/node', '/etc', '/usr/local/bin', ...SYSTEM]) {
      if (!SYSTEM.includes(folder) || existsSync(folder)) mkdirSync(this.at(folder), { recursive: true });
    }
    for (const link of LINKS) {
      if (existsSync(link) && lstatSync(link).isSymbolicLink())
        symlinkSync(readlinkSync(link), this.at(link));
    }
    writeFileSync(
      this.at('/etc/passwd'),
      'root:x:0:0::/root:/bin/sh\nnode:x:1000:1000::/home/node:/bin/sh\n',
    );
    writeFileSync(this.at('/etc/hosts'), '127.0.0.1 localhost\n');
    const modules = execFileSync('npm', ['root', '--global'], { encoding: 'utf8' }).trim();
    cpSync(process.execPath, this.at('/usr/local/bin/node'));
    cpSync(join(modules, 'npm'), this.at('/usr/local/lib/node_modules/npm'), { recursive: true });
    for (const name of ['npm', 'npx'])
      symlinkSync(`../lib/node_modules/npm/bin/${name}-cli.js`, this.at(`/usr/local/bin/${name}`));
  }

  /** Where a path of this root is on this machine. */
  at(path: string): string {
    return join(this.path, path);
  }

  /** Runs a program as process 1, with an environment of its own. */
  run(words: readonly string[], options: RunOptions): Contained {
    const { cwd, user = '0:0', env = {}, isReadOnly = false, volumes = {} } = options;
    const [uid = '0', gid = '0'] = user.split(':');
    const folders = SYSTEM.filter((folder) => existsSync(folder)).map((folder) => `${folder}:${folder}`);
    for (const [to, from] of Object.entries(volumes)) {
      mkdirSync(this.at(to), { recursive: true });
      folders.push(`${from}:${to}`);
    }
    const privileges = [
      '--reuid',
      uid,
      '--regid',
      gid,
      '--clear-groups',
      '--no-new-privs',
      '--bounding-set',
      '-all',
    ];
    const variables = Object.entries({
      PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin',
      ...env,
    }).map(([name, value]) => `${name}=${value}`);
    const program = start('unshare', [
      ...['--mount', '--pid', '--fork', '--kill-child', 'sh', '-c', ENTER, 'sh'],
      ...[this.path, isReadOnly ? 'ro' : 'rw', ...folders, '--'],
      ...['env', '--ignore-environment', `--chdir=${cwd}`, ...variables],
      ...['setpriv', ...(uid === '0' ? [] : privileges), '--', ...words],
    ]);
    const first = (): number | undefined => descendants(program.pid)[0];
    return {
      program,
      stop: () => {
        const pid = first();
        if (pid !== undefined) process.kill(pid, 'SIGTERM');
      },
      processes: () => descendants(program.pid).map(describe),
    };
  }

  remove(): void {
    rmSync(this.path, { recursive: true });
  }
}

/** Such as `S node`. */
function describe(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return `${stat.charAt(stat.lastIndexOf(')') + 2)} ${stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')'))}`;
  } catch {
    // It ended while we looked.
    return '';
  }
}
