// Which machine the figures are from, and which programs it has.
import { spawnSync } from 'node:child_process';
import { cpus, release, totalmem } from 'node:os';

/** The first line that a program prints, undefined when there is no such program or it fails. */
function firstLine(command, args) {
  const { status, stdout } = spawnSync(command, args, { encoding: 'utf8' });
  return status === 0 ? stdout.trim().split('\n')[0] : undefined;
}

export const version = {
  gcc: () => firstLine('gcc', ['--version']),
  gxx: () => firstLine('g++', ['--version']),
  ip: () => firstLine('ip', ['-V']),
  ns3: () => firstLine('dpkg-query', ['-W', 'libns3-dev'])?.replace('\t', ' '),
};

export function machine() {
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: cpus().length,
    memory: `${Math.round(totalmem() / 2 ** 30)} GiB`,
    os: `${process.platform} ${release()}`,
    node: process.version,
  };
}
