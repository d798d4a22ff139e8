// Sends frames through a topology of the twin, in a process of its own.
//
//   node twin-worker.mjs TOPOLOGY COUNT SIZE MODE      MODE: off, trace or capture
//
// Each line of standard input is a number of CPU seconds; the answer is a line with the frames sent in about
// that time, those that arrived, and the CPU seconds of this process, user and system.
//
// Before that it sends frames on all the paths in all modes: code that has seen one path only is faster than
// in a lab that has more than one kind of device.
import { createInterface } from 'node:readline';
import { TOPOLOGIES } from './twin-topologies.mjs';

const WARM_UP_FRAMES = 5000;
const WARM_UP_SECONDS = 0.2;
const LONGEST_FRAME = 2048;
/** CPU seconds between two looks at the clock. */
const LOOK = 0.005;

const cpu = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
};

/** Switches tracing on, or listens with a packet socket on every device of every namespace. */
function prepare({ kernel, hosts, send }, mode) {
  kernel.trace.on = mode === 'trace';
  if (mode !== 'capture') return send;
  const sockets = hosts.flatMap((host) => host.capture());
  const kept = new Uint8Array(LONGEST_FRAME);
  return () => {
    send();
    for (const socket of sockets) while (socket.readable) kept.set(socket.recv().data);
  };
}

/** Sends for about `seconds`; `batch` is how many frames go between two looks at the clock. */
function run(send, seconds, batch) {
  const start = cpu();
  let sent = 0;
  let used = 0;
  while (used < seconds) {
    for (let i = 0; i < batch; i++) send();
    sent += batch;
    used = cpu() - start;
  }
  return { sent, used };
}

function warmUp() {
  for (const name of ['A', 'B', 'C', 'D']) {
    for (const mode of ['trace', 'capture', 'off']) {
      const send = prepare(TOPOLOGIES[name]({ size: 64 }), mode);
      for (let i = 0; i < WARM_UP_FRAMES; i++) send();
    }
  }
}

const [name, count, size, mode] = process.argv.slice(2);
warmUp();
const topology = TOPOLOGIES[name]({ count: Number(count), size: Number(size) });
const send = prepare(topology, mode);
const first = run(send, WARM_UP_SECONDS, 1);
const batch = Math.max(1, Math.round((first.sent / first.used) * LOOK));
for await (const line of createInterface({ input: process.stdin })) {
  const before = topology.arrived();
  const { sent, used } = run(send, Number(line), batch);
  console.log(`${sent} ${(topology.arrived() - before) / topology.copies} ${used}`);
}
