/**
 * User-Mode Linux as a backend: a whole kernel as a process of this machine, with the devices that the
 * machine's own kernel may lack, on the machine's own programs and files (hostfs, read-only). Needs
 * neither root nor KVM. Its terminals are descriptors of the process: 1 is the lab's terminal or
 * standard output, 3 takes commands, 4 carries the marks between them, 5 is a script's standard error.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { isAbsolute } from 'node:path';
import type { Backend, LabMachine, Remains, StartOptions, Stopped } from '../lab/backend.ts';
import { isComplete } from '../lab/is-complete.ts';
import { COMMAND_LOOP, driverScript, quote } from './driver.ts';
import { enterNamespaces, labEnvironment, onPath, whyUnavailable } from './kernel-backend.ts';
import { MarkSplitter } from './marks.ts';
import { BackendUnavailable } from './unavailable.ts';

const MEMORY_MEGABYTES = 192;
const DEFAULT_COLUMNS = 80;
const MODULES = '/usr/lib/uml/modules';

/** Why labs cannot run on User-Mode Linux; undefined when they can. */
export function whyUmlUnavailable(): string | undefined {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    return `User-Mode Linux runs on x86-64 Linux, this is ${process.platform} on ${process.arch}`;
  }
  if (!onPath('linux.uml') || !existsSync(MODULES)) {
    return 'User-Mode Linux is missing; get it by: apt-get install user-mode-linux';
  }
  if (!onPath('modprobe')) return 'the program modprobe is missing; get it by: apt-get install kmod';
  return undefined;
}

/** The first process of the guest: prepares the machine and runs what comes over its terminals. */
function initScript(folder: string, bytes: number, columns: number, terminal: boolean): string {
  return `#!/bin/bash
# Seen from a user namespace, set-user-ID programs belong to somebody else than root: no such changes.
[ "$1" = again ] || exec setpriv --no-new-privs bash "$0" again
shift
export PATH=/usr/sbin:/usr/bin:/sbin:/bin TERM=dumb
mount -t proc proc /proc
mount -t sysfs sysfs /sys
# The host's device files belong to the host's root, and hostfs asks the host.
mount -t devtmpfs devtmpfs /dev
ln -s /proc/self/fd /dev/fd
ln -s /proc/self/fd/0 /dev/stdin
ln -s /proc/self/fd/1 /dev/stdout
ln -s /proc/self/fd/2 /dev/stderr
mkdir -p /dev/shm /dev/pts
mount -t tmpfs tmpfs /dev/shm
mount -t devpts devpts /dev/pts
for tty in 1 2 3 4; do stty raw -echo cols ${columns} rows 24 < /dev/tty$tty; done
exec 2>/dev/tty4 60</dev/tty2 61>/dev/tty3 </dev/null >/dev/tty1
mount -t tmpfs -o size=4m tmpfs /mnt && mkdir -p /mnt/modules/lib && ln -s ${MODULES} /mnt/modules/lib/modules
/sbin/modprobe -d /mnt/modules overlay
/sbin/modprobe -d /mnt/modules ipv6
umount /mnt
${driverScript({ folder, bytes })}
mkdir -p /run/hairpin/modules/lib
ln -s ${MODULES} /run/hairpin/modules/lib/modules
printf '#!/bin/sh\\nexec /sbin/modprobe -d /run/hairpin/modules "$@"\\n' > /run/hairpin/modprobe
chmod 755 /run/hairpin/modprobe
echo /run/hairpin/modprobe > /proc/sys/kernel/modprobe
for name in iptables iptables-save iptables-restore ip6tables ip6tables-save ip6tables-restore; do
  legacy=$(command -v \${name/tables/tables-legacy}) && ln -s "$legacy" /run/hairpin/$name
done
unset name legacy
${terminal ? 'exec 2>&1' : ''}
exec setsid bash -c ${quote(COMMAND_LOOP)} bash
`;
}

class UmlLab implements LabMachine {
  readonly #options: StartOptions;
  readonly #startedAt = process.hrtime.bigint();
  readonly #marks = new MarkSplitter(() => undefined);
  readonly #child: ChildProcess;
  readonly #ready: Promise<string | undefined>;
  #stopped: Stopped | undefined;
  /** When output last came: it and the marks go separate ways. */
  #lastOutput = 0;

  constructor(options: StartOptions) {
    this.#options = options;
    this.#child = this.#boot();
    this.#ready = this.#nextMark();
    const { stdout, stdio } = this.#child;
    const output = (stream: 'stdout' | 'stderr') => (data: Uint8Array) => {
      this.#lastOutput = performance.now();
      options.sink(stream, data);
    };
    stdout!.on('data', output('stdout'));
    (stdio[4] as NodeJS.ReadableStream).on('data', (data: Uint8Array) => this.#marks.take(data));
    ((stdio as readonly unknown[])[5] as NodeJS.ReadableStream).on('data', output('stderr'));
    (stdio[3] as NodeJS.WritableStream).on('error', () => undefined);
  }

  get now(): number {
    return Number(process.hrtime.bigint() - this.#startedAt);
  }

  get stopped(): Stopped | undefined {
    return this.#stopped;
  }

  async start(): Promise<void> {
    if ((await this.#ready) === undefined) {
      throw new BackendUnavailable('User-Mode Linux did not start; try it by: linux.uml --showconfig');
    }
  }

  script(path: string, text: string, args: readonly string[]): Promise<number> {
    const words = isAbsolute(path) && existsSync(path) ? [path, ...args] : ['-c', text, path, ...args];
    return this.command(`bash ${words.map(quote).join(' ')}`);
  }

  async command(text: string): Promise<number> {
    const status = this.#nextMark();
    (this.#child.stdio[3] as NodeJS.WritableStream).write(`${text}\0`);
    const answer = await status;
    await this.#drained();
    return answer === undefined ? 255 : Number(answer);
  }

  isComplete(text: string): boolean {
    return isComplete(text);
  }

  async stop(): Promise<Remains> {
    const child = this.#child;
    if (child.exitCode === null && child.signalCode === null) {
      const ended = new Promise((done) => child.once('close', done));
      child.kill('SIGKILL');
      await ended;
    }
    return { captures: [], trace: [], files: [] };
  }

  #boot(): ChildProcess {
    const { folder, columns, limits, terminal } = this.#options;
    const init = initScript(
      folder?.path ?? process.cwd(),
      limits?.bytes ?? 96 * 1024 * 1024,
      columns ?? DEFAULT_COLUMNS,
      terminal,
    );
    const uml = [
      'linux.uml',
      `mem=${MEMORY_MEGABYTES}M`,
      'rootfstype=hostfs',
      'rootflags=/',
      'ro',
      'init=/run/uml/init',
      'uml_dir=/run/uml/',
      'quiet',
      'con=null',
      'con0=null,null',
      'con1=null,fd:1',
      'con2=fd:3,null',
      'con3=null,fd:4',
      'con4=null,fd:5',
      'ssl=null',
    ].join(' ');
    // What it writes of its own goes to a private memory file system, so that nothing stays behind.
    const script = `
mount -t tmpfs hairpin /run || exit 125
mkdir /run/uml
printf '%s' "$HAIRPIN_INIT" > /run/uml/init
chmod 755 /run/uml/init
export TMPDIR=/run/uml
unset HAIRPIN_INIT
${uml} </dev/null 2>/dev/null
exit $?
`;
    const [command, ...args] = [...enterNamespaces().filter((word) => word !== '--net'), 'bash', '-c', script];
    const env = { ...labEnvironment(this.#options), HAIRPIN_INIT: init };
    return spawn(command!, args, { stdio: ['ignore', 'pipe', 'ignore', 'pipe', 'pipe', 'pipe'], env });
  }

  #nextMark(): Promise<string | undefined> {
    return new Promise((done) => {
      const gone = () => {
        this.#stopped ??= { reason: 'exit', message: 'the lab’s kernel has ended' };
        done(undefined);
      };
      this.#child.once('close', gone);
      this.#marks.next((text) => {
        this.#child.off('close', gone);
        done(text);
      });
    });
  }

  /** Resolves when the terminals have been quiet for a moment. */
  async #drained(): Promise<void> {
    do await new Promise((resolve) => setTimeout(resolve, 5));
    while (performance.now() - this.#lastOutput < 5);
  }
}

/** Labs on User-Mode Linux. */
export const uml: Backend = {
  name: 'uml',
  async start(options) {
    const why = whyUmlUnavailable() ?? whyUnavailable();
    if (why !== undefined) throw new BackendUnavailable(`labs cannot run on User-Mode Linux: ${why}`);
    const lab = new UmlLab(options);
    try {
      await lab.start();
    } catch (error) {
      await lab.stop();
      throw error;
    }
    return lab;
  },
};
