// What a person waits for: the first output of a small lab and of the shell, and a matrix of pings.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { spread } from '../statistics.mjs';
import { againRuns, hairpin, timed, twinRun, withFile } from './command.mjs';
import { matrixText } from './texts.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));

const SMALL_LAB = `ip netns add a
ip netns add b
ip link add eth0 netns a type veth peer name eth0 netns b
ip -n a address add 10.0.0.1/24 dev eth0
ip -n b address add 10.0.0.2/24 dev eth0
ip -n a link set eth0 up
ip -n b link set eth0 up
ip netns exec a ping -c 1 10.0.0.2
`;
const WITH_TEXT_UTILITY = 'ip link show lo | grep lo\n';
const HOSTS = 100;
/** The compiler of V8 is done with the matrix after so many. */
const MATRIX_WARM_UP = 6;

/** CPU and wall seconds of a command, some times. */
function runs(rounds, run) {
  const results = Array.from({ length: rounds }, () => {
    const start = performance.now();
    const { cpu } = run();
    return { cpu, wall: (performance.now() - start) / 1000 };
  });
  return { cpu: spread(results.map(({ cpu }) => cpu)), wall: spread(results.map(({ wall }) => wall)) };
}

/** Wall seconds from the start of \`hairpin shell\` to the first byte that the first command prints. */
async function firstOutput() {
  const start = performance.now();
  const child = spawn(process.execPath, [hairpin, 'shell'], { stdio: ['pipe', 'pipe', 'inherit'] });
  child.stdin.end('ip link show lo\n');
  await once(child.stdout, 'data');
  const seconds = (performance.now() - start) / 1000;
  await once(child, 'exit');
  return seconds;
}

export async function measureLatency({ rounds, matrixRounds }) {
  const run = (text) => () => twinRun(text);
  const small = runs(rounds, run(SMALL_LAB));
  const npx = withFile(SMALL_LAB, (file) =>
    runs(rounds, () => timed(['npx', '--offline', '--loglevel=error', 'hairpin', 'run', file], { cwd: root })),
  );
  const textUtility = runs(rounds, run(WITH_TEXT_UTILITY));
  const shell = [];
  for (let round = 0; round < rounds; round++) shell.push(await firstOutput());
  let answered = 0;
  const matrix = runs(matrixRounds, () => {
    const result = twinRun(matrixText(HOSTS));
    answered = result.stdout.split('\n').filter((line) => line !== '').length;
    return result;
  });
  const again = againRuns(matrixText(HOSTS), MATRIX_WARM_UP, matrixRounds * 2);
  const matrixAgain = { cpu: spread(again.map(({ cpu }) => cpu)), wall: spread(again.map(({ wall }) => wall)) };
  return {
    small,
    npx,
    textUtility,
    shell: spread(shell),
    matrix: { ...matrix, pings: HOSTS * (HOSTS - 1), answered },
    matrixAgain,
  };
}
