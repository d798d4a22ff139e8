// The kernel and ns-3, against which the twin is measured: whether they are here, and the small programs that
// drive them, compiled when they are needed.
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { version } from './machine.mjs';

const frames = fileURLToPath(new URL('frames/', import.meta.url));
const built = fileURLToPath(new URL('../.hairpin/bench/', import.meta.url));
const NS3_MODULES = ['ns3-core', 'ns3-network', 'ns3-csma', 'ns3-bridge', 'ns3-internet'];

/** Why a peer cannot be measured here, and what would be needed. */
class Missing extends Error {}

/** Namespaces that end with the program: as root, or as the root of a user namespace. */
const UNSHARE = [
  'unshare',
  ...(process.getuid?.() === 0 ? [] : ['--user', '--map-root-user']),
  ...['--net', '--mount', '--fork', '--kill-child'],
];

/** The command line that runs a bash script in throwaway namespaces. */
export function throwaway(...script) {
  return [...UNSHARE, 'bash', '--norc', ...script];
}

function run([command, ...args]) {
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: 'utf8' });
  return { ok: status === 0, stdout: stdout ?? '', said: error?.message ?? stderr.trim() };
}

function compile(compiler, name, args) {
  mkdirSync(built, { recursive: true });
  const program = join(built, name);
  const { ok, said } = run([compiler, '-O2', '-o', program, ...args]);
  if (!ok) throw new Missing(`${compiler} cannot compile ${name}: ${said.split('\n')[0]}`);
  return program;
}

/** Namespaces with the devices that the paths need, tried out. */
function tryNamespaces() {
  if (process.platform !== 'linux') throw new Missing(`this is ${process.platform}, not Linux`);
  if (version.ip() === undefined) throw new Missing('there is no program ip (Debian package iproute2)');
  const devices =
    'mount -t tmpfs none /run && mkdir /run/netns && ip link add p0 type veth peer name p1 && ' +
    'ip link add br0 type bridge && ip link add m0 link p0 type macvlan && iptables -t nat -L -n';
  const { ok, said } = run(throwaway('-c', devices));
  if (!ok)
    throw new Missing(`namespaces with veth, bridge, macvlan and iptables cannot be had: ${said.split('\n')[0]}`);
}

function findKernel() {
  tryNamespaces();
  if (version.gcc() === undefined) throw new Missing('there is no compiler (Debian package gcc)');
  const sources = ['kernel-frames.c', 'kernel-support.c'].map((name) => join(frames, name));
  return compile('gcc', 'kernel-frames', sources);
}

function findNs3() {
  if (version.gxx() === undefined) throw new Missing('there is no compiler (Debian package g++)');
  // The libraries by name only: ns-3 also lists what it was itself linked with, which need not be installed.
  const flags = run(['pkg-config', '--cflags', '--libs-only-L', '--libs-only-l', ...NS3_MODULES]);
  if (!flags.ok) throw new Missing('there is no ns-3 (Debian packages libns3-dev and pkg-config)');
  const source = join(frames, 'ns3-frames.cc');
  return compile('g++', 'ns3-frames', ['-std=c++17', source, ...flags.stdout.trim().split(/\s+/)]);
}

function find(search) {
  try {
    return { program: search() };
  } catch (error) {
    if (!(error instanceof Missing)) throw error;
    return { missing: error.message };
  }
}

/** Each peer as `{ program }`, the path of what drives it, or `{ missing }`, why it is not here. */
export function findPeers({ twinOnly }) {
  if (twinOnly) return { kernel: { missing: '--twin-only' }, ns3: { missing: '--twin-only' } };
  return { kernel: find(findKernel), ns3: find(findNs3) };
}
