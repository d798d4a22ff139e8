// A program that sends frames through a topology when it is asked to: the twin's, the kernel's or ns-3's.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';
import { V8_FLAGS } from '../../bin/v8-flags.js';
import { throwaway } from '../peers.mjs';
import { arpRequest, broadcast, ethernet, hexHeader, mac } from './ethernet.mjs';

const here = (name) => fileURLToPath(new URL(name, import.meta.url));

class Runner {
  #child;
  #lines;
  #what;
  #said = '';
  #least;

  constructor(what, [command, ...args], least = 1) {
    this.#what = what;
    this.#least = least;
    this.#child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'] });
    this.#child.on('error', (error) => {
      this.#said = error.message;
    });
    this.#child.stdin.on('error', () => {});
    this.#child.stderr.on('data', (data) => {
      this.#said += data;
    });
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
  }

  /** Frames per CPU-second in about `seconds` of CPU time. */
  async rate(seconds) {
    this.#child.stdin.write(`${seconds}\n`);
    const { value: line } = await this.#lines.next();
    if (line === undefined) throw new Error(`${this.#what} ended early: ${this.#said.trim()}`);
    const [sent, arrived, cpu, softirqd = 0] = line.split(' ').map(Number);
    if (arrived < sent * this.#least) throw new Error(`${this.#what}: only ${arrived} of ${sent} frames arrived`);
    return sent / (cpu + Math.max(0, softirqd));
  }

  /** All of these programs end with their input. */
  close() {
    this.#child.stdin.end();
  }
}

/** The twin's program, made as the command-line program is: one file, by the same bundler. */
const twinProgram = here('../../.hairpin/bench/twin-frames.mjs');
const bundle = await rolldown({ input: here('twin-worker.mjs'), platform: 'node' });
await bundle.write({ file: twinProgram, codeSplitting: false });

/** `mode` is off, trace or capture; `count` ports, macvlans or hosts. */
export function twinRunner({ topology, count = 2, size = 64, mode = 'off' }) {
  const args = [...V8_FLAGS, twinProgram, topology, count, size, mode].map(String);
  return new Runner(`the twin's ${topology} of ${count}`, [process.execPath, ...args]);
}

function frameFor(topology, size) {
  if (topology === 'flood' || topology === 'siblings') return broadcast(size, mac(1));
  if (topology === 'macvlans') return ethernet(size, mac(1), mac(0xffff));
  if (topology === 'arp') return arpRequest(2, 1);
  return ethernet(size, mac(2), mac(1));
}

/** As {@link twinRunner}, without tracing. */
export function kernelRunner(program, { topology, count = 2, size = 64, mode = 'off' }) {
  const frames = [frameFor(topology, size), ethernet(size, mac(1), mac(2))].map(hexHeader);
  const args = [here('kernel-topology.sh'), program, topology, count, mode === 'capture' ? 1 : 0, size, ...frames];
  return new Runner(`the kernel's ${topology} of ${count}`, throwaway(...args.map(String)));
}

export function ns3Runner(program, { topology, size = 64 }) {
  return new Runner(`ns-3's ${topology}`, [program, topology, String(size)]);
}
